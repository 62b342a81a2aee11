/** Turning the lock on: what is refused, and a client that dies anywhere in between [I1] to [I5]. */

import { describe, expect, test } from "vitest";
import {
  MAX_AUM_BYTES,
  MAX_SIGNATURE_BYTES,
  PENDING_INIT_MS,
  emptyResponse,
  registerResponse,
} from "../../../src/protocol/index.ts";
import {
  aumHash,
  encodeAum,
  makeAum,
  nodeKeyFromRaw,
  signAum,
  signDirect,
  type Aum,
  type Signer,
} from "../../../src/tka/index.ts";
import { later } from "../../support/workerd/clock.ts";
import { join, makeAuthKey, stored } from "../../support/workerd/control.ts";
import { hostileTable, type Hostile } from "../../support/workerd/hostile.ts";
import {
  begin,
  finish,
  lock,
  newGenesis,
  newSecrets,
  newState,
  signaturesFor,
  unlockedScene,
  type Scene,
} from "../../support/workerd/locked.ts";
import { refused } from "../../support/workerd/refused.ts";
import { randomBytes } from "../../support/workerd/signed-request.ts";
import { TestNode, accepted, type Answer } from "../../support/workerd/test-node.ts";

const beginning = (bytes: (scene: Scene) => Aum | Uint8Array) => ({
  attempt: (scene: Scene): Promise<Answer> => {
    const genesis = bytes(scene);
    return scene.carol.tka("initBegin", { GenesisAUM: genesis instanceof Uint8Array ? genesis : encodeAum(genesis) });
  },
});

const CHECKPOINT = 5;

const begins: readonly Hostile<Scene>[] = [
  { name: "a genesis that is not CBOR", code: "malformed_cbor", ...beginning(() => Uint8Array.of(0xff)) },
  { name: "a genesis of no bytes", code: "malformed_cbor", ...beginning(() => new Uint8Array(0)) },
  {
    name: "a genesis that is too large [L2]",
    code: "malformed_request",
    ...beginning(() => new Uint8Array(MAX_AUM_BYTES + 1)),
  },
  {
    name: "a genesis that nobody has signed",
    code: "unsigned_aum",
    ...beginning(({ genesis }) => ({ ...genesis, signatures: null })),
  },
  {
    name: "a genesis that a stranger has signed",
    code: "unknown_key",
    ...beginning(({ genesis, carol }) => signAum({ ...genesis, signatures: null }, carol.lockKey)),
  },
  {
    name: "a genesis whose signature does not verify",
    code: "bad_signature",
    ...beginning(({ genesis, alice }) => ({
      ...genesis,
      signatures: [{ keyId: alice.lockKey.publicKey, signature: randomBytes(64).fill(1) }],
    })),
  },
  {
    name: "a genesis with a parent [I5]",
    code: "invalid_genesis",
    ...beginning(({ genesis, alice }) =>
      signAum({ ...genesis, signatures: null, prevAumHash: randomBytes(32) }, alice.lockKey),
    ),
  },
  {
    name: "a genesis that is no checkpoint",
    code: "invalid_genesis",
    ...beginning(({ alice }) => signAum(makeAum(3), alice.lockKey)),
  },
  {
    name: "a genesis without disablement values",
    code: "invalid_state",
    ...beginning(({ alice }) => signAum(makeAum(CHECKPOINT, { state: newState([alice], []) }), alice.lockKey)),
  },
  {
    name: "a genesis without keys",
    code: "invalid_state",
    ...beginning(({ alice }) =>
      signAum(makeAum(CHECKPOINT, { state: newState([], [randomBytes(32)]) }), alice.lockKey),
    ),
  },
  {
    name: "a genesis that is not base64",
    code: "malformed_request",
    attempt: ({ alice }) => alice.tka("initBegin", { GenesisAUM: "====" }),
  },
  { name: "a begin without a genesis", code: "malformed_request", attempt: ({ alice }) => alice.tka("initBegin") },
  {
    name: "a finish without a begin",
    code: "no_pending_init",
    attempt: ({ alice }) => finish(alice, new Map()),
  },
];

/** A scene in which alice has begun, and what she would finish with. */
interface BegunScene extends Scene {
  readonly signatures: ReadonlyMap<string, Uint8Array>;
}

async function begunScene(): Promise<BegunScene> {
  const scene = await unlockedScene();
  const signatures = signaturesFor(await begin(scene.alice, scene.genesis), scene.alice.lockKey);
  return { ...scene, signatures };
}

