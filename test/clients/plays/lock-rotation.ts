/** A signed node that authenticates anew gets a new node key, and signs it itself by its lock key. */

import { initLock } from "../locks.ts";
import { EVERY, type Play } from "../play.ts";
import { expectAllReach, expectSigned } from "../sights.ts";

const play: Play = {
  title: "lock: a node key that is rotated on re-authentication stays signed",
  columns: EVERY,
  async run(scene) {
    const [alice, bob, carol] = await scene.join("alice", "bob", "carol");
    await initLock(scene, [alice, bob], [alice, bob, carol]);
    for (const round of ["first", "second"]) {
      const { NodeKey: before } = await carol.lockStatus();
      await scene.ok(carol, "up", "--force-reauth", `--auth-key=${await scene.authKey()}`);
      await scene.soon(`${round} time: carol has another node key`, async () => {
        const { NodeKey } = await carol.lockStatus();
        return NodeKey !== null && NodeKey !== before;
      });
      await expectSigned(scene, carol);
      await expectAllReach(scene, [alice, carol]);
      if (round === "first") await scene.middle();
    }
    await expectAllReach(scene, [bob, carol]);
  },
};

export default play;
