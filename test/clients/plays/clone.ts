/** A cloned machine: two daemons with one state directory. The tailnet goes on, and the clone becomes a node of its own where it logs in anew. */

import { logOut } from "../logout.ts";
import { EVERY, type Play } from "../play.ts";
import { expectAllReach, expectState } from "../sights.ts";

const play: Play = {
  title: "a cloned state directory",
  columns: EVERY,
  async run(scene) {
    const { control } = scene.world;
    const tailnet = await scene.tailnet;
    const [alice, bob] = await scene.join("alice", "bob");
    await expectAllReach(scene, [alice, bob]);
    await bob.stop();
    const clone = scene.newClient("clone", { version: bob.release.version, via: bob.via });
    bob.copyStateTo(clone);
    await Promise.all([bob.start(), clone.start()]);
    await expectState(scene, bob, "Running");
    await expectState(scene, clone, "Running");
    await scene.middle();
    scene.expect("both are one device to the control plane", (await control.devices(tailnet)).length === 2);
    await clone.stop();
    await expectAllReach(scene, [alice, bob]);
    await bob.stop();
    await clone.start();
    await expectState(scene, clone, "Running");
    // The other half of the pair gets keys of its own by being logged out of the shared ones.
    await logOut(scene, clone, await scene.authKey());
    await scene.ok(clone, "up", `--auth-key=${await scene.authKey()}`);
    await expectAllReach(scene, [alice, clone]);
    await bob.start();
    await scene.soon("bob, whose key is over, asks for a login", async () => (await bob.status()).AuthURL !== "");
    await scene.ok(bob, "up", `--auth-key=${await scene.authKey()}`);
    await expectAllReach(scene, [alice, bob, clone]);
  },
};

export default play;
