/** Ours acting a play of the oracle: named nodes, each with a memory Chonk and perhaps an authority, acted upon step by step. */

import {
  bootstrap,
  decodeAum,
  encodeAum,
  inform,
  makeGenesis,
  makeSyncOffer,
  missingAums,
  openAuthority,
  parseAumHash,
  parseSyncOffer,
  sealAum,
  compact,
  MemoryChonk,
  TkaError,
  type Aum,
  type Authority,
  type Key,
  type State,
  type VerifiedAum,
  parseLockPrivateKey,
} from "../../src/tka/index.ts";
import { fromBase64, toBase64, type AnswerPorts } from "./answer-ports.ts";

/** A key as it travels. Votes stand as a JSON number: up to 2^53 only. */
export interface KeyShape {
  readonly kind: number;
  readonly votes: number;
  readonly public: string | null;
  readonly meta?: Readonly<Record<string, string>> | null;
}

/** One participant. */
export interface PlayNode {
  chonk: MemoryChonk;
  authority: Authority | null;
  /** Ages in seconds that a compaction named: they hold from then on, for AUMs that come later too. */
  readonly ages: Map<string, number>;
}

/** A play under way. */
export interface Play {
  readonly nodes: Map<string, PlayNode>;
  readonly ports: AnswerPorts;
  /** Seconds before the present at which the Chonks' clock stands. */
  ageSeconds: number;
}

export type Step = { readonly do: string; readonly node?: string } & Readonly<Record<string, unknown>>;

export function nodeOf(play: Play, name: string): PlayNode {
  const known = play.nodes.get(name);
  if (known !== undefined) return known;
  const node: PlayNode = { chonk: new MemoryChonk(), authority: null, ages: new Map() };
  play.nodes.set(name, node);
  return node;
}

/** The node's authority. Throws `no_chain` where it has none yet. */
export function authorityOf(node: PlayNode): Authority {
  if (node.authority === null) throw new TkaError("no_chain", "the node has no authority");
  return node.authority;
}

const committedAt = (play: Play): number => play.ports.now - play.ageSeconds * 1000;

export function decodeAums(texts: readonly string[] | null): Aum[] {
  return (texts ?? []).map((text) => decodeAum(fromBase64(text)));
}

export function keyFromShape({ kind, votes, public: publicKey, meta }: KeyShape): Key {
  return {
    kind,
    votes: BigInt(votes),
    publicKey: fromBase64(publicKey),
    meta: meta == null ? null : new Map(Object.entries(meta)),
  };
}

function keyToShape({ kind, votes, publicKey, meta }: Key): KeyShape {
  return {
    kind,
    votes: Number(votes),
    public: toBase64(publicKey),
    meta: meta === null ? null : Object.fromEntries(meta),
  };
}

function storedOf({ chonk }: PlayNode): { ancestor: string | null; stored: string[] } {
  return { ancestor: chonk.lastActiveAncestor(), stored: [...chonk.hashes()].sort() };
}

function doBootstrap(play: Play, node: PlayNode, step: { aum: string }): object {
  node.authority = bootstrap(node.chonk, decodeAum(fromBase64(step.aum)), play.ports.verifier, committedAt(play));
  return {};
}

function doCommit(play: Play, node: PlayNode, step: { aums: string[] }): object {
  for (const aum of decodeAums(step.aums)) node.chonk.load(sealAum(aum) as VerifiedAum, committedAt(play));
  return {};
}

function doSetAncestor(_play: Play, node: PlayNode, step: { hash: string }): object {
  node.chonk.point(node.chonk.head(), parseAumHash(step.hash));
  return {};
}

function doOpen(_play: Play, node: PlayNode): object {
  node.authority = openAuthority(node.chonk);
  node.chonk.point(node.authority.head, node.chonk.lastActiveAncestor());
  return {};
}

function doInform(play: Play, node: PlayNode, step: { aums: string[] }): object {
  const updates = decodeAums(step.aums);
  node.authority = inform(node.chonk, authorityOf(node), updates, play.ports.verifier, committedAt(play));
  return {};
}

