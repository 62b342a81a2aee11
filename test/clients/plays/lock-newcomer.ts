/** A node that comes to a locked tailnet stays outside until a signer signs it. */

import { initLock, sign } from "../locks.ts";
import { EVERY, type Play } from "../play.ts";
import { expectAllReach, expectGone, expectLockedOut, expectSigned } from "../sights.ts";

const play: Play = {
  title: "lock: an unsigned newcomer is LOCKED OUT and reaches nobody; sign, and all reach it",
  columns: EVERY,
  async run(scene) {
    const [alice, bob] = await scene.join("alice", "bob");
    await initLock(scene, [alice, bob], [alice, bob]);
    const [carol] = await scene.join("carol");
    await expectGone(scene, carol, alice, bob);
    await expectLockedOut(scene, carol, alice, bob);
    await scene.middle();
    await sign(scene, bob, carol);
    await expectSigned(scene, carol);
    await expectAllReach(scene, [alice, bob, carol]);
  },
};

export default play;
