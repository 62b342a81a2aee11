/**
 * `npm run bench -- append`: one AUM, signed by a trusted key and sent over the signed HTTPS API, beside a bare Worker and object that insert a
 * row for each request; and between the two, the steps that any control plane of this shape has: another object that is asked for the way, and
 * the request's signature.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { BenchOptions } from "./options.ts";
import { clock } from "./clock.ts";
import { startBare, type Baseline } from "./plane/baseline.ts";
import { Http, expectOk, type Ask } from "./plane/http.ts";
import { interleave, timed, type Once } from "./plane/interleave.ts";
import { Plane, type LockedTailnet } from "./plane/plane.ts";
import { goal, lanesTable } from "./report.ts";

const GOAL = 1.5;
const QUICK = { rounds: 4, turns: 20 };
const FULL = { rounds: 12, turns: 25 };
/** An append's answer is followed by its telling: rest enough for that. */
const REST_MS = 15;
const NS_PER_MS = 1e6;

const TITLES = {
  insert: "bare: insert a row",
  asked: "bare: another object is asked first",
  signed: "bare: and the request's signature is verified",
  append: "a signed append, through Worker and object",
} as const;
type Lane = keyof typeof TITLES;

/** What each lane asks; made before the clock runs. */
type Asks = Readonly<Record<Lane, () => { readonly http: Http; readonly ask: Ask }>>;

async function makeAsks(plane: Plane, lock: LockedTailnet, bare: Baseline): Promise<Asks> {
  const [ours, baseline] = [new Http(plane.runtime.url), new Http(bare.runtime.url)];
  const { signer } = lock;
  // Bare requests carry bodies of an append's size.
  const sample = lock.nextChange();
  expectOk(await ours.ask(sample), "the first append");
  const fields = { MissingAUMs: [Buffer.alloc(180)], Head: "A".repeat(52), Interactive: true };
  const plain = (path: string) => ({
    http: baseline,
    ask: { path, headers: sample.headers ?? {}, body: sample.body ?? "" },
  });
  return {
    insert: () => plain("/insert/a"),
    asked: () => plain("/hop/a"),
    signed: () => ({ http: baseline, ask: signer.signed("/signed/a", fields, bare.runtime.url) }),
    append: () => ({ http: ours, ask: lock.nextChange() }),
  };
}

/** Milliseconds of processor time: until the answer was here, and with what follows it. */
interface Used {
  readonly answer: Record<Lane, number[]>;
  readonly whole: Record<Lane, number[]>;
}

const noFigures = (): Record<Lane, number[]> => ({ insert: [], asked: [], signed: [], append: [] });

function lanesOf(asks: Asks, pidsOf: (lane: Lane) => readonly number[], used: Used): Record<Lane, Once> {
  const once = (lane: Lane) => async (): Promise<number> => {
    const { http, ask } = asks[lane]();
    const before = clock.of(pidsOf(lane));
    const took = await timed(async () => expectOk(await http.ask(ask), ask.path));
    used.answer[lane].push((clock.of(pidsOf(lane)) - before) / NS_PER_MS);
    await sleep(REST_MS);
    used.whole[lane].push((clock.of(pidsOf(lane)) - before) / NS_PER_MS);
    return took;
  };
  return { insert: once("insert"), asked: once("asked"), signed: once("signed"), append: once("append") };
}

/** Rounds of many requests without rest: milliseconds a request. */
function backToBack(asks: Asks, lane: Lane, requests: number): Once {
  return async () => {
    const made = Array.from({ length: requests }, () => asks[lane]());
    const took = await timed(async () => {
      for (const { http, ask } of made) expectOk(await http.ask(ask), ask.path);
    });
    return took / requests;
  };
}

function tableOf(heading: string, figures: Readonly<Record<Lane, readonly number[]>>): string {
  const lanes = (Object.keys(TITLES) as Lane[]).map((lane) => ({ title: TITLES[lane], figures: figures[lane] }));
  return lanesTable(heading, "ms", lanes);
}

export async function benchAppend({ isQuick }: BenchOptions): Promise<void> {
  const plan = isQuick ? QUICK : FULL;
  const [plane, bare] = [await Plane.start(), await startBare()];
  try {
    const tailnet = await plane.tailnet("append.test");
    await tailnet.join(3);
    const asks = await makeAsks(plane, await tailnet.lock(), bare);
    const used: Used = { answer: noFigures(), whole: noFigures() };
    const pidsOf = (lane: Lane): readonly number[] => (lane === "append" ? plane : bare).runtime.pids;
    const alone = await interleave(lanesOf(asks, pidsOf, used), { ...plan, restMs: 0 });
    console.log(tableOf("one request, then rest", alone));
    console.log(`\n${tableOf(`${clock.name} of workerd until the answer`, used.answer)}`);
    console.log(`\n${tableOf(`${clock.name} of workerd, what follows included`, used.whole)}`);
    const lanes = (Object.keys(TITLES) as Lane[]).map((lane) => [lane, backToBack(asks, lane, 50)] as const);
    const busy = await interleave(Object.fromEntries(lanes) as Record<Lane, Once>, {
      rounds: plan.rounds,
      turns: 1,
      restMs: 100,
    });
    console.log(`\n${tableOf("50 requests one after the other, for each", busy)}`);
    console.log(`\n${goal("a signed append beside a bare insert", alone.append, alone.insert, GOAL)}`);
  } finally {
    await plane.close();
    await bare.close();
  }
}
