/**
 * `npm run bench -- chain`: what an append costs by how much stands on the chain since its last active ancestor, and beside an archive that is
 * kept for sync alone; each beside a bare insert of a row.
 */

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import type { BenchOptions } from "./options.ts";
import { clock } from "./clock.ts";
import { startBare, type Baseline } from "./plane/baseline.ts";
import { Http, expectOk } from "./plane/http.ts";
import { interleave, timed, type Once } from "./plane/interleave.ts";
import { Plane, type LockedTailnet } from "./plane/plane.ts";
import { lanesTable } from "./report.ts";

const REST_MS = 15;
const NS_PER_MS = 1e6;
const DAY_MS = 24 * 60 * 60 * 1000;
/** More than the 14 days after which a checkpoint is settled. */
const AGE_MS = 15 * DAY_MS;
/** AUMs that one request may bring. */
const BATCH = 1900;
/** Appends that a chain of 1,900 still takes before it is too long. */
const ROOM = 45;

interface Length {
  readonly title: string;
  /** AUMs since the last active ancestor. */
  readonly live: number;
  /** AUMs in the archive before that, about. */
  readonly archived: number;
}

const LENGTHS = {
  short: { title: "an append after 10 AUMs", live: 10, archived: 0 },
  long: { title: "an append after 1,000", live: 1000, archived: 0 },
  longest: { title: "an append after 1,900", live: 1900, archived: 0 },
  archive: { title: "an append after some 30, beside an archive of 5,000", live: 30, archived: 5000 },
} as const satisfies Readonly<Record<string, Length>>;
type Lane = keyof typeof LENGTHS;
const LANES = Object.keys(LENGTHS) as Lane[];

/** The databases of all tailnets, while nothing runs. */
function onDatabases<T>(folder: string, work: (database: DatabaseSync) => T): T[] {
  const objects = join(folder, "do", "tailward-TailnetAuthority");
  const names = readdirSync(objects).filter((file) => file.endsWith(".sqlite") && file !== "metadata.sqlite");
  return names.map((name) => {
    const database = new DatabaseSync(join(objects, name));
    try {
      return work(database);
    } finally {
      database.close();
    }
  });
}

/** Makes all that is stored of chains older: time passes. */
function passTime(folder: string): void {
  onDatabases(folder, (database) => {
    database.exec(`UPDATE aums SET committed = committed - ${AGE_MS}`);
  });
}

/** How many AUMs each chain has since its last active ancestor, and before that: what the titles promise. */
function standings(folder: string): string[] {
  return onDatabases(folder, (database) => {
    const row = database
      .prepare("SELECT MAX(place) - ancestor_place AS live, ancestor_place AS archived FROM aums, chains")
      .get();
    return `${String(row?.["live"])} live, ${String(row?.["archived"])} archived`;
  }).sort();
}

async function makeLock(plane: Plane, name: string): Promise<LockedTailnet> {
  const tailnet = await plane.tailnet(`${name}.test`);
  await tailnet.join(2);
  return tailnet.lock();
}

/** Chains that stand as the lanes want them. The longest have room for few appends: there are several, which take turns. */
async function makeLocks(plane: Plane, appends: number): Promise<Record<Lane, LockedTailnet[]>> {
  const archive = [await makeLock(plane, "archive")];
  for (let archived = 0; archived < LENGTHS.archive.archived; archived += BATCH) {
    await archive[0]?.grow(Math.min(BATCH, LENGTHS.archive.archived - archived));
    await plane.pause(() => passTime(plane.runtime.folder));
  }
  const longest = await Promise.all(
    Array.from({ length: Math.ceil(appends / ROOM) }, (_, i) => makeLock(plane, `longest-${i}`)),
  );
  const locks = { short: [await makeLock(plane, "short")], long: [await makeLock(plane, "long")], longest, archive };
  for (const lane of LANES) for (const lock of locks[lane]) await lock.grow(LENGTHS[lane].live);
  return locks;
}

/** Appends to these chains in turns. */
function appending(plane: Plane, locks: readonly LockedTailnet[], used: number[]): Once {
  const http = new Http(plane.url);
  let turn = 0;
  return async () => {
    const ask = locks[turn++ % locks.length]?.nextChange();
    if (ask === undefined) throw new Error("bench: no chain to append to");
    const before = clock.of(plane.runtime.pids);
    const took = await timed(async () => expectOk(await http.ask(ask), ask.path));
    await sleep(REST_MS);
    used.push((clock.of(plane.runtime.pids) - before) / NS_PER_MS);
    return took;
  };
}

function inserting(bare: Baseline, used: number[]): Once {
  const http = new Http(bare.runtime.url);
  const ask = { path: "/insert/a", body: "x".repeat(600) };
  return async () => {
    const before = clock.of(bare.runtime.pids);
    const took = await timed(async () => expectOk(await http.ask(ask), ask.path));
    await sleep(REST_MS);
    used.push((clock.of(bare.runtime.pids) - before) / NS_PER_MS);
    return took;
  };
}

export async function benchChain({ isQuick }: BenchOptions): Promise<void> {
  const plan = isQuick ? { rounds: 3, turns: 10 } : { rounds: 10, turns: 20 };
  const [plane, bare] = [await Plane.start(), await startBare()];
  try {
    const locks = await makeLocks(plane, (plan.rounds + 1) * plan.turns);
    await plane.pause(() => {
      console.log(`chains: ${standings(plane.runtime.folder).join("; ")}\n`);
    });
    const used: Record<Lane | "insert", number[]> = { insert: [], short: [], long: [], longest: [], archive: [] };
    const ours = LANES.map((lane) => [lane, appending(plane, locks[lane], used[lane])] as const);
    const lanes = { insert: inserting(bare, used.insert), ...(Object.fromEntries(ours) as Record<Lane, Once>) };
    const alone = await interleave(lanes, { ...plan, restMs: 0 });
    const rows = (figures: typeof used) => [
      { title: "bare: insert a row", figures: figures.insert },
      ...LANES.map((lane) => ({ title: LENGTHS[lane].title, figures: figures[lane] })),
    ];
    console.log(lanesTable("one request, then rest", "ms", rows(alone)));
    console.log(`\n${lanesTable("the same beside the shortest chain", "ms", rows(alone).slice(1))}`);
    console.log(`\n${lanesTable(`${clock.name} of workerd, what follows included`, "ms", rows(used).slice(1))}`);
  } finally {
    await plane.close();
    await bare.close();
  }
}
