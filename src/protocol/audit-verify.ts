/**
 * Checks a log that somebody else has kept: records in the order in which they stand in its files, then the heads that were noted elsewhere.
 * Everything here is attacker-controlled; nothing is believed that no hash shows.
 *
 * Rule [W20]: in each epoch numbers go up by one, each hash is that of the one before and the event, and what no hash covers follows from the
 *             rest; the same event may come again, another one by its number may not.
 * Rule [W21]: an epoch that is not the first begins with a restore that names the last event before it; what came after that is undone.
 * Rule [W22]: a head that was kept is in the log, or undone by a restore that the log tells of.
 */

import { equalBytes } from "../tka/index.ts";
import { formatAuditHead, headInDetail, type AuditHead } from "./audit-head.ts";
import { AuditHashes } from "./audit-hashes.ts";
import { auditHash, isConsistent, unverifiedAuditEvent, type AuditEvent } from "./audit-record.ts";
import { ShapeError } from "./shape.ts";

export type AuditProblemCode =
  /** It is no record. */
  | "unreadable"
  /** An event, or the one before it, is not as it was written. */
  | "edited"
  /** Events are missing in the middle. */
  | "dropped"
  /** Events stand in another order than they had. */
  | "reordered"
  /** There was another event by that number. */
  | "rewritten"
  /** The log ends before a head that was kept, or begins after it. */
  | "cut";

export interface AuditProblem {
  readonly code: AuditProblemCode;
  /** Where it was seen: a file and a line, or the head. */
  readonly at: string;
  readonly message: string;
}

/** What is no fault of the log, and is to be known to judge it. */
export type AuditNote = string;

export interface AuditVerdict {
  readonly problems: readonly AuditProblem[];
  /** Problems beyond those that are listed. */
  readonly more: number;
  readonly notes: readonly AuditNote[];
  /** Events, each counted once. */
  readonly events: number;
  /** The last event of the last epoch: what to keep. Null for an empty log. */
  readonly head: AuditHead | null;
}

/** Problems that are listed. */
const MOST_PROBLEMS = 100;
const NONE = new Uint8Array(0);
const FIRST_KINDS: ReadonlySet<string> = new Set(["tailnet.created", "tailnet.restored"]);

interface Epoch {
  readonly name: string;
  readonly first: AuditEvent;
  readonly at: string;
  /** The last event before this epoch, as its restore names it; null for the first epoch. */
  readonly before: AuditHead | null;
  readonly hashes: AuditHashes;
  last: AuditEvent;
}

/** The place that an event names as the one after which a log begins: what was let go of ends there, or a stream sets in. */
function floorIn(event: AuditEvent): AuditHead | null {
  if (event.kind === "log.trimmed") return headInDetail(JSON.parse(event.new));
  if (event.kind !== "stream.set") return null;
  const detail = JSON.parse(event.new) as { readonly after?: unknown } | null;
  return headInDetail(detail?.after);
}

export class AuditVerifier {
  readonly #epochs = new Map<string, Epoch>();
  readonly #problems: AuditProblem[] = [];
  readonly #notes: AuditNote[] = [];
  /** Places before the oldest kept events, as the log itself names them. */
  readonly #floors: AuditHead[] = [];
  #more = 0;
  #events = 0;
  #latest: Epoch | null = null;

  #problem(code: AuditProblemCode, at: string, message: string): void {
    if (this.#problems.length < MOST_PROBLEMS) this.#problems.push({ code, at, message });
    else this.#more += 1;
  }

  /** Notes what is no JSON at all. */
  unreadable(at: string, why: string): void {
    this.#problem("unreadable", at, why);
  }

