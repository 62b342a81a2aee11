/** A machine is carried to another network: its connections are gone, and all goes on. */

import { initLock, sign } from "../locks.ts";
import { EVERY, type Play } from "../play.ts";
import { expectAllReach, expectLockedOut, expectSigned } from "../sights.ts";

const play: Play = {
  title: "a client changes its network",
  columns: EVERY,
  namespaces: true,
  async run(scene) {
    const [alice, bob] = await scene.join("alice", "bob");
    await initLock(scene, [alice, bob], [alice, bob]);
    await expectAllReach(scene, [alice, bob]);
    bob.changeNetwork();
    await scene.middle();
    await expectAllReach(scene, [alice, bob]);
    const [carol] = await scene.join("carol");
    await expectLockedOut(scene, carol, bob);
    await sign(scene, bob, carol);
    await expectSigned(scene, carol);
    await expectAllReach(scene, [bob, carol]);
  },
};

export default play;
