/** What members without a trusted key, and holders of one, must not be able to do to others [P3][P4][Y3][G1][G5][G6][G7]. */

import { describe, expect, test } from "vitest";
import {
  MAX_LOSING_AUMS,
  emptyResponse,
  registerResponse,
  syncSendResponse,
  type ControlErrorCode,
} from "../../../src/protocol/index.ts";
import {
  AUM_KIND,
  aumHash,
  formatLockKeyJson,
  hashToBytes,
  makeAum,
  nodeKeyFromRaw,
  rotateSignature,
  signAum,
  signDirect,
  type Aum,
  type AumSignature,
} from "../../../src/tka/index.ts";
import { join, makeAuthKey, stored } from "../../support/workerd/control.ts";
import { LocalChain, lockedScene, send, type Scene } from "../../support/workerd/locked.ts";
import { refused } from "../../support/workerd/refused.ts";
import { randomBytes } from "../../support/workerd/signed-request.ts";
import { TestNode, accepted } from "../../support/workerd/test-node.ts";

/** A locked tailnet whose second AUM alice and bob have signed both. */
async function cosignedScene(): Promise<Scene & { readonly head: Aum }> {
  const scene = await lockedScene();
  const chain = await LocalChain.of(scene.alice);
  const [update] = chain.updates((builder) => builder.setKeyVotes(scene.alice.lockKey.publicKey, 2n));
  if (update === undefined) throw new Error("nothing was built");
  const head = signAum(update, scene.bob.lockKey);
  accepted(await send(scene.alice, [head]), syncSendResponse);
  return { ...scene, head };
}

/** Nothing of it is stored. */
async function unchanged(tailnet: string, nodes: readonly TestNode[], act: () => Promise<void>): Promise<void> {
  const before = await stored(tailnet, nodes);
  await act();
  expect(await stored(tailnet, nodes)).toEqual(before);
}

describe("an AUM passed on under other signatures, by a node without any key", () => {
  const edits: readonly (readonly [
    string,
    ControlErrorCode,
    (given: readonly AumSignature[]) => readonly AumSignature[],
  ])[] = [
    ["one written twice [P3]", "republished", (given) => [...given, ...given]],
    ["in another order [P4]", "republished", (given) => [...given].reverse()],
    ["one left out [P4]", "republished", (given) => given.slice(1)],
    [
      "written 4,000 times [L2]",
      "malformed_request",
      (given) => Array.from({ length: 4000 }, () => given[0] as AumSignature),
    ],
  ];

  test.each(edits)("%s", async (_what, code, edit) => {
    const { tailnet, alice, bob, carol, head } = await cosignedScene();
    await unchanged(tailnet, [alice, bob, carol], async () => {
      refused(await send(carol, [{ ...head, signatures: edit(head.signatures ?? []) }], false), code);
    });
  });

  test("with a signer that it lacked, where it is no checkpoint [P4]", async () => {
    const scene = await lockedScene();
    const chain = await LocalChain.of(scene.alice);
    const [update] = await chain.change((builder) => builder.setKeyVotes(scene.alice.lockKey.publicKey, 2n));
    if (update === undefined) throw new Error("nothing was built");
    refused(await send(scene.bob, [signAum(update, scene.bob.lockKey)], false), "republished");
  });
});

describe("branches that lose [Y3]", () => {
  const branch = (parent: Aum, i: number, { alice }: Scene): Aum =>
    signAum(makeAum(AUM_KIND.noOp, { prevAumHash: hashToBytes(aumHash(parent)), votes: BigInt(i) }), alice.lockKey);

  test("more at once than are kept are refused before they are verified", async () => {
    const scene = await cosignedScene();
    const many = Array.from({ length: MAX_LOSING_AUMS + 1 }, (_, i) => branch(scene.genesis, i, scene));
    refused(await send(scene.alice, many, false), "too_many_forks");
  });

  test("one branch that grows is refused in the end, and what wins still passes", async () => {
    const scene = await cosignedScene();
    const line = [branch(scene.genesis, 0, scene)];
    for (let i = 1; i < MAX_LOSING_AUMS; i++) line.push(branch(line.at(-1) as Aum, i, scene));
    accepted(await send(scene.alice, line, false), syncSendResponse);
    const last = line.at(-1) as Aum;
    refused(await send(scene.alice, [branch(last, 999, scene)], false), "too_many_forks");
    const chain = await LocalChain.of(scene.alice);
    await chain.change((builder) => builder.setKeyVotes(scene.bob.lockKey.publicKey, 3n));
    expect((await scene.bob.map()).TKAInfo?.Head).toBe(chain.authority.head);
  });
});

describe("signatures for other nodes", () => {
  test("a rotation to another node's key, on top of the sender's own signature [G6]", async () => {
    const { alice, bob, carol } = await lockedScene();
    const own = signDirect(bob.nodeKey, bob.lockKey.publicKey, alice.lockKey);
    refused(await bob.tka("sign", { Signature: rotateSignature(own, carol.nodeKey, bob.lockKey) }), "not_authorized");
  });

  test("a rotation that names another node's key as an earlier one of the sender's [G5]", async () => {
    const { alice, bob, carol } = await lockedScene();
    const first = signDirect(carol.nodeKey, bob.lockKey.publicKey, alice.lockKey);
    refused(await bob.tka("sign", { Signature: rotateSignature(first, bob.nodeKey, bob.lockKey) }), "not_authorized");
  });

  test("an older signature of another node, put back by somebody who has seen it [G7]", async () => {
    const { alice, bob, carol } = await lockedScene();
    const older = signDirect(bob.nodeKey, carol.lockKey.publicKey, alice.lockKey);
    refused(await carol.tka("sign", { Signature: older }), "not_authorized");
    accepted(await alice.tka("sign", { Signature: older }), emptyResponse);
  });

  test("an older signature, put back by somebody who says that the signer's lock key is its own [G15]", async () => {
    const { tailnet, alice, bob, carol } = await lockedScene();
    const older = signDirect(bob.nodeKey, carol.lockKey.publicKey, alice.lockKey);
    const NLKey = formatLockKeyJson(alice.lockKey.publicKey);
    const authKey = await makeAuthKey(tailnet);
    const changed = { NLKey, OldNodeKey: carol.nodeKey, NodeKey: new TestNode("").nodeKey };
    await unchanged(tailnet, [], async () => {
      refused(await carol.register("", { NLKey }), "key_exists");
      refused(await carol.register("", changed), "key_exists");
      refused(await new TestNode("eve").register(authKey, { NLKey }), "key_exists");
      refused(await carol.tka("sign", { Signature: older }), "not_authorized");
    });
  });

  test("a node key that another node has replaced is not to be had [G1]", async () => {
    const { tailnet, alice, carol } = await lockedScene();
    const [first, dave] = [carol.nodeKey, new TestNode("dave")];
    await join(tailnet, dave);
    const held = (await carol.map()).Node?.KeySignature ?? new Uint8Array(0);
    carol.nodeKey = nodeKeyFromRaw(randomBytes(32));
    const NodeKeySignature = rotateSignature(held, carol.nodeKey, carol.lockKey);
    accepted(await carol.register("", { OldNodeKey: first, NodeKeySignature }), registerResponse);
    refused(await dave.register("", { NodeKey: first, OldNodeKey: dave.nodeKey }), "node_key_owned");
    refused(await dave.register(await makeAuthKey(tailnet), { NodeKey: first }), "node_key_owned");
    expect((await alice.map()).Peers?.find(({ Key }) => Key === carol.nodeKey)?.KeySignature).toEqual(NodeKeySignature);
  });
});
