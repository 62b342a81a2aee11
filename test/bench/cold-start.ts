/**
 * `npm run bench -- coldstart`: the first act and the first full map of a tailnet of 10,000 nodes after its objects were evicted, beside a bare
 * object that has as many rows of the same size.
 */

import type { BenchOptions } from "./options.ts";
import { startBare, type Baseline } from "./plane/baseline.ts";
import { expectOk } from "./plane/http.ts";
import { interleave, timed, type Once } from "./plane/interleave.ts";
import { Plane, type LockedTailnet, type Tailnet } from "./plane/plane.ts";
import type { Runtime } from "./plane/runtime.ts";
import { firstMap, shardsOf } from "./plane/waiting.ts";
import { lanesTable } from "./report.ts";

const ROUNDS = { quick: 2, full: 8 };
const NODES = { quick: 400, full: 10_000 };
const OBJECT = "cold";

const IS_OUT = /not currently running/;

/** Puts an object out of memory, if it is there. */
async function putOut(runtime: Runtime, worker: string, className: string, name: string): Promise<void> {
  try {
    await runtime.miniflare.unsafeEvictDurableObject(worker, className, { name });
  } catch (error) {
    if (!IS_OUT.test(String(error))) throw error;
  }
}

/** Puts every object of the tailnet out of memory. */
async function evict({ runtime }: Plane, tailnet: Tailnet): Promise<void> {
  await putOut(runtime, "tailward", "TailnetAuthority", tailnet.id);
  const shards = shardsOf(tailnet.nodes.length);
  for (let i = 0; i < shards; i++) await putOut(runtime, "tailward", "NodeSessions", `${tailnet.id}-${shards}-${i}`);
}

/** Times `act` in objects that were in memory just now (`evicting` does nothing), or were not. */
function after(evicting: () => Promise<unknown>, act: () => Promise<unknown>): Once {
  return async () => {
    await evicting();
    return timed(act);
  };
}

const stay = (): Promise<void> => Promise.resolve();

function ourLanes(plane: Plane, tailnet: Tailnet, lock: LockedTailnet) {
  const out = (): Promise<void> => evict(plane, tailnet);
  const append = async (): Promise<void> => {
    const ask = lock.nextChange();
    expectOk(await plane.http.ask(ask), ask.path);
  };
  const map = (): Promise<unknown> => firstMap(tailnet.node(1));
  return {
    warmAct: after(stay, append),
    act: after(out, append),
    warmMap: after(stay, map),
    map: after(out, map),
  };
}

function bareLanes(bare: Baseline) {
  const out = (): Promise<void> => putOut(bare.runtime, "bare", "Bare", OBJECT);
  const ask = (path: string) => async (): Promise<void> => {
    expectOk(await bare.http.ask({ path: `/${path}/${OBJECT}`, body: "x".repeat(600) }), path);
  };
  return {
    bareWarmAct: after(stay, ask("insert")),
    bareAct: after(out, ask("insert")),
    bareWarmMap: after(stay, ask("all")),
    bareMap: after(out, ask("all")),
  };
}

function report(nodes: number, characters: number, figures: Readonly<Record<string, readonly number[]>>): string {
  const rows = (titles: Readonly<Record<string, string>>) =>
    Object.entries(titles).map(([lane, title]) => ({ title, figures: figures[lane] ?? [] }));
  const acts = rows({
    bareAct: "bare: a row, in an object that was out of memory",
    act: "ours: a signed append",
    bareWarmAct: "bare: the same in memory",
    warmAct: "ours: the same in memory",
  });
  const maps = rows({
    bareMap: "bare: all rows, from an object that was out of memory",
    map: "ours: a node's first full map, on its socket",
    bareWarmMap: "bare: the same in memory",
    warmMap: "ours: the same in memory",
  });
  return [
    lanesTable(`the first act in a tailnet of ${nodes} nodes`, "ms", acts),
    "",
    lanesTable(`its first map, ${(characters / 1e6).toFixed(1)} MB`, "ms", maps),
  ].join("\n");
}

export async function benchColdStart({ isQuick, nodes }: BenchOptions): Promise<void> {
  const size = isQuick ? "quick" : "full";
  const [plane, bare] = [await Plane.start(), await startBare()];
  try {
    const tailnet = await plane.tailnet("cold.test");
    const count = nodes ?? NODES[size];
    await tailnet.join(count);
    const lock = await tailnet.lock();
    const { characters } = await firstMap(tailnet.node(1));
    const text = "x".repeat(Math.round(characters / count));
    await bare.http.ask({ path: `/fill/${OBJECT}`, body: JSON.stringify({ count, text }) });
    const lanes = { ...bareLanes(bare), ...ourLanes(plane, tailnet, lock) };
    const figures = await interleave(lanes, { rounds: ROUNDS[size], turns: 1, restMs: 300 });
    console.log(report(count, characters, figures));
  } finally {
    await plane.close();
    await bare.close();
  }
}
