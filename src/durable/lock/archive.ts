/**
 * Compacting without forgetting: the last active ancestor moves on, and what it passes is kept for sync alone.
 *
 * Rule [Y4]: an append and an opening look at nothing before the last active ancestor. It moves on with every append, one checkpoint after
 *            another, to the newest that is 24 AUMs behind the head and 14 days old, as a Tailscale client's does. What it passes of the active
 *            chain is the archive, the genesis first: it stays, for nodes that slept and for newcomers. What it passes of branches that lost is
 *            dropped, and the room that they took [Y3] is free again: they can no longer win.
 * Rule [Y5]: at most MAX_LIVE_AUMS stand on the active chain from the last active ancestor on. An append past that is refused with
 *            `chain_too_long`: no Tailscale client could open such a chain again, nor decide a fork of it; and a signer gone bad could bury
 *            what undoes it. A recovery that forks off earlier always passes.
 */

import { COMPACTION_MIN_AGE_MS, COMPACTION_MIN_CHAIN, MAX_SCAN, type AumHash } from "../../tka/index.ts";
import type { Places } from "./places.ts";
import type { Row, Store } from "../store.ts";

/** AUMs of the active chain from its last active ancestor on: what one walk may look at, with room for a branch at its end. */
export const MAX_LIVE_AUMS = MAX_SCAN - 50;

/** Checkpoints that the ancestor passes in one append beyond the number of AUMs that it adds: bounds its work, and the ancestor still keeps up. */
const STEPS = 8;

/** The next checkpoint that the ancestor may move to, or null. `now` in milliseconds since the epoch. */
function nextAncestor(store: Store, chain: number, places: Places, now: number): Row | null {
  const row = store.row(
    `SELECT hash, place, committed FROM aums WHERE chain = ? AND checkpoint = 1 AND place > ?
     ORDER BY place LIMIT 1`,
    chain,
    places.ancestor(),
  );
  if (row === null) return null;
  const settled = row.integer("place") <= places.head() - COMPACTION_MIN_CHAIN;
  return settled && row.integer("committed") <= now - COMPACTION_MIN_AGE_MS ? row : null;
}

/** Drops the branches that fork off before `place`, and gives back what they counted for. */
function dropLosers(store: Store, chain: number, place: number): void {
  const dropped = store.rows(
    `WITH RECURSIVE lost (hash) AS (
       SELECT branch.hash FROM aums AS branch JOIN aums AS fork ON fork.chain = branch.chain AND fork.hash = branch.parent
       WHERE branch.chain = ? AND branch.place IS NULL AND fork.place < ?
       UNION
       SELECT child.hash FROM lost CROSS JOIN aums AS child INDEXED BY aums_parent ON child.parent = lost.hash
       WHERE child.chain = ?)
     DELETE FROM aums WHERE chain = ? AND hash IN (SELECT hash FROM lost) RETURNING loser, length(bytes) AS size`,
    chain,
    place,
    chain,
    chain,
  );
  const counted = dropped.filter((row) => row.integer("loser") === 1);
  if (counted.length === 0) return;
  store.run(
    "UPDATE chains SET losing_aums = MAX(0, losing_aums - ?), losing_bytes = MAX(0, losing_bytes - ?) WHERE id = ?",
    counted.length,
    counted.reduce((sum, row) => sum + row.integer("size"), 0),
    chain,
  );
}

/**
 * Moves the last active ancestor on as far as it may go now [Y4], after an append of so many AUMs. Gives it, or null where it stays. Inside of a
 * transaction; `now` in milliseconds since the epoch.
 */
export function settle(store: Store, chain: number, places: Places, added: number, now: number): AumHash | null {
  let moved: Row | null = null;
  for (let i = 0; i < STEPS + added; i++) {
    const next = nextAncestor(store, chain, places, now);
    if (next === null) break;
    moved = next;
    store.run(
      "UPDATE chains SET ancestor = ?, ancestor_place = ? WHERE id = ?",
      next.text("hash"),
      next.integer("place"),
      chain,
    );
  }
  if (moved === null) return null;
  dropLosers(store, chain, moved.integer("place"));
  return moved.text("hash") as AumHash;
}
