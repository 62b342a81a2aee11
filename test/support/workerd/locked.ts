/** Tailnets with a lock: what their signers do, act by act. */

import { disablementKdf } from "../../../src/durable/lock/disablement-kdf.ts";
import {
  bootstrapResponse,
  emptyResponse,
  initBeginResponse,
  syncOfferResponse,
  syncSendResponse,
  type InitBeginResponse,
} from "../../../src/protocol/index.ts";
import {
  KEY_25519,
  MemoryChonk,
  UpdateBuilder,
  aumHash,
  bootstrap,
  decodeAum,
  encodeAum,
  inform,
  makeGenesis,
  makeSyncOffer,
  signDirect,
  type Aum,
  type Authority,
  type Chonk,
  type Key,
  type Signer,
  type State,
} from "../../../src/tka/index.ts";
import { fastVerifier } from "../host-crypto.ts";
import { join, makeTailnet } from "./control.ts";
import { randomBytes } from "./signed-request.ts";
import { TestNode, accepted, type Answer } from "./test-node.ts";

interface Disablement {
  readonly secret: Uint8Array;
  readonly value: Uint8Array;
}

/** The KDF takes longer than all else that a scene does: secrets come again after so many, and no lock of one test has those of another of it. */
const MOST_SECRETS = 32;
const made: Disablement[] = [];
let next = 0;

function newSecret(): Disablement {
  const secret = randomBytes(32);
  return { secret, value: disablementKdf(secret) };
}

/** Disablement secrets of a test's lock, and the values that its genesis names. */
export function newSecrets(count = 2): { secrets: Uint8Array[]; values: Uint8Array[] } {
  const taken = Array.from({ length: count }, () => (made[next++ % MOST_SECRETS] ??= newSecret()));
  return { secrets: taken.map(({ secret }) => secret.slice()), values: taken.map(({ value }) => value.slice()) };
}

export function trustedKey(node: TestNode, votes = 1n): Key {
  return { kind: KEY_25519, votes, publicKey: node.lockKey.publicKey, meta: null };
}

/** A state of a new authority that trusts the lock keys of these nodes. */
export function newState(signers: readonly TestNode[], values: readonly Uint8Array[]): State {
  const [stateId1 = 0n, stateId2 = 0n] = crypto.getRandomValues(new BigUint64Array(2));
  const keys = signers.map((node) => trustedKey(node));
  return { lastAumHash: null, disablementValues: values, keys, stateId1, stateId2 };
}

/** A genesis that trusts the lock keys of these nodes, signed by the first of them. */
export function newGenesis(signers: readonly [TestNode, ...TestNode[]], values: readonly Uint8Array[]): Aum {
  return makeGenesis(newState(signers, values), signers[0].lockKey);
}

export async function begin(node: TestNode, genesis: Aum): Promise<InitBeginResponse> {
  return accepted(await node.tka("initBegin", { GenesisAUM: encodeAum(genesis) }), initBeginResponse);
}

/** A signature by `signer` for every node that a begin listed. */
export function signaturesFor({ NeedSignatures }: InitBeginResponse, signer: Signer): Map<string, Uint8Array> {
  return new Map(
    NeedSignatures.map(({ NodeID, NodePublic, RotationPubkey }) => [
      String(NodeID),
      signDirect(NodePublic, RotationPubkey.length === 0 ? null : RotationPubkey, signer),
    ]),
  );
}

export function finish(node: TestNode, Signatures: ReadonlyMap<string, Uint8Array>): Promise<Answer> {
  return node.tka("initFinish", { Signatures });
}

/** Begins and finishes as one honest signer does. */
export async function lock(node: TestNode, genesis: Aum): Promise<void> {
  const begun = await begin(node, genesis);
  accepted(await finish(node, signaturesFor(begun, node.lockKey)), emptyResponse);
}

/** A node's own copy of the chain, bootstrapped and synchronised over the wire. */
export class LocalChain {
  readonly chonk: Chonk = new MemoryChonk();
  readonly #node: TestNode;
  authority: Authority;

  private constructor(node: TestNode, genesis: Aum) {
    this.#node = node;
    this.authority = bootstrap(this.chonk, genesis, fastVerifier, 0);
  }

  static async of(node: TestNode): Promise<LocalChain> {
    const { GenesisAUM } = accepted(await node.tka("bootstrap"), bootstrapResponse);
    const chain = new LocalChain(node, decodeAum(GenesisAUM));
    await chain.sync();
    return chain;
  }

  /** Takes in what the control plane has and this copy lacks. */
  async sync(): Promise<void> {
    const { head, ancestors } = makeSyncOffer(this.chonk, this.authority);
    const answer = await this.#node.tka("syncOffer", { Head: head, Ancestors: ancestors });
    const missing = accepted(answer, syncOfferResponse).MissingAUMs.map(decodeAum);
    if (missing.length > 0) this.authority = inform(this.chonk, this.authority, missing, fastVerifier, 0);
  }

  /** Updates that follow this copy's head, signed by the node; not taken in. */
  updates(edit: (builder: UpdateBuilder) => unknown, signer: Signer = this.#node.lockKey): readonly Aum[] {
    const builder = new UpdateBuilder(this.authority, signer);
    edit(builder);
    return builder.finalize(this.chonk);
  }

  /** Makes a change and has the control plane take it. */
  async change(edit: (builder: UpdateBuilder) => unknown): Promise<readonly Aum[]> {
    const updates = this.updates(edit);
    accepted(await send(this.#node, updates), syncSendResponse);
    this.authority = inform(this.chonk, this.authority, updates, fastVerifier, 0);
    return updates;
  }
}

/** Sends updates as a person's change, or as what a node gives of its own accord. */
export function send(node: TestNode, updates: readonly (Aum | Uint8Array)[], Interactive = true): Promise<Answer> {
  const MissingAUMs = updates.map((update) => (update instanceof Uint8Array ? update : encodeAum(update)));
  const last = updates.at(-1);
  const Head = last === undefined || last instanceof Uint8Array ? "" : aumHash(last);
  return node.tka("syncSend", { Head, MissingAUMs, Interactive });
}

/** Sends a signature of `signer` for the node key of `subject`. */
export function sign(signer: TestNode, subject: TestNode): Promise<Answer> {
  return signer.tka("sign", { Signature: signDirect(subject.nodeKey, subject.lockKey.publicKey, signer.lockKey) });
}

export interface Scene {
  readonly tailnet: string;
  /** Trusted by the lock, where there is one. */
  readonly alice: TestNode;
  /** Trusted too. */
  readonly bob: TestNode;
  /** A member that is not trusted. */
  readonly carol: TestNode;
  /** The secrets that turn the lock off. */
  readonly secrets: readonly Uint8Array[];
  readonly genesis: Aum;
}

/** A tailnet of three nodes without a lock, and what would lock it. */
export async function unlockedScene(): Promise<Scene> {
  const tailnet = await makeTailnet();
  const [alice, bob, carol] = [new TestNode("alice"), new TestNode("bob"), new TestNode("carol")];
  await join(tailnet, alice, bob, carol);
  const { secrets, values } = newSecrets();
  return { tailnet, alice, bob, carol, secrets, genesis: newGenesis([alice, bob], values) };
}

/** The same with the lock on, and all three signed. */
export async function lockedScene(): Promise<Scene> {
  const scene = await unlockedScene();
  await lock(scene.alice, scene.genesis);
  return scene;
}
