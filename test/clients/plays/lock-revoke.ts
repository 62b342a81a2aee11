/** A lock key that fell into the wrong hands is revoked by those who still hold theirs. */

import type { Client } from "../client.ts";
import { initLock, sign } from "../locks.ts";
import { EVERY, type Play } from "../play.ts";
import type { Scene } from "../scene.ts";
import { expectAllReach, expectLockedOut, expectNewHead, expectSigned } from "../sights.ts";

async function blobOf(scene: Scene, client: Client, step: string, ...args: readonly string[]): Promise<string> {
  const out = await scene.ok(client, "lock", "revoke-keys", ...args);
  const blob = new RegExp(`--${step} ([0-9A-F]+)`).exec(out)?.[1] ?? "";
  scene.expect(`the command to go on with is printed`, blob !== "", out);
  return blob;
}

const play: Play = {
  title: "lock: revoke-keys, --cosign, --finish",
  columns: EVERY,
  async run(scene) {
    const [alice, bob, carol] = await scene.join("alice", "bob", "carol");
    await initLock(scene, [alice, bob, carol], [alice, bob, carol]);
    const [mallory] = await scene.join("mallory");
    await sign(scene, carol, mallory);
    await expectSigned(scene, mallory);
    await expectAllReach(scene, [alice, mallory]);

    const key = await carol.lockKey();
    const first = await blobOf(scene, alice, "cosign", key);
    await scene.middle();
    const second = await blobOf(scene, bob, "finish", "--cosign", first);
    await expectNewHead(scene, [alice, bob], () => scene.ok(bob, "lock", "revoke-keys", "--finish", second));
    for (const client of [alice, bob])
      await scene.soon(`${client.name} does not trust carol's key any more`, async () =>
        ((await client.lockStatus()).TrustedKeys ?? []).every(({ Key }) => !Key.endsWith(key.slice("tlpub:".length))),
      );
    await expectLockedOut(scene, mallory, alice, bob);
    await expectAllReach(scene, [alice, bob]);
  },
};

export default play;
