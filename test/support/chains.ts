/**
 * Chains for tests, drawn and named:
 *
 *   const c = chain("G -> A -> B / A -> C", { keys: { alice: 2, bob: 1 }, signers: { C: ["bob"] }, order: ["C < B"] });
 *
 * The root is a checkpoint that trusts the named keys; every other AUM is a NoOp signed by the first of them, unless a tweak says
 * otherwise. Unknown tweaks and names are refused. Hash order is searched for, never tuned by hand.
 */

import {
  EMPTY_STATE,
  MemoryChonk,
  TkaError,
  compareHashes,
  hashToBytes,
  makeAum,
  openAuthority,
  reviveStoredAum,
  sealAum,
  signAum,
  type Aum,
  type AumHash,
  type SealedAum,
  type State,
  type VerifiedAum,
} from "../../src/tka/index.ts";
import { applyAum } from "../../src/tka/apply.ts";
import { parseDrawing, type DrawnAum } from "./chains-draw.ts";
import { lockKey, stateOf } from "./chains-keys.ts";
import { checkpoint, noOp, type Recipe } from "./chains-recipes.ts";

export interface Tweaks {
  /** The keys that the first root trusts, with their votes. By default `{ alice: 1 }`. */
  readonly keys?: Readonly<Record<string, number>>;
  /** Other fields of the first root's state. */
  readonly state?: Partial<State>;
  /** What AUMs do, where it is not nothing. */
  readonly aums?: Readonly<Record<string, Recipe>>;
  /** Who signs; the first of `keys` by default. */
  readonly signers?: Readonly<Record<string, readonly string[]>>;
  /** Hashes that must be in this order: `"B < A"`. The AUM drawn later is varied. */
  readonly order?: readonly string[];
  /** All names without a parent, where there are several. */
  readonly roots?: readonly string[];
  /** Changes made after signing. */
  readonly tamper?: Readonly<Record<string, (aum: Aum) => Aum>>;
}

const TWEAKS = ["keys", "state", "aums", "signers", "order", "roots", "tamper"];
/** Seeds that are tried for one AUM. Each order has an even chance or so at each. */
const MAX_SEEDS = 4096;

type Before = readonly [smaller: string, greater: string];

function parseOrder(order: readonly string[]): Before[] {
  return order.map((text) => {
    const [smaller, greater, ...more] = text.split("<").map((name) => name.trim());
    if (smaller === undefined || greater === undefined || more.length > 0)
      throw new Error(`chain: "${text}" is no order`);
    return [smaller, greater];
  });
}

function checkTweaks(tweaks: Tweaks, names: ReadonlySet<string>, order: readonly Before[]): void {
  const unknown = Object.keys(tweaks).find((tweak) => !TWEAKS.includes(tweak));
  if (unknown !== undefined) throw new Error(`chain: there is no tweak "${unknown}"`);
  const { aums = {}, signers = {}, tamper = {} } = tweaks;
  const used = [...Object.keys(aums), ...Object.keys(signers), ...Object.keys(tamper), ...order.flat()];
  const stray = used.find((name) => !names.has(name));
  if (stray !== undefined) throw new Error(`chain: a tweak names ${stray}, which is not drawn`);
}

class Maker {
  readonly made = new Map<string, SealedAum>();
  readonly states = new Map<string, State>();
  readonly #tweaks: Tweaks;
  readonly #order: readonly Before[];

  constructor(tweaks: Tweaks, order: readonly Before[]) {
    this.#tweaks = tweaks;
    this.#order = order;
  }

  #attempt({ name, parent }: DrawnAum, seed: number): SealedAum {
    const { keys = { alice: 1 }, aums = {}, signers = {}, tamper = {} } = this.#tweaks;
    const before = parent === null ? stateOf(keys, this.#tweaks.state ?? {}) : this.states.get(parent);
    const recipe = aums[name] ?? (parent === null && this.made.size === 0 ? checkpoint() : noOp);
    const { kind, ...fields } = recipe({ name, state: before ?? EMPTY_STATE, seed });
    const previous = parent === null ? null : this.made.get(parent);
    const prevAumHash = previous == null ? null : hashToBytes(previous.hash);
    const unsigned = makeAum(kind, { prevAumHash, ...fields });
    const by = signers[name] ?? Object.keys(keys).slice(0, 1);
    const signed = by.reduce((aum, signer) => signAum(aum, lockKey(signer)), unsigned);
    return sealAum(tamper[name]?.(signed) ?? signed);
  }

