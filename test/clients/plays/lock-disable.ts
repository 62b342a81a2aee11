/** The lock is turned off by a secret, and on again while one node sleeps: it wakes up and finds its way by itself. */

import { initLock } from "../locks.ts";
import { EVERY, type Play } from "../play.ts";
import { expectAllReach, expectOff, expectSigned } from "../sights.ts";

const play: Play = {
  title: "lock: disable; on again with one client asleep, which comes back by itself",
  columns: EVERY,
  async run(scene) {
    const [alice, bob, carol] = await scene.join("alice", "bob", "carol");
    const [secret = ""] = await initLock(scene, [alice, bob], [alice, bob, carol]);
    await scene.refused(/./, carol, "lock", "disable", `disablement-secret:${"00".repeat(32)}`);
    await scene.middle();
    await carol.stop();
    await scene.ok(bob, "lock", "disable", secret);
    await expectOff(scene, alice, bob);
    await expectAllReach(scene, [alice, bob]);
    await initLock(scene, [bob, alice], [alice, bob]);
    const head = (): Promise<unknown> => alice.lockStatus().then(({ Head }) => Head);
    await carol.start();
    await scene.soon(
      "carol stands at the new lock's head",
      async () => JSON.stringify((await carol.lockStatus()).Head) === JSON.stringify(await head()),
    );
    await expectSigned(scene, carol);
    await expectAllReach(scene, [alice, bob, carol]);
  },
};

export default play;
