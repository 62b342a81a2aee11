/**
 * What is measured, the same for Go, Node and workerd: a chain, signatures and keys, made from fixed names, so that every run measures the same
 * bytes. All bytes are base64, since fixtures travel as JSON.
 */

import {
  AUM_KIND,
  MemoryChonk,
  UpdateBuilder,
  bootstrap,
  decodeNodeKeySignature,
  encodeAum,
  inform,
  makeAum,
  makeGenesis,
  rotateSignature,
  signAum,
  signDirect,
  type Aum,
  type NodeKey,
  type NodeKeySignature,
  type Signer,
} from "../../../src/tka/index.ts";
import { nodeKeySigHash } from "../../../src/tka/node-key-signature.ts";
import { lockKey, nodeKey, stateOf, trusted } from "../../support/chains-keys.ts";
import { fastVerifier } from "../../support/host-crypto.ts";

export type Base64 = string;

export interface SignedNodeKey {
  readonly nodeKey: NodeKey;
  readonly sig: Base64;
}

export interface BareSignature {
  readonly pub: Base64;
  readonly msg: Base64;
  readonly sig: Base64;
}

/** How many signatures a handful is. */
export const HANDFUL = 64;

export interface Fixtures {
  /** The genesis, which trusts three keys. */
  readonly genesis: Base64;
  /** A handful of direct signatures by one key: a verifier that sees one alone learns its branches by heart. */
  readonly direct: readonly SignedNodeKey[];
  /** As many rotations, each of one layer over a direct signature: two verifications. */
  readonly rotation: readonly SignedNodeKey[];
  /** Keys, messages and signatures as they are inside of `rotation`, two for each: for the host's verifier alone. */
  readonly bare: readonly BareSignature[];
  /** An AddKey AUM, of some 250 bytes. */
  readonly aum: Base64;
  /** A checkpoint of twenty keys with metadata, of some 2 KB. */
  readonly checkpoint: Base64;
  /** The genesis and 1,999 AUMs after it, with a checkpoint every fifty. */
  readonly chain: readonly Base64[];
  /** Fifty AUMs after the genesis. */
  readonly batch: readonly Base64[];
  /** Peers with direct signatures. */
  readonly peers: readonly SignedNodeKey[];
  /** Peers with rotations, each by a key of its own, as nodes have. */
  readonly rotated: readonly SignedNodeKey[];
  /** A disablement secret. */
  readonly secret: Base64;
}

const CHAIN_LENGTH = 2000;
const BATCH_LENGTH = 50;
const PEERS = 10_000;
const ROTATED = 2000;

const base64 = (bytes: Uint8Array): Base64 => Buffer.from(bytes).toString("base64");

const alice = lockKey("alice");
const genesis = makeGenesis(stateOf({ alice: 2, bob: 1, carol: 1 }), alice);

/** A chain as signers make one: keys come, change and go. */
function makeChain(length: number): Aum[] {
  const chonk = new MemoryChonk();
  let authority = bootstrap(chonk, genesis, fastVerifier, 0);
  const chain: Aum[] = [genesis];
  for (let step = 0; chain.length < length; step++) {
    const name = `signer ${step % 7}`;
    const { publicKey } = lockKey(name);
    const builder = new UpdateBuilder(authority, alice).addKey(trusted(name, 1 + (step % 3), { hostname: name }));
    builder
      .setKeyVotes(publicKey, 4n)
      .setKeyMeta(publicKey, new Map([["step", String(step)]]))
      .removeKey(publicKey);
    const updates = builder.finalize(chonk).slice(0, length - chain.length);
    authority = inform(chonk, authority, updates, fastVerifier, 0);
    chain.push(...updates);
  }
  return chain;
}

function makePeers(): SignedNodeKey[] {
  return Array.from({ length: PEERS }, (_, i) => {
    const key = nodeKey(`peer ${i}`);
    return { nodeKey: key, sig: base64(signDirect(key, lockKey(`node ${i % 100}`).publicKey, alice)) };
  });
}

const rotatingKey = (i: number): Signer => lockKey(`rotating node ${i}`);

function makeRotated(): SignedNodeKey[] {
  return Array.from({ length: ROTATED }, (_, i) => {
    const own = rotatingKey(i);
    const [old, key] = [nodeKey(`old ${i}`), nodeKey(`new ${i}`)];
    return { nodeKey: key, sig: base64(rotateSignature(signDirect(old, own.publicKey, alice), key, own)) };
  });
}

function makeCheckpoint(): Aum {
  const names = Array.from({ length: 20 }, (_, i) => `signer ${i}`);
  const keys = names.map((name) => trusted(name, 1, { hostname: name, purpose: "benchmark" }));
  return signAum(makeAum(AUM_KIND.checkpoint, { state: stateOf({}, { keys }) }), alice);
}

/** The verifications that a rotation costs: of its own signature, by the node's key, and of the one inside, by the trusted key. */
function insideOf({ sig }: SignedNodeKey, i: number): BareSignature[] {
  const outer = decodeNodeKeySignature(new Uint8Array(Buffer.from(sig, "base64")));
  const { nested } = outer;
  if (nested === null) throw new Error("bench: a rotation that nests nothing");
  const bare = ({ publicKey }: Signer, layer: NodeKeySignature): BareSignature => ({
    pub: base64(publicKey),
    msg: base64(nodeKeySigHash(layer)),
    sig: base64(layer.signature ?? new Uint8Array(0)),
  });
  return [bare(rotatingKey(i), outer), bare(alice, nested)];
}

export function makeFixtures(): Fixtures {
  const chain = makeChain(CHAIN_LENGTH).map((aum) => base64(encodeAum(aum)));
  const [peers, rotated] = [makePeers(), makeRotated()];
  const rotation = rotated.slice(0, HANDFUL);
  return {
    genesis: base64(encodeAum(genesis)),
    direct: peers.slice(0, HANDFUL),
    rotation,
    bare: rotation.flatMap(insideOf),
    aum: chain[1] ?? "",
    checkpoint: base64(encodeAum(makeCheckpoint())),
    chain,
    batch: chain.slice(1, 1 + BATCH_LENGTH),
    peers,
    rotated,
    secret: base64(new TextEncoder().encode("a disablement secret of 32 bytes")),
  };
}
