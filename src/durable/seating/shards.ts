/** Which sessions objects the authority tells of changes. Everything here runs inside the caller's transaction. */

import { layoutFor, shardOf, type SessionKind } from "./layout.ts";
import type { Admitted } from "../sessions/ticket.ts";
import type { Tailnet } from "../authority/tailnet.ts";

/** Milliseconds to which the time of the last admission is kept: a row written for every one would be the dearest part of it. */
const ROUGHLY_MS = 5 * 60_000;
/** Milliseconds after which a session that was admitted has long reached its shard. */
const ARRIVED_MS = 10 * 60_000;

/** What is to hold a session: an object of the layout, or the one that holds the client's connection, by its name. */
export type Seating = SessionKind | { readonly holder: string };

/** Records that a session goes to its shard. */
export function seat(tailnet: Tailnet, session: Admitted, seating: Seating, now: number): Admitted {
  const name = typeof seating === "string" ? shardOf(session, seating) : seating.holder;
  const known = tailnet.store.row("SELECT admitted FROM session_shards WHERE name = ?", name);
  if (known === null || known.integer("admitted") < now - ROUGHLY_MS)
    tailnet.store.run("INSERT OR REPLACE INTO session_shards (name, admitted) VALUES (?, ?)", name, now);
  return session;
}

/** Names of the objects to be told: those of earlier layouts too, until they hold nobody any more. */
export function shardsToTell(tailnet: Tailnet): string[] {
  return tailnet.store.rows("SELECT name FROM session_shards ORDER BY name").map((row) => row.text("name"));
}

/** Forgets an object that holds nobody, unless somebody may still be on the way there. */
export function forgetShard(tailnet: Tailnet, name: string, now: number): void {
  tailnet.store.run("DELETE FROM session_shards WHERE name = ? AND admitted < ?", name, now - ARRIVED_MS);
}

/** Fits the layout to the number of nodes [X3]. Shards hear of it with the event of the node that came, and let go whom they should not hold. */
export function settleLayout(tailnet: Tailnet): void {
  const { shards } = tailnet.info();
  const next = layoutFor(tailnet.nodes.count(), shards);
  if (next !== shards) tailnet.store.run("UPDATE tailnet SET shards = ?", next);
}
