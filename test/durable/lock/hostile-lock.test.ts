/** What a locked tailnet refuses: updates, signatures, offers and secrets that are not right [L1][L2][Y1][Y2]. */

import {
  MAX_ANCESTORS,
  MAX_AUM_BYTES,
  MAX_BATCH,
  MAX_SECRET_BYTES,
  MAX_SIGNATURE_BYTES,
  syncSendResponse,
} from "../../../src/protocol/index.ts";
import {
  AUM_KIND,
  SIG_KIND,
  aumHash,
  encodeAum,
  encodeNodeKeySignature,
  hashToBytes,
  makeAum,
  makeNodeKeySignature,
  nodeKeyToBinary,
  signAum,
  signDirect,
  type Aum,
} from "../../../src/tka/index.ts";
import { signNodeKeySignature } from "../../../src/tka/rotation.ts";
import { join, makeTailnet } from "../../support/workerd/control.ts";
import { hostileTable, type Hostile } from "../../support/workerd/hostile.ts";
import {
  LocalChain,
  finish,
  lockedScene,
  newState,
  send,
  trustedKey,
  type Scene,
} from "../../support/workerd/locked.ts";
import { randomBytes } from "../../support/workerd/signed-request.ts";
import { TestNode, accepted } from "../../support/workerd/test-node.ts";

interface LockScene extends Scene {
  readonly chain: LocalChain;
  /** An update that follows the genesis and is outvoted by the one that stands there. */
  readonly stale: readonly Aum[];
  /** A node of another tailnet. */
  readonly eve: TestNode;
}

/** A chain of two AUMs, the second signed by alice and bob. */
async function makeScene(): Promise<LockScene> {
  const scene = await lockedScene();
  const { alice, bob } = scene;
  const before = await LocalChain.of(alice);
  const stale = before.updates((builder) => builder.setKeyVotes(bob.lockKey.publicKey, 9n), bob.lockKey);
  const [update] = before.updates((builder) => builder.setKeyVotes(alice.lockKey.publicKey, 2n));
  if (update === undefined) throw new Error("nothing was built");
  accepted(await send(alice, [signAum(update, bob.lockKey)]), syncSendResponse);
  const eve = new TestNode("eve");
  await join(await makeTailnet(), eve);
  return { ...scene, chain: await LocalChain.of(alice), stale, eve };
}

/** A signed AUM that follows the head. */
function next({ chain, alice }: LockScene, kind: number, fields: Partial<Aum> = {}, signer = alice.lockKey): Aum {
  return signAum(makeAum(kind, { prevAumHash: hashToBytes(chain.authority.head), ...fields }), signer);
}

function follow(aum: Aum, { alice }: LockScene): Aum {
  return signAum(makeAum(AUM_KIND.noOp, { prevAumHash: hashToBytes(aumHash(aum)) }), alice.lockKey);
}

/** The AUM with the first byte of its first signature turned. */
function spoiled(aum: Aum): Aum {
  const signatures = (aum.signatures ?? []).map(({ keyId, signature }) => ({
    keyId,
    signature: signature === null ? null : Uint8Array.of((signature[0] ?? 0) ^ 1, ...signature.subarray(1)),
  }));
  return { ...aum, signatures };
}

/** An UpdateKey on the wire with `7: {}`, which its canonical encoding, and so its signature, leaves out. */
function emptyMetadata(scene: LockScene): Uint8Array {
  const keyId = scene.bob.lockKey.publicKey;
  const bytes = encodeAum(next(scene, AUM_KIND.updateKey, { keyId }));
  // Map header, kind (2 bytes), parent (1 + 2 + 32), key ID (1 + 2 + 32); the signatures come next.
  const signatures = 1 + 2 + 35 + 35;
  return Uint8Array.of((bytes[0] ?? 0) + 1, ...bytes.subarray(1, signatures), 7, 0xa0, ...bytes.subarray(signatures));
}

const sending = (updates: (scene: LockScene) => readonly (Aum | Uint8Array)[], interactive = true) => ({
  attempt: (scene: LockScene) => send(scene.alice, updates(scene), interactive),
});

