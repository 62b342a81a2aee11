/** A node that joins by an auth key that a signer has wrapped is signed from the start. */

import { initLock } from "../locks.ts";
import { EVERY, type Play } from "../play.ts";
import { expectAllReach, expectSigned } from "../sights.ts";

const play: Play = {
  title: "lock: a wrapped auth key lets a node in, signed from the start",
  columns: EVERY,
  async run(scene) {
    const [alice, bob] = await scene.join("alice", "bob");
    await initLock(scene, [alice, bob], [alice, bob]);
    const out = await scene.ok(bob, "lock", "sign", await scene.authKey());
    const wrapped = /^tskey-auth-\S+--TL\S+$/m.exec(out)?.[0] ?? "";
    scene.expect("sign prints the wrapped key", wrapped !== "", out);
    await scene.middle();
    const carol = await scene.client("carol");
    await scene.ok(carol, "up", `--auth-key=${wrapped}`);
    await expectSigned(scene, carol);
    await expectAllReach(scene, [alice, bob, carol]);
  },
};

export default play;