/** A finish in which the last signature is another one. */
const finishing = (last: (scene: BegunScene) => Uint8Array | null) => ({
  attempt: (scene: BegunScene): Promise<Answer> => {
    const signatures = new Map(scene.signatures);
    const [id = ""] = [...signatures.keys()].slice(-1);
    const signature = last(scene);
    if (signature === null) signatures.delete(id);
    else signatures.set(id, signature);
    return finish(scene.alice, signatures);
  },
});

function forCarol({ carol }: Scene, signer: Signer): Uint8Array {
  return signDirect(carol.nodeKey, carol.lockKey.publicKey, signer);
}

const finishes: readonly Hostile<BegunScene>[] = [
  {
    name: "a finish by another node",
    code: "init_superseded",
    attempt: ({ bob, signatures }) => finish(bob, signatures),
  },
  {
    name: "a finish after ten minutes [I1]",
    code: "no_pending_init",
    attempt: ({ alice, signatures }) => later(PENDING_INIT_MS, () => finish(alice, signatures)),
  },
  { name: "a finish with a signature missing [I2]", code: "missing_signature", ...finishing(() => null) },
  {
    name: "a finish with no signature at all [I2]",
    code: "missing_signature",
    attempt: ({ alice }) => finish(alice, new Map()),
  },
  {
    name: "a finish with a signature for another node",
    code: "not_authorized",
    ...finishing(({ bob, alice }) => signDirect(bob.nodeKey, null, alice.lockKey)),
  },
  {
    name: "a finish with a signature by a key that is not in the genesis",
    code: "unknown_key",
    ...finishing((scene) => forCarol(scene, scene.carol.lockKey)),
  },
  {
    name: "a finish with a signature that does not verify",
    code: "not_authorized",
    ...finishing((scene) => forCarol(scene, { publicKey: scene.alice.lockKey.publicKey, sign: () => randomBytes(64) })),
  },
  {
    name: "a finish with a signature that is not CBOR",
    code: "malformed_cbor",
    ...finishing(() => Uint8Array.of(0xff)),
  },
  { name: "a finish with an empty signature", code: "malformed_cbor", ...finishing(() => new Uint8Array(0)) },
  {
    name: "a finish with a signature that is too large",
    code: "not_authorized",
    ...finishing(() => new Uint8Array(MAX_SIGNATURE_BYTES + 1)),
  },
  {
    name: "a finish with a signature for a stranger",
    code: "unexpected_signature",
    attempt: ({ alice, signatures }) =>
      finish(
        alice,
        new Map([...signatures, ["999", signDirect(nodeKeyFromRaw(randomBytes(32)), null, alice.lockKey)]]),
      ),
  },
  {
    name: "a finish that names a node in another way",
    code: "unexpected_signature",
    attempt: ({ alice, signatures }) => finish(alice, new Map([...signatures].map(([id, bytes]) => [`0${id}`, bytes]))),
  },
  {
    name: "a finish that names a node `__proto__`",
    code: "malformed_request",
    attempt: ({ alice }) =>
      alice.send(
        "/machine/tka/init/finish",
        new TextEncoder().encode(`{"NodeKey":"${alice.nodeKey}","Signatures":{"__proto__":{}}}`),
      ),
  },
  {
    name: "a finish with a support secret, which cannot be sealed",
    code: "support_unavailable",
    attempt: ({ alice, signatures }) =>
      alice.tka("initFinish", { Signatures: signatures, SupportDisablement: randomBytes(32) }),
  },
  {
    name: "a begin that announces a support secret, before any secret is shown",
    code: "support_unavailable",
    attempt: ({ alice, genesis }) =>
      alice.tka("initBegin", { GenesisAUM: encodeAum(genesis), SupportDisablement: true }),
  },
  {
    name: "a finish that names another genesis than the one that is pending [I7]",
    code: "init_superseded",
    attempt: ({ alice, bob, signatures }) =>
      alice.tka("initFinish", {
        Signatures: signatures,
        Genesis: aumHash(newGenesis([alice, bob], newSecrets(1).values)),
      }),
  },
  {
    name: "a finish whose signatures are a list",
    code: "malformed_request",
    attempt: ({ alice }) => alice.tka("initFinish", { Signatures: [] }),
  },
];

hostileTable("beginning", unlockedScene, begins);
hostileTable("finishing", begunScene, finishes);