const updates: readonly Hostile<LockScene>[] = [
  {
    name: "an update that is not CBOR",
    code: "malformed_cbor",
    index: 0,
    ...sending(() => [randomBytes(3).fill(0xff)]),
  },
  { name: "an update of no bytes", code: "malformed_cbor", index: 0, ...sending(() => [new Uint8Array(0)]) },
  {
    name: "an update nested deeper than CBOR may be",
    code: "malformed_cbor",
    ...sending(() => [Uint8Array.of(0xa1, 0x18, 99, ...new Uint8Array(5000).fill(0x81), 0)]),
  },
  {
    name: "an update whose parent nobody has",
    code: "aum_not_found",
    index: 0,
    ...sending((scene) => [next(scene, AUM_KIND.noOp, { prevAumHash: randomBytes(32) })]),
  },
  {
    name: "an update without a parent",
    code: "no_parent",
    ...sending((scene) => [next(scene, AUM_KIND.noOp, { prevAumHash: null })]),
  },
  {
    name: "an update with an empty parent",
    code: "invalid_aum",
    ...sending((scene) => [next(scene, AUM_KIND.noOp, { prevAumHash: new Uint8Array(0) })]),
  },
  {
    name: "an update by a key that is not trusted",
    code: "unknown_key",
    ...sending((scene) => [next(scene, AUM_KIND.noOp, {}, scene.carol.lockKey)]),
  },
  {
    name: "an update that a stranger has signed too",
    code: "unknown_key",
    ...sending((scene) => [signAum(next(scene, AUM_KIND.noOp), scene.carol.lockKey)]),
  },
  {
    name: "an update whose signature does not verify",
    code: "bad_signature",
    ...sending((scene) => [spoiled(next(scene, AUM_KIND.noOp))]),
  },
  {
    name: "an update that nobody has signed",
    code: "unsigned_aum",
    ...sending((scene) => [{ ...next(scene, AUM_KIND.noOp), signatures: null }]),
  },
  {
    name: "a batch whose last update is bad",
    code: "bad_signature",
    index: 2,
    ...sending((scene) => {
      const first = next(scene, AUM_KIND.noOp);
      const second = follow(first, scene);
      return [first, second, spoiled(follow(second, scene))];
    }),
  },
  {
    name: "a batch whose last update is bad, sent of a node's own accord",
    code: "unknown_key",
    index: 1,
    ...sending((scene) => {
      const first = next(scene, AUM_KIND.noOp);
      const key = scene.carol.lockKey;
      return [first, signAum(makeAum(AUM_KIND.noOp, { prevAumHash: hashToBytes(aumHash(first)) }), key)];
    }, false),
  },
  { name: "a change that would lose [Y2]", code: "head_moved", ...sending(({ stale }) => stale) },
  {
    name: "an update that only its own sender would take [L1]",
    code: "not_canonical",
    index: 0,
    ...sending((scene) => [emptyMetadata(scene)]),
  },
  {
    name: "the same, sent of a node's own accord [L1]",
    code: "not_canonical",
    index: 1,
    ...sending((scene) => [next(scene, AUM_KIND.noOp), emptyMetadata(scene)], false),
  },
  {
    name: "an update that is too large [L2]",
    code: "malformed_request",
    ...sending(() => [new Uint8Array(MAX_AUM_BYTES + 1)]),
  },
  {
    name: "more updates than a batch may hold",
    code: "malformed_request",
    ...sending(() => Array<Uint8Array>(MAX_BATCH + 1).fill(new Uint8Array(1))),
  },
  {
    name: "the removal of the last key",
    code: "last_key",
    index: 1,
    ...sending(({ chain, alice, bob }) =>
      chain.updates((builder) => builder.removeKey(bob.lockKey.publicKey).removeKey(alice.lockKey.publicKey)),
    ),
  },
  {
    name: "a key that is trusted already",
    code: "key_exists",
    ...sending((scene) => [next(scene, AUM_KIND.addKey, { key: trustedKey(scene.bob) })]),
  },
  {
    name: "a key without votes",
    code: "invalid_key",
    ...sending((scene) => [next(scene, AUM_KIND.addKey, { key: trustedKey(scene.carol, 0n) })]),
  },
  {
    name: "a key of an unknown kind",
    code: "invalid_key",
    ...sending((scene) => [next(scene, AUM_KIND.addKey, { key: { ...trustedKey(scene.carol), kind: 7 } })]),
  },
  {
    name: "a removal that carries a key",
    code: "invalid_aum",
    ...sending((scene) => [
      next(scene, AUM_KIND.removeKey, { keyId: scene.bob.lockKey.publicKey, key: trustedKey(scene.carol) }),
    ]),
  },
  {
    name: "a checkpoint of another authority",
    code: "state_id_mismatch",
    ...sending((scene) => [next(scene, AUM_KIND.checkpoint, { state: newState([scene.alice], [randomBytes(32)]) })]),
  },
  {
    name: "updates that are not base64",
    code: "malformed_request",
    attempt: ({ alice }) => alice.tka("syncSend", { Head: "", MissingAUMs: ["*"], Interactive: true }),
  },
  {
    name: "an offer whose head is no hash",
    code: "malformed_text",
    attempt: ({ alice }) => alice.tka("syncOffer", { Head: "X", Ancestors: [] }),
  },
  {
    name: "an offer whose ancestor is no hash",
    code: "malformed_text",
    index: 1,
    attempt: ({ alice, genesis }) =>
      alice.tka("syncOffer", { Head: aumHash(genesis), Ancestors: [aumHash(genesis), "A".repeat(53)] }),
  },
  {
    name: "an offer that has nothing in common with ours",
    code: "no_intersection",
    attempt: ({ alice }) => alice.tka("syncOffer", { Head: "A".repeat(52), Ancestors: ["A".repeat(52)] }),
  },
  {
    name: "an offer of too many ancestors",
    code: "malformed_request",
    attempt: ({ alice }) =>
      alice.tka("syncOffer", { Head: "A".repeat(52), Ancestors: Array<string>(MAX_ANCESTORS + 1).fill("") }),
  },
  {
    name: "a bootstrap from a head that is none",
    code: "malformed_text",
    attempt: ({ alice }) => alice.tka("bootstrap", { Head: "nonsense" }),
  },
];

