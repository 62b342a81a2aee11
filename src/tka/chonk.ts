/**
 * The storage port of the authority. Every method is synchronous: the core decides in one turn, and so does the commit.
 * The name and the reading half are those of Go's `tka.Chonk`; the writing half takes prepared changes only.
 */

import type { AumHash } from "./hash.ts";
import type { State } from "./state.ts";
import type { VerifiedAum } from "./verify.ts";

/** What the core reads. */
export interface ChonkReader {
  /** The AUM with that hash, or null. */
  aum(hash: AumHash): VerifiedAum | null;
  /** All stored AUMs whose parent has that hash, in no order that means anything. The parent itself may be gone. */
  children(parent: AumHash): readonly VerifiedAum[];
  /** All stored AUMs that have no stored child. */
  heads(): readonly VerifiedAum[];
  /** The oldest AUM that the active chain was last known to start from, or null: which of several chains is ours. */
  lastActiveAncestor(): AumHash | null;
}

/** A decision that has not been stored yet: what a batch of updates leads to. Made by prepare.ts alone. */
export interface Prepared {
  /** The active head that this was prepared against, or null where there was no chain. */
  readonly headBefore: AumHash | null;
  /** The active head once this is committed. */
  readonly head: AumHash;
  /** The state at `head`. */
  readonly state: State;
  /** The oldest AUM of the active chain once this is committed. */
  readonly oldestAncestor: AumHash;
  /** The AUMs to store, parents first. Empty where all of them were stored before. */
  readonly verified: readonly VerifiedAum[];
}

/** What a Chonk may forget. Made by compaction.ts alone. */
export interface PreparedCompaction {
  readonly headBefore: AumHash;
  readonly oldestAncestor: AumHash;
  readonly purge: readonly AumHash[];
}

/**
 * Storage of one tailnet's chain.
 *
 * [C1] A commit stores everything of a Prepared or nothing, the head and the last active ancestor included.
 * [C2] A commit fails with `head_moved` where `headBefore` is not the Chonk's active head: what was prepared no longer holds.
 * [C3] An AUM that is stored already keeps its commit time.
 */
export interface Chonk extends ChonkReader {
  /** The head of the active chain, or null in an empty Chonk. */
  head(): AumHash | null;
  /** Stores a prepared change; `now` (milliseconds since the epoch) becomes the commit time of its AUMs. Throws `head_moved`. */
  commit(prepared: Prepared, now: number): void;
  /** The hashes of all stored AUMs. */
  hashes(): readonly AumHash[];
  /** When the AUM was committed, in milliseconds since the epoch, or null where it is not stored. */
  commitTime(hash: AumHash): number | null;
  /** Forgets AUMs. Throws `head_moved`. */
  compact(prepared: PreparedCompaction): void;
  /** Forgets everything: the lock is off. */
  removeAll(): void;
}
