/** Signers come and go: what a removed one has signed stays where it was signed anew, and falls out where it was not. */

import { initLock, sign } from "../locks.ts";
import { EVERY, type Play } from "../play.ts";
import { expectAllReach, expectLockedOut, expectOneHead, expectSigned } from "../sights.ts";

const play: Play = {
  title: "lock: add a signer; remove it with re-signing, and without",
  columns: EVERY,
  async run(scene) {
    const [alice, bob, carol] = await scene.join("alice", "bob", "carol");
    await initLock(scene, [alice, bob], [alice, bob, carol]);
    await scene.ok(alice, "lock", "add", await carol.lockKey());
    await expectOneHead(scene, alice, bob, carol);

    const [dave] = await scene.join("dave");
    await sign(scene, carol, dave);
    await expectSigned(scene, dave);
    await scene.middle();
    await scene.ok(alice, "lock", "remove", await carol.lockKey());
    await expectOneHead(scene, alice, bob, carol, dave);
    await expectSigned(scene, dave);
    await expectAllReach(scene, [alice, dave]);

    await scene.ok(bob, "lock", "add", await dave.lockKey());
    await expectOneHead(scene, alice, bob, carol, dave);
    const [erin] = await scene.join("erin");
    await sign(scene, dave, erin);
    await expectSigned(scene, erin);
    await expectAllReach(scene, [alice, erin]);
    await scene.ok(bob, "lock", "remove", "--re-sign=false", await dave.lockKey());
    await expectLockedOut(scene, erin, alice, bob);
  },
};

export default play;