const submitting = (signature: (scene: LockScene) => Uint8Array) => ({
  attempt: (scene: LockScene) => scene.alice.tka("sign", { Signature: signature(scene) }),
});

/** A signature for carol's node key, by alice unless it says otherwise, turned by `edit`. */
function forCarol({ alice, carol }: LockScene, signer = alice.lockKey): Uint8Array {
  return signDirect(carol.nodeKey, carol.lockKey.publicKey, signer);
}

const signatures: readonly Hostile<LockScene>[] = [
  { name: "a signature that is not CBOR", code: "malformed_cbor", ...submitting(() => randomBytes(9).fill(0xff)) },
  {
    name: "a signature that is too large",
    code: "malformed_request",
    ...submitting(() => new Uint8Array(MAX_SIGNATURE_BYTES + 1)),
  },
  {
    name: "a signature for a node of another tailnet",
    code: "unknown_node",
    ...submitting(({ alice, eve }) => signDirect(eve.nodeKey, null, alice.lockKey)),
  },
  {
    name: "a signature by a key that is not trusted",
    code: "unknown_key",
    ...submitting((scene) => forCarol(scene, scene.carol.lockKey)),
  },
  {
    name: "a signature with a bit turned",
    code: "not_authorized",
    ...submitting((scene) => {
      const signature = forCarol(scene);
      const middle = signature.length - 60;
      return signature.map((byte, i) => (i === middle ? byte ^ 1 : byte));
    }),
  },
  {
    name: "a credential",
    code: "malformed_text",
    ...submitting(({ alice, carol }) => {
      const fields = { keyId: alice.lockKey.publicKey, wrappingPubkey: carol.lockKey.publicKey };
      return encodeNodeKeySignature(
        signNodeKeySignature(makeNodeKeySignature(SIG_KIND.credential, fields), alice.lockKey),
      );
    }),
  },
  {
    name: "a credential that names a node key",
    code: "not_authorized",
    ...submitting((scene) => {
      const { alice, carol } = scene;
      const direct = makeNodeKeySignature(SIG_KIND.credential, {
        keyId: alice.lockKey.publicKey,
        pubkey: nodeKeyToBinary(carol.nodeKey),
        wrappingPubkey: carol.lockKey.publicKey,
      });
      return encodeNodeKeySignature(signNodeKeySignature(direct, alice.lockKey));
    }),
  },
  {
    name: "a signature that is not base64",
    code: "malformed_request",
    attempt: ({ alice }) => alice.tka("sign", { Signature: "AAA" }),
  },
  {
    name: "a question about a key that is no bytes",
    code: "malformed_request",
    attempt: ({ alice }) => alice.tka("affectedSigs", { KeyID: 7 }),
  },
];

const disabling = (secret: (scene: LockScene) => Uint8Array) => ({
  attempt: (scene: LockScene) => scene.carol.tka("disable", { DisablementSecret: secret(scene) }),
});

const others: readonly Hostile<LockScene>[] = [
  { name: "a wrong disablement secret", code: "incorrect_secret", ...disabling(() => randomBytes(32)) },
  { name: "an empty disablement secret", code: "incorrect_secret", ...disabling(() => new Uint8Array(0)) },
  {
    name: "a disablement secret that is too long",
    code: "incorrect_secret",
    ...disabling(() => randomBytes(MAX_SECRET_BYTES + 1)),
  },
  {
    name: "an init where there is a lock",
    code: "lock_enabled",
    attempt: ({ alice, genesis }) => alice.tka("initBegin", { GenesisAUM: encodeAum(genesis) }),
  },
  {
    name: "a finish where there is a lock",
    code: "lock_enabled",
    attempt: ({ alice }) => finish(alice, new Map()),
  },
  {
    name: "another tailnet's node that says it is ours",
    code: "unknown_node",
    attempt: ({ eve, alice }) => eve.tka("bootstrap", { NodeKey: alice.nodeKey }),
  },
];

hostileTable("updates", makeScene, updates);
hostileTable("signatures", makeScene, signatures);
hostileTable("secrets, and the rest", makeScene, others);
