/** A node key that an admin ends: the node says so, nobody reaches it, and it comes back by authenticating anew. */

import { EVERY, type Play } from "../play.ts";
import { expectAllReach, expectState } from "../sights.ts";

const play: Play = {
  title: "expiry of a node key, and re-authentication",
  columns: EVERY,
  async run(scene) {
    const { control } = scene.world;
    const [alice, bob] = await scene.join("alice", "bob");
    await expectAllReach(scene, [alice, bob]);
    const before = (await bob.status()).Self;
    const device = (await control.devices(await scene.tailnet)).find(({ hostname }) => hostname === "bob");
    await control.call("POST", `/api/v2/device/${device?.id ?? ""}/expire`);
    await expectState(scene, bob, "NeedsLogin");
    await scene.soon("alice says that bob's key has expired", async () => {
      const peer = (await alice.peers()).get("bob");
      return peer === undefined || peer.Expired === true;
    });
    await scene.middle();
    await scene.ok(bob, "up", "--force-reauth", `--auth-key=${await scene.authKey()}`);
    await expectState(scene, bob, "Running");
    const after = (await bob.status()).Self;
    scene.expect("bob has another node key", after.PublicKey !== before.PublicKey);
    scene.expect("... and the address that it had", after.TailscaleIPs?.[0] === before.TailscaleIPs?.[0]);
    await expectAllReach(scene, [alice, bob]);
  },
};

export default play;
