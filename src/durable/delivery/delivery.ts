/**
 * Sends pointers to the queues: after a commit what is new, and by an alarm again what is not acknowledged.
 *
 * Rule [W11]: while anything is pending an alarm is set, in the turn of the commit; it is caught, and set again. Sending delays no answer, and
 * where it fails the alarm sends again.
 */

import type { AlarmClock } from "../alarm-clock.ts";
import type { ObjectsEnv } from "../env.ts";
import { log } from "../log.ts";
import type { Lane, Pending, Pointer } from "./outbox.ts";
import type { Tailnet } from "../authority/tailnet.ts";

/** Messages that a queue takes at once. */
const MAX_SEND = 100;
/** Events that are sent again by one alarm. */
const MAX_RESEND = 1000;
/** Milliseconds until what is pending is sent again; twice as many each time, up to the most. */
const FIRST_RESEND_MS = 30_000;
const MOST_RESEND_MS = 10 * 60_000;
/** From the how manieth time on it is worth a line. */
const TRIES_TO_TELL = 3;
const PURPOSE = "delivery";

/** The queues, by lane. */
export class Queues {
  readonly #queues: Readonly<Record<Lane, Queue<Pointer>>>;

  constructor(env: ObjectsEnv) {
    this.#queues = { sessions: env.SESSIONS_QUEUE, record: env.RECORD_QUEUE };
  }

  /** Up to 100 pointers, all or none. */
  async send(lane: Lane, pointers: readonly Pointer[]): Promise<void> {
    await this.#queues[lane].sendBatch(pointers.map((body) => ({ body })));
  }
}

export class Delivery {
  readonly #tailnet: Tailnet;
  readonly #queues: Queues;
  readonly #clock: AlarmClock;
  /** What is newer was never sent by this instance; what is older is sent again by the alarm. */
  #sent: number;
  /** What is newer came after the alarm was set. */
  #overdue: number;
  #isSending = false;
  #hasLooked = false;

  constructor(tailnet: Tailnet, queues: Queues, clock: AlarmClock) {
    this.#tailnet = tailnet;
    this.#queues = queues;
    this.#clock = clock;
    const seq = tailnet.find()?.seq ?? -1;
    this.#sent = seq;
    this.#overdue = seq;
  }

  /** True if anything has not arrived. */
  isPending(): boolean {
    return this.#tailnet.find() !== null && !this.#tailnet.outbox.isEmpty();
  }

  /**
   * Goes on with the alarm that an earlier instance has set. Null also where it is that alarm which has begun this instance; one that is further
   * away than ours can be was set for something else.
   */
  resume(alarm: number | null, now: number): void {
    this.#clock.found(alarm);
    if (alarm === null) return;
    if (alarm <= now + MOST_RESEND_MS) this.#clock.want(PURPOSE, alarm);
    else this.arm(now);
  }

  /** To be called in the turn of an act: sees to the alarm where the act has left news, and once in any case. */
  look(now: number, hasNews: boolean): void {
    if (hasNews || !this.#hasLooked) this.arm(now);
    this.#hasLooked = true;
  }

  /** Sets the alarm where something is pending and none is set [W11]. */
  arm(now: number): void {
    if (this.#clock.isWanted(PURPOSE) || !this.isPending()) return;
    this.#overdue = this.#tailnet.info().seq;
    const wait = Math.min(FIRST_RESEND_MS * 2 ** this.#tailnet.outbox.tries, MOST_RESEND_MS);
    this.#clock.want(PURPOSE, now + wait);
  }

  /** Sends what is new, one flush at a time: what comes meanwhile goes with the next round of the same one. Never rejects. */
  async flush(): Promise<void> {
    if (this.#isSending) return;
    this.#isSending = true;
    try {
      for (;;) {
        const pending = this.#tailnet.outbox.records(this.#sent, Number.MAX_SAFE_INTEGER, MAX_SEND);
        const last = pending.at(-1);
        if (last === undefined) return;
        const news = this.#tailnet.outbox.news(this.#sent);
        this.#sent = last.seq;
        await Promise.all([this.#send("record", pending), this.#send("sessions", news === null ? [] : [news])]);
      }
    } catch (error) {
      log.error("the outbox could not be read", {}, error);
    } finally {
      this.#isSending = false;
    }
  }

  async #send(lane: Lane, pending: readonly Pending[]): Promise<void> {
    if (pending.length === 0) return;
    const { id: tailnet, epoch } = this.#tailnet.info();
    try {
      await this.#queues.send(
        lane,
        pending.map((event) => ({ tailnet, epoch, ...event })),
      );
    } catch (error) {
      log.warn("a queue did not take a message; it is sent again", { queue: lane, tailnet }, error);
    }
  }

  /** Sends again what was pending when the alarm was set, and sets it anew while anything is. Never rejects for a queue's sake. */
  async resend(now: number): Promise<void> {
    // The alarm may have rung for another purpose.
    if (this.#clock.isWanted(PURPOSE) || !this.isPending()) return;
    const { outbox } = this.#tailnet;
    const news = outbox.told < this.#overdue ? outbox.news(-1) : null;
    const records = this.#overdueRecords();
    if (news !== null || records.length > 0) {
      outbox.tries += 1;
      this.#tellLate(now, records.flat());
    }
    this.arm(now);
    const sending = records.map((pending) => this.#send("record", pending));
    await Promise.all([...sending, this.#send("sessions", news === null ? [] : [news])]);
  }

  /** Says in the log that what was sent again and again does not arrive. */
  #tellLate(now: number, records: readonly Pending[]): void {
    const { tries } = this.#tailnet.outbox;
    const { id: tailnet, seq } = this.#tailnet.info();
    if (tries < TRIES_TO_TELL) return;
    const [oldest] = records;
    const at = oldest === undefined ? null : (this.#tailnet.events.at(oldest.seq)?.at ?? null);
    const seconds = at === null ? null : Math.round((now - at) / 1000);
    log.warn("what has changed does not arrive; it is sent again", {
      tailnet,
      tries,
      seq,
      records: records.length,
      seconds,
    });
  }

  /** The oldest of what is overdue, by the batch. */
  #overdueRecords(): Pending[][] {
    const batches: Pending[][] = [];
    let after = -1;
    while (batches.length * MAX_SEND < MAX_RESEND) {
      const pending = this.#tailnet.outbox.records(after, this.#overdue, MAX_SEND);
      const last = pending.at(-1);
      if (last === undefined) break;
      batches.push(pending);
      after = last.seq;
    }
    return batches;
  }

  /** Notes that events have arrived. Pointers into another epoch say nothing of this one. */
  acknowledge(lane: Lane, epoch: string, seqs: readonly number[]): void {
    const info = this.#tailnet.info();
    if (info.epoch !== epoch) return;
    this.#tailnet.outbox.acknowledge(
      lane,
      seqs.filter((seq) => seq <= info.seq),
    );
    this.#tailnet.outbox.tries = 0;
  }
}
