/** What the AUMs of a drawn chain do. A recipe is given the state before and a seed, which varies the hash where the kind has room for it. */

import { AUM_KIND, type Aum, type State } from "../../src/tka/index.ts";
import { idOf, trusted } from "./chains-keys.ts";

export interface RecipeContext {
  readonly name: string;
  /** The state that the AUM follows. */
  readonly state: State;
  /** 0, or another number where the hash is searched for. */
  readonly seed: number;
}

/** The fields of an AUM. Parent and signatures come after, unless they are given here. */
export type Recipe = (context: RecipeContext) => Partial<Aum> & { readonly kind: number };

/** An AUM that does nothing, and carries its name and seed to be unlike others. */
export const noOp: Recipe = ({ name, seed }) => ({
  kind: AUM_KIND.noOp,
  keyId: new TextEncoder().encode(`${name} ${seed}`),
});

export function addKey(key: string, votes = 1): Recipe {
  return ({ seed }) => ({
    kind: AUM_KIND.addKey,
    key: trusted(key, votes, seed === 0 ? null : { seed: String(seed) }),
  });
}

export function removeKey(key: string): Recipe {
  return () => ({ kind: AUM_KIND.removeKey, keyId: idOf(key) });
}

export function setVotes(key: string, votes: number): Recipe {
  return () => ({ kind: AUM_KIND.updateKey, keyId: idOf(key), votes: BigInt(votes) });
}

export function setMeta(key: string, meta: Readonly<Record<string, string>>): Recipe {
  return () => ({ kind: AUM_KIND.updateKey, keyId: idOf(key), meta: new Map(Object.entries(meta)) });
}

/** A checkpoint of the state before it, changed by `edit`. */
export function checkpoint(edit: (state: State) => State = (state) => state): Recipe {
  return ({ state }) => ({ kind: AUM_KIND.checkpoint, state: { ...edit(state), lastAumHash: null } });
}

/** Any AUM at all. */
export function fields(kind: number, given: Partial<Omit<Aum, "kind">> = {}): Recipe {
  return () => ({ kind, ...given });
}