  #fits(name: string, hash: AumHash): boolean {
    const hashOf = (other: string): AumHash | undefined => (other === name ? hash : this.made.get(other)?.hash);
    return this.#order.every(([smaller, greater]) => {
      if (smaller !== name && greater !== name) return true;
      const [a, b] = [hashOf(smaller), hashOf(greater)];
      return a === undefined || b === undefined || compareHashes(a, b) < 0;
    });
  }

  #search(drawn: DrawnAum): SealedAum {
    const first = this.#attempt(drawn, 0);
    if (this.#fits(drawn.name, first.hash)) return first;
    for (let seed = 1; seed < MAX_SEEDS; seed++) {
      const next = this.#attempt(drawn, seed);
      if (next.hash === first.hash) break;
      if (this.#fits(drawn.name, next.hash)) return next;
    }
    throw new Error(`chain: no seed puts ${drawn.name} in order; draw what has no room for a seed before it`);
  }

  make(drawn: DrawnAum): void {
    const sealed = this.#search(drawn);
    this.made.set(drawn.name, sealed);
    const before = drawn.parent === null ? EMPTY_STATE : (this.states.get(drawn.parent) ?? EMPTY_STATE);
    this.states.set(drawn.name, stateAfter(before, sealed));
  }
}

/** The state after an AUM; where it does not apply, the state before. */
function stateAfter(before: State, { aum, hash, parent }: SealedAum): State {
  if (parent === null && aum.state !== null) return { ...aum.state, lastAumHash: hash };
  try {
    return applyAum(before, aum, hash);
  } catch (error) {
    if (error instanceof TkaError) return before;
    throw error;
  }
}

export class DrawnChain {
  readonly #made: ReadonlyMap<string, SealedAum>;
  readonly #states: ReadonlyMap<string, State>;

  constructor(made: ReadonlyMap<string, SealedAum>, states: ReadonlyMap<string, State>) {
    this.#made = made;
    this.#states = states;
  }

  /** All names, parents first. */
  get names(): string[] {
    return [...this.#made.keys()];
  }

  sealed(name: string): SealedAum {
    const sealed = this.#made.get(name);
    if (sealed === undefined) throw new Error(`chain: ${name} is not drawn`);
    return sealed;
  }

  hash(name: string): AumHash {
    return this.sealed(name).hash;
  }

  aum(name: string): Aum {
    return this.sealed(name).aum;
  }

  /** The AUM as storage gives it: taken as verified. */
  stored(name: string): VerifiedAum {
    const { hash, bytes } = this.sealed(name);
    return reviveStoredAum(hash, bytes);
  }

  /** A batch: the AUMs of these names, in this order. */
  aums(...names: readonly string[]): Aum[] {
    return names.map((name) => this.aum(name));
  }

  stateAfter(name: string): State {
    this.sealed(name);
    return this.#states.get(name) ?? EMPTY_STATE;
  }

  /** The name of the AUM with that hash, or `?`. */
  nameOf(hash: AumHash | null): string {
    return this.names.find((name) => this.hash(name) === hash) ?? "?";
  }

  /** The names of many AUMs, sorted. */
  namesOf(hashes: readonly AumHash[]): string[] {
    return hashes.map((hash) => this.nameOf(hash)).sort();
  }

  /**
   * A Chonk with the AUMs of these names (all by default), taken as verified. `ancestor` is its last active ancestor, or null where it is to
   * have none; its head is what opening it gives, or null where it cannot be opened.
   */
  chonk(names: readonly string[] = this.names, ancestor: string | null = null): MemoryChonk {
    const chonk = new MemoryChonk();
    for (const name of names) chonk.load(this.stored(name), 0);
    const known = ancestor === null ? null : this.hash(ancestor);
    chonk.point(null, known);
    try {
      const { head, oldestAncestor } = openAuthority(chonk);
      chonk.point(head, known ?? oldestAncestor);
    } catch (error) {
      if (!(error instanceof TkaError)) throw error;
    }
    return chonk;
  }
}

/** Draws a chain. Throws an Error for a drawing or a tweak that makes no sense. */
export function chain(drawing: string, tweaks: Tweaks = {}): DrawnChain {
  const drawn = parseDrawing(drawing, tweaks.roots ?? null);
  const order = parseOrder(tweaks.order ?? []);
  checkTweaks(tweaks, new Set(drawn.map(({ name }) => name)), order);
  const maker = new Maker(tweaks, order);
  for (const aum of drawn) maker.make(aum);
  return new DrawnChain(maker.made, maker.states);
}
