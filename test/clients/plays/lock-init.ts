/** The lock goes on in a tailnet that is in use: every node that is there is signed, and goes on as before. */

import { initLock } from "../locks.ts";
import { EVERY, type Play } from "../play.ts";
import { expectAllReach } from "../sights.ts";

const play: Play = {
  title: "lock: init with two signers; every node signed, and all reach one another; status and log, text and JSON",
  columns: EVERY,
  async run(scene) {
    const [alice, bob, carol] = await scene.join("alice", "bob", "carol");
    await expectAllReach(scene, [alice, bob, carol]);
    await initLock(scene, [alice, bob], [alice, bob, carol]);
    await scene.middle();
    await expectAllReach(scene, [alice, bob, carol]);

    const status = await scene.ok(carol, "lock", "status");
    scene.expect("status says that the lock is on", /lock is ENABLED/i.test(status), status);
    for (const signer of [alice, bob])
      scene.expect(`... and that ${signer.name} is trusted`, status.includes(await signer.lockKey()), status);
    const json = JSON.parse(await scene.ok(carol, "lock", "status", "--json")) as object;
    scene.expect("status --json has it too", /"enabled": ?true/i.test(JSON.stringify(json)), JSON.stringify(json));

    const log = await scene.ok(carol, "lock", "log");
    scene.expect("log begins with a checkpoint", /update [0-9A-Za-z]+ \(checkpoint\)/.test(log), log);
    const entries = JSON.stringify(JSON.parse(await scene.ok(carol, "lock", "log", "--json")));
    scene.expect("log --json has it too", /checkpoint/i.test(entries), entries);
    await scene.refused(/already/i, bob, "lock", "init", "--confirm", await bob.lockKey());
  },
};

export default play;