function doHead(_play: Play, node: PlayNode): object {
  const { head, state } = authorityOf(node);
  return {
    head,
    keys: (state.keys ?? []).map(keyToShape),
    state1: state.stateId1.toString(),
    state2: state.stateId2.toString(),
    ...storedOf(node),
  };
}

function doOffer(_play: Play, node: PlayNode): object {
  return makeSyncOffer(node.chonk, authorityOf(node));
}

function doMissing(_play: Play, node: PlayNode, step: { head: string; ancestors: string[] }): object {
  const missing = missingAums(node.chonk, authorityOf(node), parseSyncOffer(step.head, step.ancestors));
  return { aums: missing.map(({ bytes }) => toBase64(bytes)) };
}

function doSync(play: Play, _node: PlayNode, step: { from: string; to: string }): object {
  const [from, to] = [nodeOf(play, step.from), nodeOf(play, step.to)];
  authorityOf(from);
  const offer = makeSyncOffer(to.chonk, authorityOf(to));
  const missing = missingAums(from.chonk, authorityOf(from), offer);
  const updates = missing.map(({ aum }) => aum);
  if (updates.length > 0)
    to.authority = inform(to.chonk, authorityOf(to), updates, play.ports.verifier, committedAt(play));
  return { aums: missing.map(({ hash }) => hash), head: authorityOf(to).head };
}

function doCompact(
  play: Play,
  node: PlayNode,
  step: { minChain: number; minAgeSeconds: number; ages?: Record<string, number> },
): object {
  for (const [hash, age] of Object.entries(step.ages ?? {})) node.ages.set(hash, age);
  node.chonk = withAges(node.chonk, node.ages, play.ports.now);
  const options = { minChain: step.minChain, minAge: step.minAgeSeconds * 1000 };
  node.authority = compact(node.chonk, authorityOf(node), play.ports.now, options);
  return storedOf(node);
}

/** The Chonk with other commit times for some AUMs. */
function withAges(chonk: MemoryChonk, ages: ReadonlyMap<string, number>, now: number): MemoryChonk {
  const aged = new MemoryChonk();
  for (const hash of chonk.hashes()) {
    const age = ages.get(hash);
    const aum = chonk.aum(hash);
    if (aum !== null) aged.load(aum, age === undefined ? (chonk.commitTime(hash) ?? now) : now - age * 1000);
  }
  aged.point(chonk.head(), chonk.lastActiveAncestor());
  return aged;
}

interface StateShape {
  readonly keys: readonly KeyShape[];
  readonly disablementValues: readonly (string | null)[];
  readonly state1: string;
  readonly state2: string;
}

function doCreate(play: Play, node: PlayNode, step: { state: StateShape; priv: string }): object {
  const state: State = {
    lastAumHash: null,
    disablementValues: step.state.disablementValues.map((value) => fromBase64(value)),
    keys: step.state.keys.map(keyFromShape),
    stateId1: BigInt(step.state.state1),
    stateId2: BigInt(step.state.state2),
  };
  const genesis = makeGenesis(state, play.ports.signer(parseLockPrivateKey(step.priv)));
  node.authority = bootstrap(node.chonk, genesis, play.ports.verifier, committedAt(play));
  return { genesis: toBase64(encodeAum(genesis)) };
}

function doClock(play: Play, _node: PlayNode, step: { ageSeconds: number }): object {
  play.ageSeconds = step.ageSeconds;
  return {};
}

function doWipe(_play: Play, node: PlayNode): object {
  node.chonk.removeAll();
  node.ages.clear();
  node.authority = null;
  return {};
}

type StepHandler = (play: Play, node: PlayNode, step: never) => object;

/** The steps that fill a Chonk, move an authority and say where it is. */
export const CHAIN_STEPS: Readonly<Record<string, StepHandler>> = {
  bootstrap: doBootstrap,
  commit: doCommit,
  setAncestor: doSetAncestor,
  open: doOpen,
  inform: doInform,
  head: doHead,
  stored: (_play, node) => storedOf(node),
  offer: doOffer,
  missing: doMissing,
  sync: doSync,
  compact: doCompact,
  create: doCreate,
  clock: doClock,
  wipe: doWipe,
};
