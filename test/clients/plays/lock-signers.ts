/** Signers come and go: what a removed one has signed stays where it was signed anew, and falls out where it was not. */

import { initLock, sign } from "../locks.ts";
import { EVERY, type Play } from "../play.ts";
import { expectAllReach, expectLockedOut, expectNewHead, expectSigned } from "../sights.ts";

const play: Play = {
  title: "lock: add a signer; remove it with re-signing, and without",
  columns: EVERY,
  async run(scene) {
    const [alice, bob, carol] = await scene.join("alice", "bob", "carol");
    await initLock(scene, [alice, bob], [alice, bob, carol]);
    const carolsKey = await carol.lockKey();
    await expectNewHead(scene, [alice, bob, carol], () => scene.ok(alice, "lock", "add", carolsKey));

    const [dave] = await scene.join("dave");
    await sign(scene, carol, dave);
    await expectSigned(scene, dave);
    await scene.middle();
    await expectNewHead(scene, [alice, bob, carol, dave], () => scene.ok(alice, "lock", "remove", carolsKey));
    await expectSigned(scene, dave);
    await expectAllReach(scene, [alice, dave]);

    const davesKey = await dave.lockKey();
    await expectNewHead(scene, [alice, bob, carol, dave], () => scene.ok(bob, "lock", "add", davesKey));
    const [erin] = await scene.join("erin");
    await sign(scene, dave, erin);
    await expectSigned(scene, erin);
    await expectAllReach(scene, [alice, erin]);
    await scene.ok(bob, "lock", "remove", "--re-sign=false", davesKey);
    await expectLockedOut(scene, erin, alice, bob);
  },
};

export default play;
