/**
 * `npm run bench -- fanout`: a change of the lock, told to all nodes of a tailnet on their sockets, beside bare objects that send as many sockets
 * a message of the same size. Once by the authority's own calls, and once with these cut, so that the Queue alone tells.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { BenchOptions } from "./options.ts";
import { startBare, type Baseline } from "./plane/baseline.ts";
import { wallNow, type Crowd, type Heard } from "./plane/crowd.ts";
import { Http, expectOk } from "./plane/http.ts";
import { Plane, type LockedTailnet } from "./plane/plane.ts";
import { shardsOf, tellBare, waitingBare, waitingNodes } from "./plane/waiting.ts";
import { goal, lanesTable, line, spread } from "./report.ts";

const GOAL = 1.5;
const ENTRY = "test/bench/workers/watched/index.ts";
const SIZES = { quick: [100], full: [1000, 9000] };
const ROUNDS = { quick: 3, full: 15 };
const REST_MS = 400;
const SESSIONS_QUEUE = /sessions/;

/** What the doors of the Worker saw: milliseconds since the epoch. */
interface Stamps {
  readonly consumer: readonly { readonly queue: string; readonly at: number }[];
  readonly advance: readonly number[];
}

/** Milliseconds from some start until the last has heard. */
interface Figures {
  /** Bare, from the Worker's start. */
  readonly bare: number[];
  /** From the first sessions object's being told. */
  readonly direct: number[];
  /** From the request that changes the lock. */
  readonly whole: number[];
  /** From that request to the consumer's start. */
  readonly queue: number[];
  /** From the consumer's start. */
  readonly consumer: number[];
}

class Fanout {
  readonly figures: Figures = { bare: [], direct: [], whole: [], queue: [], consumer: [] };
  readonly #http: Http;
  readonly #lock: LockedTailnet;
  readonly #crowd: Crowd;

  constructor(plane: Plane, lock: LockedTailnet, crowd: Crowd) {
    this.#http = new Http(plane.url);
    this.#lock = lock;
    this.#crowd = crowd;
  }

  async #bench(path: string): Promise<Stamps> {
    return JSON.parse(expectOk(await this.#http.ask({ path: `/bench/${path}` }), path)) as Stamps;
  }

  async #change(): Promise<{ heard: Heard; asked: number; stamps: Stamps }> {
    const ask = this.#lock.nextChange();
    const asked = wallNow();
    const heard = await this.#crowd.tell(async () => expectOk(await this.#http.ask(ask), ask.path));
    await sleep(REST_MS);
    return { heard, asked, stamps: await this.#bench("stamps") };
  }

  /** By the authority's own calls; gives the message. */
  async direct(): Promise<string> {
    await this.#bench("direct/on");
    const { heard, asked, stamps } = await this.#change();
    this.figures.direct.push(heard.last - Math.min(...stamps.advance));
    this.figures.whole.push(heard.last - asked);
    return heard.text;
  }

  /** By the Queue alone. */
  async queue(): Promise<void> {
    await this.#bench("direct/off");
    const { heard, asked, stamps } = await this.#change();
    const began = stamps.consumer.find(({ queue }) => SESSIONS_QUEUE.test(queue))?.at;
    if (began === undefined) return;
    this.figures.queue.push(began - asked);
    this.figures.consumer.push(heard.last - began);
  }
}

function report(
  count: number,
  shards: number,
  characters: number,
  { bare, direct, whole, queue, consumer }: Figures,
): string {
  const lanes = [
    { title: "bare: objects send to as many sockets", figures: bare },
    { title: "from the first sessions object's being told", figures: direct },
    ...(consumer.length > 0 ? [{ title: "by the Queue alone, from its consumer's start", figures: consumer }] : []),
  ];
  const title = `${count} nodes over ${shards} objects, ${characters} characters each`;
  return [
    lanesTable(title, "ms", lanes),
    line(["from the request that changes the lock, all in all", spread(whole, "ms")]),
    ...(queue.length > 0 ? [line(["from that request to the Queue's consumer", spread(queue, "ms")])] : []),
    goal("from the consumer's start", consumer.length > 0 ? consumer : direct, bare, GOAL),
  ].join("\n");
}

async function fanOut(plane: Plane, bare: Baseline, count: number, rounds: number): Promise<void> {
  const tailnet = await plane.tailnet(`fanout-${count}.test`);
  await tailnet.join(count);
  const lock = await tailnet.lock();
  const crowd = await waitingNodes(tailnet);
  const objects = Array.from({ length: shardsOf(count) }, (_, i) => `crowd-${count}-${i}`);
  const bareCrowd = await waitingBare(bare, count, objects);
  try {
    const fanout = new Fanout(plane, lock, crowd);
    let text = "";
    for (let round = 0; round < rounds; round++) {
      text = await fanout.direct();
      let began = 0;
      const { last } = await bareCrowd.tell(async () => {
        began = await tellBare(bare, objects, text);
      });
      fanout.figures.bare.push(last - began);
      await sleep(REST_MS);
      if (plane.hasQueues) await fanout.queue();
    }
    console.log(report(count, objects.length, text.length, fanout.figures));
  } finally {
    crowd.close();
    bareCrowd.close();
  }
}

export async function benchFanout({ isQuick, nodes }: BenchOptions): Promise<void> {
  const [size, rounds] = isQuick ? [SIZES.quick, ROUNDS.quick] : [SIZES.full, ROUNDS.full];
  for (const count of nodes === null ? size : [nodes]) {
    const [plane, bare] = [await Plane.start(ENTRY), await startBare()];
    try {
      await fanOut(plane, bare, count, rounds);
      console.log();
    } finally {
      await plane.close();
      await bare.close();
    }
  }
}