  /** Takes the next record; `at` says where it stands. */
  take(value: unknown, at: string): void {
    let event: AuditEvent;
    try {
      event = unverifiedAuditEvent(value, "record");
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
      this.unreadable(at, error.message);
      return;
    }
    if (!isConsistent(value, event))
      this.#problem("edited", at, `event ${event.seq}: a part of it does not go with the rest`);
    const epoch = this.#epochs.get(event.epoch);
    if (epoch === undefined) this.#begin(event, at);
    else this.#goOn(epoch, event, at);
    const floor = floorIn(event);
    if (floor !== null) this.#floors.push(floor);
  }

  #begin(event: AuditEvent, at: string): void {
    const before = event.kind === "tailnet.restored" ? headInDetail(JSON.parse(event.old)) : null;
    const epoch: Epoch = { name: event.epoch, first: event, at, before, hashes: new AuditHashes(), last: event };
    this.#epochs.set(event.epoch, epoch);
    if (FIRST_KINDS.has(event.kind)) this.#check(NONE, event, at);
    this.#add(epoch, event);
  }

  #goOn(epoch: Epoch, event: AuditEvent, at: string): void {
    const { last, hashes } = epoch;
    const known = hashes.get(event.seq);
    if (known !== null) {
      this.#again(epoch, event, known, at);
      return;
    }
    if (event.seq < last.seq) {
      this.#problem("reordered", at, `event ${event.seq} stands after event ${last.seq}`);
      const before = hashes.get(event.seq - 1);
      if (before !== null) this.#check(before, event, at);
      hashes.set(event.seq, event.hash);
      this.#events += 1;
      return;
    }
    if (event.seq === last.seq + 1) this.#check(last.hash, event, at);
    else this.#problem("dropped", at, `${spanText(last.seq + 1, event.seq - 1)} missing after event ${last.seq}`);
    this.#add(epoch, event);
  }

  /** An event by a number that was there: the same again, or another one. */
  #again({ hashes, first }: Epoch, event: AuditEvent, known: Uint8Array, at: string): void {
    if (!equalBytes(known, event.hash)) {
      this.#problem("rewritten", at, `there is another event ${event.seq}`);
      return;
    }
    const before = event.seq === first.seq && FIRST_KINDS.has(event.kind) ? NONE : hashes.get(event.seq - 1);
    if (before !== null) this.#check(before, event, at);
  }

  #check(before: Uint8Array, event: AuditEvent, at: string): void {
    if (equalBytes(auditHash(before, event), event.hash)) return;
    this.#problem("edited", at, `event ${event.seq}, or the one before it, is not as it was written`);
  }

  #add(epoch: Epoch, event: AuditEvent): void {
    epoch.hashes.set(event.seq, event.hash);
    epoch.last = event;
    this.#latest = epoch;
    this.#events += 1;
  }

  /** Judges the whole, against the heads that were kept. */
  finish(heads: readonly AuditHead[]): AuditVerdict {
    for (const [i, epoch] of [...this.#epochs.values()].entries()) this.#judgeBeginning(epoch, heads, i === 0);
    for (const head of heads) this.#judgeHead(head);
    if (heads.length === 0)
      this.#notes.push("no head was given: what is missing at the end, or a whole log made up, does not show");
    const last = this.#latest?.last;
    const head = last === undefined ? null : { epoch: last.epoch, sequence: last.seq, hash: last.hash };
    return { problems: this.#problems, more: this.#more, notes: this.#notes, events: this.#events, head };
  }

  #judgeBeginning(epoch: Epoch, heads: readonly AuditHead[], isFirst: boolean): void {
    if (epoch.before !== null) this.#judgeRestore(epoch, epoch.before);
    else if (epoch.first.kind === "tailnet.restored")
      this.#notes.push(`the restore at ${epoch.at} names no event before it`);
    else if (epoch.first.kind !== "tailnet.created") this.#judgeStart(epoch, heads, isFirst);
  }

  /** An epoch of which the beginning is not there: it follows a place that the log, or a head, names. Only the log's first one may follow none [W21]. */
  #judgeStart({ name, first, at }: Epoch, heads: readonly AuditHead[], isFirst: boolean): void {
    const place = [...heads, ...this.#floors].find(
      ({ epoch, sequence }) => epoch === name && sequence === first.seq - 1,
    );
    if (place !== undefined) this.#check(place.hash, first, at);
    else if (!isFirst)
      this.#problem("dropped", at, `the restore that began epoch ${name} is missing, before event ${first.seq}`);
    else
      this.#notes.push(
        `the log begins with event ${first.seq} of ${name}: that nothing is missing before it is not shown`,
      );
  }

  /** [W21] */
  #judgeRestore({ name, first, at }: Epoch, before: AuditHead): void {
    const old = this.#epochs.get(before.epoch);
    if (first.seq !== before.sequence + 1)
      this.#problem(
        "edited",
        at,
        `epoch ${name} begins with event ${first.seq}, and is to follow event ${before.sequence}`,
      );
    if (old === undefined) {
      this.#notes.push(`epoch ${before.epoch}, before the restore at ${at}, is not in the log`);
      return;
    }
    const known = old.hashes.get(before.sequence);
    if (known === null && before.sequence > old.last.seq)
      this.#problem(
        "cut",
        at,
        `${spanText(old.last.seq + 1, before.sequence)} of ${old.name} missing before the restore`,
      );
    else if (known !== null && !equalBytes(known, before.hash))
      this.#problem("rewritten", at, `the restore follows another event ${before.sequence} of ${old.name}`);
    if (old.last.seq > before.sequence)
      this.#notes.push(`a restore undid ${spanText(before.sequence + 1, old.last.seq)} of ${old.name}`);
  }

  /** [W22] */
  #judgeHead(head: AuditHead): void {
    const at = formatAuditHead(head);
    const epoch = this.#epochs.get(head.epoch);
    const restore = [...this.#epochs.values()].find(({ before }) => before?.epoch === head.epoch);
    const isUndone =
      restore?.before !== undefined && restore.before !== null && head.sequence > restore.before.sequence;
    const known = epoch?.hashes.get(head.sequence) ?? null;
    if (known !== null) {
      if (!equalBytes(known, head.hash))
        this.#problem("rewritten", at, `event ${head.sequence} is another one than that of the head`);
    } else if (isUndone) this.#notes.push(`a restore undid the events up to the head ${at}`);
    else if (epoch === undefined && restore?.before !== undefined && restore.before !== null)
      this.#judgeNamed(head, restore.before, at);
    else if (epoch === undefined) this.#problem("rewritten", at, `epoch ${head.epoch} of the head is not in the log`);
    else if (head.sequence > epoch.last.seq)
      this.#problem("cut", at, `the log ends with event ${epoch.last.seq}, before the head`);
    else if (head.sequence < epoch.first.seq - 1) this.#judgeEarlier(head, epoch, at);
  }

  /** A head before the first event that there is: what is between the two was let go of, as the log itself tells, or it is missing. */
  #judgeEarlier({ sequence }: AuditHead, { name, first }: Epoch, at: string): void {
    const wasLetGo = this.#floors.some((floor) => floor.epoch === name && floor.sequence >= sequence);
    if (wasLetGo) this.#notes.push(`the head ${at} is of what was let go of`);
    else this.#problem("cut", at, `the log begins with event ${first.seq}, and does not reach back to the head`);
  }

  /** A head of an epoch of which the log has only the word of the restore that ended it. */
  #judgeNamed(head: AuditHead, named: AuditHead, at: string): void {
    if (head.sequence === named.sequence && !equalBytes(head.hash, named.hash))
      this.#problem("rewritten", at, `the restore follows another event ${head.sequence} than that of the head`);
    else this.#notes.push(`the head ${at} is before the first event of the log`);
  }
}

function spanText(from: number, to: number): string {
  return from === to ? `event ${from}` : `events ${from} to ${to}`;
}
