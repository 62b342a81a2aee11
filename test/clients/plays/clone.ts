/** A cloned machine: two daemons with one state directory. Neither harms the tailnet, and the clone becomes a node of its own by authenticating anew. */

import { EVERY, type Play } from "../play.ts";
import { expectAllReach, expectSeen, expectState } from "../sights.ts";

const play: Play = {
  title: "a cloned state directory",
  columns: EVERY,
  async run(scene) {
    const [alice, bob] = await scene.join("alice", "bob");
    await expectAllReach(scene, [alice, bob]);
    await bob.stop();
    const clone = scene.newClient("clone", { version: bob.release.version, via: bob.via });
    bob.copyStateTo(clone);
    await Promise.all([bob.start(), clone.start()]);
    await expectState(scene, bob, "Running");
    await expectState(scene, clone, "Running");
    await scene.middle();
    await expectSeen(scene, bob, alice);
  },
};

export default play;