describe("a client that dies in init", () => {
  test("after begin: another node begins and wins; the first one is told [I1]", async () => {
    const scene = await begunScene();
    const { tailnet, alice, bob, signatures } = scene;
    const { values } = newSecrets(1);
    const theirs = newGenesis([bob], values);
    const begun = await begin(bob, theirs);
    const before = await stored(tailnet);
    refused(await finish(alice, signatures), "init_superseded");
    expect(await stored(tailnet)).toEqual(before);
    accepted(await finish(bob, signaturesFor(begun, bob.lockKey)), emptyResponse);
    expect((await alice.map()).TKAInfo?.Head).toBe(aumHash(theirs));
    expect(refused(await finish(alice, signatures), "lock_enabled").head).toBe(aumHash(theirs));
  });

  test("after begin: the same node begins again, and the second genesis counts [I1]", async () => {
    const { alice, bob } = await begunScene();
    const { values } = newSecrets(1);
    const second = newGenesis([alice, bob], values);
    await lock(alice, second);
    expect((await alice.map()).TKAInfo?.Head).toBe(aumHash(second));
  });

  test("after begin: a finish that names its genesis is good for that one [I7]", async () => {
    const { alice, signatures, genesis } = await begunScene();
    accepted(await alice.tka("initFinish", { Signatures: signatures, Genesis: aumHash(genesis) }), emptyResponse);
    expect((await alice.map()).TKAInfo?.Head).toBe(aumHash(genesis));
  });

  test("after begin: ten minutes later it begins anew", async () => {
    const { alice, genesis } = await begunScene();
    await later(PENDING_INIT_MS + 1, () => lock(alice, genesis));
    expect((await alice.map()).TKAInfo?.Head).toBe(aumHash(genesis));
  });

  test("just before the ten minutes are over a finish is still good", async () => {
    const { alice, signatures, genesis } = await begunScene();
    accepted(await later(PENDING_INIT_MS - 30_000, () => finish(alice, signatures)), emptyResponse);
    expect((await alice.map()).TKAInfo?.Head).toBe(aumHash(genesis));
  });

  test("after finish: the same again is success, another one a conflict [I4]", async () => {
    const { tailnet, alice, signatures, genesis } = await begunScene();
    accepted(await finish(alice, signatures), emptyResponse);
    const before = await stored(tailnet);
    accepted(await finish(alice, new Map([...signatures].reverse())), emptyResponse);
    const [first = ["", new Uint8Array(0)]] = signatures;
    const other = new Map([...signatures, [first[0], randomBytes(80)]]);
    expect(refused(await finish(alice, other), "lock_enabled").head).toBe(aumHash(genesis));
    expect(await stored(tailnet)).toEqual(before);
  });

  test("a finish covers what its begin listed: who joined or changed its key since is locked out, in everyone's map [I2][I3]", async () => {
    const { tailnet, alice, bob, carol, signatures } = await begunScene();
    const dave = new TestNode("dave");
    await join(tailnet, dave);
    const old = carol.nodeKey;
    carol.nodeKey = nodeKeyFromRaw(randomBytes(32));
    expect((await carol.register("", { OldNodeKey: old })).status).toBe(200);
    accepted(await finish(alice, signatures), emptyResponse);
    for (const node of [alice, bob, dave]) {
      const { Node, Peers } = await node.map();
      const all = [...(Peers ?? []), ...(Node === null ? [] : [Node])];
      const unsigned = all.filter(({ KeySignature }) => KeySignature.length === 0).map(({ Key }) => Key);
      expect(new Set(unsigned)).toEqual(new Set([dave.nodeKey, carol.nodeKey]));
    }
  });
});

describe("a node that nobody answers for [I8]", () => {
  test.each([
    ["ephemeral", { ephemeral: true }],
    ["tagged", { tags: ["tag:ci"] }],
  ])("%s cannot turn the lock on", async (_what, options) => {
    const { tailnet, alice, genesis } = await unlockedScene();
    const robot = new TestNode("robot");
    accepted(await robot.register(await makeAuthKey(tailnet, options)), registerResponse);
    const mine = newGenesis([robot], newSecrets(1).values);
    refused(await robot.tka("initBegin", { GenesisAUM: encodeAum(mine) }), "forbidden");
    await lock(alice, genesis);
  });
});

test("a request that was refused once it was admitted is spent all the same [Q2]", async () => {
  const { alice } = await unlockedScene();
  const nonce = "0123456789abcdef0123456789abcdef";
  refused(await alice.tka("syncOffer", { Head: "", Ancestors: [] }, { parameters: { nonce } }), "lock_not_enabled");
  refused(await alice.tka("syncOffer", { Head: "", Ancestors: [] }, { parameters: { nonce } }), "replayed_request");
});
