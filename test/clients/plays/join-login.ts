/** Joining by a page, first by an admin's word and then by a person who has signed in; logging out, and in again. */

import { connectByPage } from "../../e2e/login-page.ts";
import type { Client } from "../client.ts";
import { logOut } from "../logout.ts";
import { EVERY, type Play } from "../play.ts";
import type { Scene } from "../scene.ts";
import { expectAllReach, expectGone, expectSeen, expectState } from "../sights.ts";

/** The address that the client wants its person to open. */
async function loginAddress(scene: Scene, client: Client): Promise<string> {
  let url = "";
  await scene.soon(`${client.name} shows an address to log in at`, async () => {
    url = (await client.status()).AuthURL;
    return url !== "";
  });
  return url;
}

/** A person who has signed in connects the client as their own device. */
async function connect(scene: Scene, client: Client): Promise<void> {
  const { control } = scene.world;
  const address = await loginAddress(scene, client);
  const call = control.call.bind(control);
  const shown = await connectByPage(new URL(control.url).origin, await scene.tailnet, address, call);
  scene.expect("the page shows who asks", shown.includes("Connect as mine") && shown.includes(client.name), shown);
}

const play: Play = {
  title: "join by login page; logout, and login again",
  columns: EVERY,
  async run(scene) {
    const { control } = scene.world;
    const tailnet = await scene.tailnet;
    const [alice] = await scene.join("alice");
    const bob = await scene.client("bob");
    for (const round of ["first", "second"]) {
      const up = bob.upInBackground();
      scene.atEnd(() => up.kill());
      const url = await loginAddress(scene, bob);
      // By the way that the client itself takes: the address may be one that only the control plane's own network knows.
      const page = await bob.run(["curl", "-s", new URL(new URL(url).pathname, bob.loginServer).href]);
      scene.expect("the page says how it is approved", page.out.includes("login approve"), page.out + page.err);
      if (round === "first") await scene.middle();
      // A daemon that was killed before it had a key starts without the wish to be up.
      if (round === "first" && scene.column.trouble === "client killed") {
        const again = bob.upInBackground();
        scene.atEnd(() => again.kill());
      }
      if (round === "first") await control.approveLogin(tailnet, await loginAddress(scene, bob));
      else await connect(scene, bob);
      await expectState(scene, bob, "Running");
      await expectAllReach(scene, [alice, bob]);
      await logOut(scene, bob, await scene.authKey());
      await expectState(scene, bob, "NeedsLogin");
      await scene.soon("alice does not take bob for online", async () => {
        const peer = (await alice.peers()).get("bob");
        return peer === undefined || !peer.Online || peer.Expired === true;
      });
    }
    await scene.ok(bob, "up", `--auth-key=${await scene.authKey()}`);
    await expectSeen(scene, bob, alice);
    await expectAllReach(scene, [alice, bob]);
    const [device] = (await control.devices(tailnet)).filter(({ hostname }) => hostname === "bob").slice(-1);
    if (device === undefined) return;
    await control.call("DELETE", `/api/v2/device/${device.id}`);
    await expectGone(scene, bob, alice);
    await expectState(scene, bob, "NeedsLogin");
  },
};

export default play;
