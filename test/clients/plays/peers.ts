/** Peers appear and vanish without a reconnect: joining, sleeping, waking, renamed and removed. */

import { EVERY, type Play } from "../play.ts";
import { expectAllReach, expectGone, expectSeen } from "../sights.ts";

const play: Play = {
  title: "peers appear, sleep, wake, are renamed and vanish, without a reconnect",
  columns: EVERY,
  async run(scene) {
    const { control } = scene.world;
    const [alice] = await scene.join("alice");
    const [bob] = await scene.join("bob");
    await expectSeen(scene, bob, alice);
    await expectAllReach(scene, [alice, bob]);
    const online = async (): Promise<boolean> => (await alice.peers()).get("bob")?.Online === true;
    const status = async (): Promise<string> => (await alice.tailscale("status")).out;
    await scene.soon("alice sees bob online", online, status);
    await scene.middle();
    await bob.stop();
    await scene.soon("alice sees bob go offline", async () => !(await online()), status);
    await bob.start();
    await scene.soon("alice sees bob come online", online, status);
    await expectAllReach(scene, [alice, bob]);
    const device = (await control.devices(await scene.tailnet)).find(({ hostname }) => hostname === "bob");
    await control.call("POST", `/api/v2/device/${device?.id ?? ""}/name`, { name: "robert" });
    for (const client of [alice, bob])
      await scene.soon(`${client.name} knows bob as robert`, async () => {
        const status = await client.status();
        const known = client === bob ? status.Self : (await client.peers()).get("bob");
        return known?.DNSName.startsWith("robert.") === true;
      });
    await control.call("DELETE", `/api/v2/device/${device?.id ?? ""}`);
    await expectGone(scene, bob, alice);
  },
};

export default play;
