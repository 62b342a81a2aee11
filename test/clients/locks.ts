/** What a person does with a lock, in more than one play. */

import type { Client } from "./client.ts";
import type { Scene } from "./scene.ts";
import { expectNewHead, expectSigned } from "./sights.ts";

/** Turns the lock on, at the first of the signers. Gives the disablement secrets. */
export async function initLock(
  scene: Scene,
  signers: readonly [Client, ...Client[]],
  everyone: readonly Client[],
): Promise<string[]> {
  const keys = await Promise.all(signers.map((signer) => signer.lockKey()));
  let out = "";
  await expectNewHead(scene, everyone, async () => {
    out = await scene.ok(signers[0], "lock", "init", "--confirm", "--gen-disablements=2", ...keys);
  });
  const secrets = [...out.matchAll(/disablement-secret:[0-9A-Fa-f]{64}/g)].map(([secret]) => secret);
  scene.expect("two disablement secrets are printed", secrets.length === 2, out);
  await expectSigned(scene, ...everyone);
  return secrets;
}

/** `lock sign` of another's node key, with its lock key to rotate with. */
export async function sign(scene: Scene, signer: Client, node: Client): Promise<void> {
  const { NodeKey } = await node.lockStatus();
  await scene.ok(signer, "lock", "sign", NodeKey ?? "", await node.lockKey());
}
