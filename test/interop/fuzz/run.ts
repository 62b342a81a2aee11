/** One job of the fuzzer: makes its share of the cases, keeps Go busy with one batch while ours answers another, and judges. */

import { setImmediate as nextTurn } from "node:timers/promises";

import type { OracleRequest, OurAnswer } from "../../support/answer.ts";
import type { Answer } from "../oracle-client.ts";
import type { Case, Kind } from "./case.ts";
import { Judge } from "./judge.ts";
import { KINDS } from "./kinds.ts";
import { Random } from "./random.ts";
import { shrink } from "./shrink.ts";

export interface JobSettings {
  readonly seed: number;
  /** Indexes of the cases: from `first` to `end`, in batches, every `jobs`-th batch beginning with the one numbered `job`. */
  readonly first: number;
  readonly end: number;
  readonly job: number;
  readonly jobs: number;
  /** The only kind to make, or null for all by their weights. */
  readonly kind: string | null;
}

export interface KindCount {
  cases: number;
  accepted: number;
}

export interface Found {
  readonly index: number;
  readonly kind: string;
  readonly judge: string;
  readonly what: string;
  readonly request: OracleRequest;
  readonly go: Answer;
  readonly ours: OurAnswer;
}

export interface JobReport {
  readonly cases: number;
  readonly nsGo: bigint;
  readonly nsOurs: bigint;
  readonly nsMaking: bigint;
  readonly kinds: Readonly<Record<string, KindCount>>;
  readonly departures: Readonly<Record<string, number>>;
  readonly found: Found | null;
}

const BATCH = 192;

interface Numbered {
  readonly index: number;
  readonly kind: string;
  readonly one: Case;
  /** False for a question that an answer led to. */
  readonly first: boolean;
}

/** A batch that Go was asked about. */
interface Asked {
  readonly batch: readonly Numbered[];
  readonly go: Promise<Answer[]>;
}

const WEIGHTS = Object.fromEntries(KINDS.map(({ name, weight }) => [name, weight]));

function kindNamed(name: string): Kind {
  const kind = KINDS.find((one) => one.name === name);
  if (kind === undefined) throw new Error(`kinds are ${KINDS.map((one) => one.name).join(", ")}`);
  return kind;
}

function makeCase(seed: number, index: number, only: string | null): Numbered {
  const random = new Random(seed, index);
  const drawn = random.weighted(WEIGHTS);
  const kind = kindNamed(only ?? drawn);
  return { index, kind: kind.name, one: kind.make(random), first: true };
}

export class Job {
  readonly #settings: JobSettings;
  readonly #judge = new Judge();
  readonly #kinds: Record<string, KindCount> = {};
  readonly #departures: Record<string, number> = {};
  #followUps: Numbered[] = [];
  #cases = 0;
  #nsMaking = 0n;
  #found: Found | null = null;

  constructor(settings: JobSettings) {
    this.#settings = settings;
  }

  /** Runs to the end, or to the first difference. `progress` is told how many cases are done, `stopped` whether to go on. */
  async run(progress: (cases: number) => void, stopped: () => boolean): Promise<JobReport> {
    const { first, end, job, jobs } = this.#settings;
    let waiting: Asked | null = null;
    for (let start = first + job * BATCH; this.#found === null && !stopped(); start += jobs * BATCH) {
      const batch = [...this.#followUps.splice(0), ...this.#make(start, Math.min(start + BATCH, end))];
      const next = batch.length === 0 ? null : this.#ask(batch);
      if (waiting !== null) await this.#finish(waiting);
      progress(this.#cases);
      if (next === null && this.#followUps.length === 0) break;
      waiting = next;
    }
    this.#judge.close();
    return this.report();
  }

  report(): JobReport {
    const { nsGo, nsOurs } = this.#judge;
    const [kinds, departures] = [this.#kinds, this.#departures];
    return { cases: this.#cases, nsGo, nsOurs, nsMaking: this.#nsMaking, kinds, departures, found: this.#found };
  }

  #ask(batch: readonly Numbered[]): Asked {
    const go = this.#judge.askGo(batch.map(({ one }) => one));
    // Where a difference ends the run first, nobody waits for this batch any more.
    go.catch(() => undefined);
    return { batch, go };
  }

  #make(start: number, end: number): Numbered[] {
    const before = process.hrtime.bigint();
    const batch: Numbered[] = [];
    for (let index = start; index < end; index++) batch.push(makeCase(this.#settings.seed, index, this.#settings.kind));
    this.#nsMaking += process.hrtime.bigint() - before;
    return batch;
  }

  async #finish({ batch, go: asked }: Asked): Promise<void> {
    const ours: OurAnswer[] = [];
    for (const [i, { one }] of batch.entries()) {
      ours.push(this.#judge.askOurs(one.request));
      // What is still to be written to Go, and what it has answered, moves between turns only.
      if (i % 16 === 15) await nextTurn();
    }
    const go = await asked;
    for (const [i, numbered] of batch.entries()) {
      if (numbered.first) this.#cases++;
      this.#count(numbered.kind, go[i] as Answer);
      await this.#settle(numbered, go[i] as Answer, ours[i] as OurAnswer);
      if (this.#found !== null) return;
    }
  }

  #count(kind: string, go: Answer): void {
    const count = (this.#kinds[kind] ??= { cases: 0, accepted: 0 });
    count.cases++;
    const steps = "ok" in go ? (go.ok as { readonly steps?: readonly Answer[] }).steps : undefined;
    if (steps === undefined) count.accepted += "ok" in go ? 1 : 0;
    else count.accepted += steps.filter((step) => "ok" in step).length / Math.max(1, steps.length);
  }

  async #settle(numbered: Numbered, go: Answer, ours: OurAnswer): Promise<void> {
    const { index, kind, one } = numbered;
    const { difference, departures } = this.#judge.judge(one, go, ours);
    for (const id of departures) this.#departures[id] = (this.#departures[id] ?? 0) + 1;
    if (difference !== null) {
      this.#found = await this.#reduce(numbered, difference);
      return;
    }
    const follow = one.next?.(go, ours) ?? null;
    if (follow !== null) this.#followUps.push({ index, kind, one: follow, first: false });
  }

  async #reduce({ index, kind, one }: Numbered, difference: string): Promise<Found> {
    const ask = async (request: OracleRequest): Promise<{ go: Answer; ours: OurAnswer; what: string | null }> => {
      const changed = { ...one, request };
      const [go] = await this.#judge.askGo([changed]);
      const ours = this.#judge.askOurs(request);
      return { go: go as Answer, ours, what: this.#judge.judge(changed, go as Answer, ours).difference };
    };
    // The kind of difference must stay, or any request that Go finds malformed would do.
    const shapeOf = (what: string): string =>
      what
        .replace(/^step \d+, /, "")
        .split(/[ {]/, 3)
        .join(" ");
    const small = await shrink(one.request, async (request) => {
      const { what } = await ask(request);
      return what !== null && shapeOf(what) === shapeOf(difference) && !what.includes("bad request");
    });
    const { go, ours, what } = await ask(small);
    return { index, kind, judge: one.judge ?? "v1.104", what: what ?? difference, request: small, go, ours };
  }
}
