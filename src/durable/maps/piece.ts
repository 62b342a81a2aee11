/**
 * The peers of one message: whole nodes in order of ID, and what has changed in the presence of others. Pure.
 *
 * Rule [M15]: news of presence never comes first, and never names a node that the session was not told of, or its own: what is not yet told is told
 *            whole, with all that is known of it. It is told once a message names no further whole nodes after it.
 */

import type { UserProfile } from "../../protocol/index.ts";
import type { Begun } from "./session.ts";
import type { ShownPresence } from "./netmap.ts";
import type { Entry, Snapshot } from "./snapshot.ts";
import { patchJson } from "./shown-entry.ts";

/** What one message says of peers. */
export interface Piece {
  readonly peers: readonly string[];
  /** Go's PeerChange each, as JSON. */
  readonly patches: readonly string[];
  /** IDs of nodes that are not to be seen. */
  readonly hidden: readonly number[];
  /** The tailnets of foreign nodes among the peers. */
  readonly homes: ReadonlySet<string>;
  /** People whose devices are among the peers, by their numbers. */
  readonly people: ReadonlyMap<number, UserProfile>;
  /** The ID to go on after, or null where it is the last. */
  readonly next: number | null;
  /** The number of presence that the session has reached, where it is the last. */
  readonly presence: number | null;
}

/** The nodes that come next, as far as `most` characters go. */
export function pieceOf(snapshot: Snapshot, begun: Begun, most: number): Piece {
  const { session, batch, withheld } = begun;
  const { presence } = batch;
  const peers: string[] = [];
  const hidden: number[] = [];
  const homes = new Set<string>();
  const people = new Map<number, UserProfile>();
  let size = 0;
  let last = batch.cursor;
  for (const entry of snapshot.sorted()) {
    const { id, changed, signed, home, owner } = entry;
    if (session.waiting || id <= batch.cursor || changed <= batch.base || id === session.nodeId) continue;
    const json = withheld && !signed ? null : snapshot.seenBy(entry, session.nodeId);
    if (json === null) hidden.push(id);
    else {
      if (size > 0 && size + json.length > most)
        return { peers, patches: [], hidden, homes, people, next: last, presence };
      size += json.length;
      peers.push(json);
      if (home !== null) homes.add(home);
      if (owner !== null) people.set(owner.ID, owner);
    }
    last = id;
  }
  return { peers, patches: [], hidden, homes, people, next: null, presence };
}

/** True where a session was told of a node, and is to hear what is new of it. */
function isToHear(snapshot: Snapshot, { session, batch, withheld }: Begun, news: ShownPresence): boolean {
  if (news.id === session.nodeId || (withheld && !news.signed) || !snapshot.sees(session.nodeId, news)) return false;
  // What has changed since is among the peers, whole.
  return news.changed <= batch.base;
}

/** A message's peers with those of which more is told than a patch can say, in order of ID. */
function withWhole({ peers }: Piece, whole: readonly Entry[]): readonly string[] {
  if (whole.length === 0) return peers;
  if (peers.length === 0) return [...whole].sort((a, b) => a.id - b.id).map(({ json }) => json);
  const idOf = (json: string): number => (JSON.parse(json) as { readonly ID: number }).ID;
  const all = [...peers.map((json) => ({ id: idOf(json), json })), ...whole.map(({ id, json }) => ({ id, json }))];
  return all.sort((a, b) => a.id - b.id).map(({ json }) => json);
}

/** The same piece with news of presence, where it is the only one of a delta [M15]; as far as `most` characters go. */
export function newsFor(snapshot: Snapshot, begun: Begun, piece: Piece, most: number): Piece {
  const { session, batch } = begun;
  const { presence: since } = session;
  const isDelta = session.epoch !== "" && batch.base === session.seq && batch.cursor === 0;
  if (!isDelta || piece.next !== null || since === null) return piece;
  const patches: string[] = [];
  const whole: Entry[] = [];
  let size = 0;
  for (const news of session.waiting ? [] : snapshot.presentAfter(since)) {
    if (!isToHear(snapshot, begun, news)) continue;
    const entry = news.presence.hostAt > since ? snapshot.entry(news.id) : null;
    const json = entry?.json ?? patchJson(news, since);
    // Those that follow have greater numbers.
    if (size > 0 && size + json.length > most)
      return { ...piece, peers: withWhole(piece, whole), patches, presence: news.presence.changed - 1 };
    size += json.length;
    if (entry === null) patches.push(json);
    else whole.push(entry);
  }
  return { ...piece, peers: withWhole(piece, whole), patches, presence: snapshot.presence };
}
