/** The lock's own API: what it is made of, and what was signed elsewhere. */

import { describe, expect, test } from "vitest";
import { encodeBase64 } from "../../../src/protocol/index.ts";
import {
  aumHash,
  encodeAum,
  formatLockKey,
  nodeKeyFromRaw,
  rotateSignature,
  signDirect,
  type Aum,
} from "../../../src/tka/index.ts";
import { admin, join } from "../../support/workerd/control.ts";
import { LocalChain, lockedScene, trustedKey, unlockedScene, type Scene } from "../../support/workerd/locked.ts";
import { refused } from "../../support/workerd/refused.ts";
import { randomBytes } from "../../support/workerd/signed-request.ts";
import { TestNode, type Answer } from "../../support/workerd/test-node.ts";

function at({ tailnet }: Pick<Scene, "tailnet">, path: string): string {
  return `/api/v2/tailnet/${tailnet}/lock/${path}`;
}

function submit(scene: Scene, signature: Uint8Array): Promise<Answer> {
  return admin("POST", at(scene, "signatures"), { signature: encodeBase64(signature) });
}

function update(scene: Scene, aums: readonly Aum[], interactive: boolean | null = null): Promise<Answer> {
  return admin("POST", at(scene, "updates"), { aums: aums.map((aum) => encodeBase64(encodeAum(aum))), interactive });
}

async function pending(scene: Scene): Promise<unknown[]> {
  return (await admin("GET", at(scene, "pending"))).json["devices"] as unknown[];
}

describe("a signature that was made elsewhere", () => {
  test("lets a device in, once, and is refused from a key that is not trusted [G7]", async () => {
    const scene = await lockedScene();
    const { alice, carol } = scene;
    const dave = new TestNode("dave");
    await join(scene.tailnet, dave);
    expect(await pending(scene)).toEqual([expect.objectContaining({ name: "dave", nodeKey: dave.nodeKey })]);
    const by = (signer: TestNode): Uint8Array => signDirect(dave.nodeKey, dave.lockKey.publicKey, signer.lockKey);
    refused(await submit(scene, by(carol)), "unknown_key");
    const answer = { nodeKey: dave.nodeKey, signedBy: formatLockKey(alice.lockKey.publicKey) };
    const good = by(alice);
    expect((await submit(scene, good)).json).toMatchObject(answer);
    expect(await pending(scene)).toEqual([]);
    expect((await submit(scene, good)).json).toMatchObject(answer);
    expect((await dave.map()).Node?.KeySignature).toEqual(good);
  });

  test("is no rotation, which is taken from its own node alone [G6]", async () => {
    const scene = await lockedScene();
    const { alice, carol } = scene;
    const direct = signDirect(carol.nodeKey, carol.lockKey.publicKey, alice.lockKey);
    const next = nodeKeyFromRaw(randomBytes(32));
    const rotated = rotateSignature(direct, next, carol.lockKey);
    const OldNodeKey = carol.nodeKey;
    carol.nodeKey = next;
    expect((await carol.register("", { OldNodeKey, NodeKeySignature: rotated })).status).toBe(200);
    refused(await submit(scene, rotated), "not_authorized");
  });

  test("is bytes in base64 that decode, and no more of them than any signature has", async () => {
    const scene = await lockedScene();
    for (const signature of ["", "AA==", "no base64", "A".repeat(20_000)])
      expect((await admin("POST", at(scene, "signatures"), { signature })).status, signature.slice(0, 20)).toBe(400);
  });
});

describe("updates that were signed elsewhere", () => {
  test("move the head as those of a node do [Y1][Y2], and stand in the log", async () => {
    const scene = await lockedScene();
    const { alice, carol, genesis } = scene;
    const chain = await LocalChain.of(alice);
    const updates = chain.updates((builder) => builder.addKey(trustedKey(carol)));
    const head = aumHash(updates.at(-1) as Aum);
    expect((await update(scene, updates)).json).toEqual({ head });
    expect((await update(scene, updates)).json).toEqual({ head });
    const stale = chain.updates((builder) => builder.setKeyVotes(alice.lockKey.publicKey, 2n));
    const refusal = refused(await update(scene, stale), "head_moved");
    expect(refusal.head).toBe(head);
    const keys = (await admin("GET", at(scene, "keys"))).json;
    expect(keys["head"]).toBe(head);
    expect(keys["keys"]).toContainEqual({
      key: formatLockKey(carol.lockKey.publicKey),
      kind: "25519",
      votes: 1,
      metadata: {},
      nodes: ["carol"],
      signed: 0,
    });
    const first = (await admin("GET", `${at(scene, "log")}?limit=1`)).json;
    expect(first["updates"]).toEqual([
      expect.objectContaining({
        hash: head,
        place: 1,
        kind: "add-key",
        parent: aumHash(genesis),
        key: expect.objectContaining({ key: formatLockKey(carol.lockKey.publicKey) }) as unknown,
        signers: [formatLockKey(alice.lockKey.publicKey)],
        aum: encodeBase64(encodeAum(updates[0] as Aum)),
      }),
    ]);
    const second = (await admin("GET", `${at(scene, "log")}?cursor=${String(first["cursor"])}`)).json;
    expect(second).toEqual({ updates: [expect.objectContaining({ hash: aumHash(genesis), kind: "checkpoint" })] });
  });

  test("are refused whole where one is not signed by a trusted key", async () => {
    const scene = await lockedScene();
    const { alice, carol } = scene;
    const chain = await LocalChain.of(alice);
    const good = chain.updates((builder) => builder.addKey(trustedKey(carol)));
    const bad = chain.updates((builder) => builder.removeKey(alice.lockKey.publicKey), carol.lockKey);
    expect(refused(await update(scene, [...good, ...bad]), "unknown_key").index).toBe(1);
    expect((await admin("GET", at(scene, "keys"))).json["head"]).toBe(aumHash(scene.genesis));
  });
});

test("a chain that was turned off stays, and its log can be read", async () => {
  const scene = await lockedScene();
  const genesis = aumHash(scene.genesis);
  const [secret = new Uint8Array(0)] = scene.secrets;
  const disablementSecret = [...secret].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  expect((await admin("GET", at(scene, "retired"))).json).toEqual({ chains: [] });
  expect((await admin("POST", at(scene, "disable"), { disablementSecret })).status).toBe(200);
  expect((await admin("GET", at(scene, "retired"))).json["chains"]).toEqual([
    expect.objectContaining({ genesis, head: genesis, updates: 1 }),
  ]);
  refused(await admin("GET", at(scene, "log")), "lock_not_enabled");
  const { json } = await admin("GET", `${at(scene, "log")}?chain=${genesis}`);
  expect(json["updates"]).toEqual([expect.objectContaining({ hash: genesis, place: 0 })]);
  expect((await admin("GET", `${at(scene, "log")}?chain=${genesis.slice(1)}A`)).status).toBe(404);
});

test("without a lock there is nothing to sign", async () => {
  const scene = await unlockedScene();
  const signature = signDirect(scene.carol.nodeKey, null, scene.alice.lockKey);
  refused(await submit(scene, signature), "lock_not_enabled");
  refused(await update(scene, [scene.genesis]), "lock_not_enabled");
  refused(await admin("GET", at(scene, "keys")), "lock_not_enabled");
});
