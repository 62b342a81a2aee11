/** A node that is locked out can stop heeding the lock for itself; those that heed it still do not let it in. */

import { initLock } from "../locks.ts";
import { EVERY, type Play } from "../play.ts";
import { expectGone, expectLockedOut, expectOff, expectNoWay, expectSeen } from "../sights.ts";

const play: Play = {
  title: "lock: local-disable is for the node itself alone",
  columns: EVERY,
  async run(scene) {
    const [alice, bob] = await scene.join("alice", "bob");
    await initLock(scene, [alice, bob], [alice, bob]);
    const [carol, dave] = await scene.join("carol", "dave");
    await expectLockedOut(scene, dave, alice, carol);
    await scene.middle();
    await scene.ok(carol, "lock", "local-disable");
    await expectOff(scene, carol);
    // It goes by the map that it has until it asks for another.
    await carol.stop();
    await carol.start();
    await expectOff(scene, carol);
    await expectSeen(scene, dave, carol);
    await expectGone(scene, carol, alice, bob);
    await expectNoWay(scene, carol, alice);
  },
};

export default play;
