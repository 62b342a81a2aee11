/**
 * How much a node may have its tailnet do by what it says of itself. Kept in memory: who comes back to an object that was let go begins anew, and an
 * object is let go only where nobody asks.
 *
 * Rule [W15]: what a node says of itself is an event, a row of the record and a message to every peer: a node makes so many at once, and so many
 *            in the long run; more is refused with `too_many_requests`, until it has been silent for a while. So are disablement secrets that it
 *            tries, as does a person by the admin API: each costs the object as much as a hundred other requests. What signers do to the lock, and for
 *            other nodes, is not counted; but signatures that come by the admin API are, for the node that they are of: two good ones could take each
 *            other's place for ever.
 */

import type { By, NewEvent } from "../audit/events.ts";
import { ControlError } from "../refuse.ts";

interface Kind {
  readonly atOnce: number;
  /** Milliseconds after which one more is allowed again. */
  readonly eachMs: number;
}

/** A person changes a node's name now and then; a change of its key makes two events, the end of a lock and another's beginning a few. */
export const NEWS: Kind = { atOnce: 120, eachMs: 30_000 };
/** A person mistypes a secret a few times. */
export const SECRETS: Kind = { atOnce: 10, eachMs: 60_000 };

/** A person tries what is not for them a few times, and hears why; a program that goes on trying is told of now and then. */
export const REFUSALS: Kind = { atOnce: 30, eachMs: 60_000 };

/** A node that moves between networks says where it is some times within a minute; each time is a message to every peer, and no more. */
export const PRESENCE: Kind = { atOnce: 120, eachMs: 2000 };

/** What a node can make happen alone, again and again. */
const OWN_NEWS: ReadonlySet<string> = new Set([
  "node.rekeyed",
  "node.described",
  "node.renamed",
  "node.expiry",
  "node.reported",
  "node.signed",
  "node.waking",
  "node.ignores_lock",
  "node.follows_lock",
]);

/** For whom it is counted: a node that says something of itself, or one whose signature comes by the admin API; null for what is not counted. */
export function newsOfWhom({ actor, origin }: By, { kind, target }: NewEvent): string | null {
  if (origin === "NODE") return OWN_NEWS.has(kind) && target.id === actor.id ? actor.id : null;
  return kind === "node.signed" && origin !== "CONTROL" ? `signature ${target.id}` : null;
}

export class Allowance {
  readonly #kind: Kind;
  /** What each has used up, as of when. */
  readonly #used = new Map<string, { readonly count: number; readonly at: number }>();

  constructor(kind: Kind) {
    this.#kind = kind;
  }

  /** Takes one for `who`. Throws `too_many_requests`. `now` in milliseconds since the epoch. */
  take(who: string, now: number): void {
    const { atOnce, eachMs } = this.#kind;
    const { count, at } = this.#used.get(who) ?? { count: 0, at: now };
    const left = Math.max(0, count - Math.max(0, now - at) / eachMs);
    if (left + 1 > atOnce)
      throw new ControlError("too_many_requests", "this is asked for too often: be silent for a while, and ask again");
    // In the order of their last use: who has used nothing for longest has the most left, and is forgotten first.
    this.#used.delete(who);
    this.#used.set(who, { count: left + 1, at: now });
    this.#forget(now);
  }

  #forget(now: number): void {
    const { eachMs } = this.#kind;
    for (const [who, { count, at }] of this.#used) {
      if (now - at < count * eachMs) return;
      this.#used.delete(who);
    }
  }
}
