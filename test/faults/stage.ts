/** What every scenario plays on: a control plane of its own, a load, agents that listen, and an eye on memory; and what is judged at its end. */

import { mkdirSync } from "node:fs";
import { Agents } from "./agents.ts";
import { equal, megabytes, seconds, type Check, type Figure, type Report } from "./checks.ts";
import { Control } from "./control.ts";
import { judgeObject } from "./judge-object.ts";
import { judgeRecord } from "./judge-record.ts";
import { Listeners } from "./listeners.ts";
import { Load, type LoadSize } from "./load.ts";
import { MemoryWatch, OBJECT_LIMIT_BYTES } from "./memory.ts";

/** How a run is sized: what CI waits for, or the figures that docs/faults.md gives. */
export type Scale = "quick" | "full";

export interface Stage {
  readonly scale: Scale;
  readonly control: Control;
  readonly load: Load;
  readonly agents: Agents;
  readonly listeners: Listeners;
  readonly memory: MemoryWatch;
}

export interface Cast extends LoadSize {
  readonly agents: number;
  readonly listeners: number;
}

export interface Scenario {
  readonly name: string;
  /** What happens, in one line. */
  readonly title: string;
  readonly cast: (scale: Scale) => Cast;
  /** False where a scenario judges by itself. */
  readonly isJudged?: boolean;
  /** Plays; gives what it has counted, and checks of its own. */
  readonly play: (stage: Stage) => Promise<{ readonly figures: readonly Figure[]; readonly checks: readonly Check[] }>;
}

/** Milliseconds in which everything comes to where it belongs, once the faults are over. */
export interface Limits {
  /** Agents and listeners: their pauses between tries grow to a minute. */
  readonly convergeMs: number;
  /** Events on their way to D1: they are sent again after half a minute, and ever more rarely, after ten minutes at the latest. */
  readonly recordMs: number;
}

const LIMITS: Limits = { convergeMs: 150_000, recordMs: 660_000 };
/** Milliseconds for first maps to come to all listeners. */
const CONNECT_MS = 120_000;

function judgeMemory({ peakHeap }: MemoryWatch): Check {
  const counts = `${megabytes(peakHeap)} at most, in the isolate of all objects together`;
  return equal("no object is over 128 MB", counts, peakHeap > 0 && peakHeap < OBJECT_LIMIT_BYTES);
}

/** Everything that must hold once a scenario is over and its faults are off. A last change of the lock shows who still listens. */
export async function judge(stage: Stage, { convergeMs, recordMs }: Limits = LIMITS): Promise<Check[]> {
  const { control, load, agents, listeners, memory } = stage;
  const { tailnet } = load;
  const { seq } = await load.mark();
  const heard = await listeners.hear(seq, convergeMs);
  const converged = await agents.converge(control, tailnet, convergeMs);
  const reached = await load.judgeRoutes();
  const record = await judgeRecord(control, tailnet, recordMs);
  await memory.look();
  return [...(await judgeObject(load)), reached, converged, heard, ...record, judgeMemory(memory)];
}

/** What every scenario tells of its load. */
function loadFigures({ ledger }: Load, { peakResident }: MemoryWatch): Figure[] {
  const slowest = ledger.acts.reduce((most, { ms }) => Math.max(most, ms), 0);
  const [appends, signings, joins] = (["append", "sign", "join"] as const).map((kind) =>
    ledger.count(kind, "acknowledged"),
  );
  const refusals = [...ledger.refusals()].map(([code, count]) => `${count} ${code}`).join(", ");
  return [
    { what: "acknowledged", value: `${appends} appends, ${signings} signings, ${joins} joins` },
    { what: "refused, of those who may", value: refusals === "" ? "none" : refusals },
    { what: "longest wait for an answer", value: seconds(slowest) },
    { what: "workerd's memory at most", value: megabytes(peakResident) },
  ];
}

/** Brings everybody in, hands over, and sends everybody home. */
async function onStage<T>(
  { name, cast }: Scenario,
  scale: Scale,
  folder: string,
  play: (stage: Stage) => Promise<T>,
): Promise<T> {
  const { agents: agentCount, listeners: listenerCount, ...size } = cast(scale);
  const control = await Control.start(folder);
  const memory = new MemoryWatch(control);
  const ends: (() => void)[] = [() => memory.stop()];
  try {
    const load = await Load.begin(control, `${name}.example`, size);
    const listeners = Listeners.of(control.url, await load.bring(listenerCount));
    ends.push(() => listeners.stop());
    const agents = await Agents.start(control, load.authKey, folder, agentCount);
    ends.push(() => agents.stop());
    if (!(await listeners.start(CONNECT_MS))) throw new Error("the listeners did not all connect");
    return await play({ scale, control, load, agents, listeners, memory });
  } finally {
    for (const end of ends) end();
    await control.kill();
  }
}

/** Plays a scenario from an empty folder. */
export async function playScenario(scenario: Scenario, scale: Scale, folder: string): Promise<Report> {
  mkdirSync(folder, { recursive: true });
  const started = performance.now();
  return onStage(scenario, scale, folder, async (stage) => {
    const { figures, checks } = await scenario.play(stage);
    await stage.control.switch({});
    const judged = scenario.isJudged === false ? [] : await judge(stage);
    const took = { what: "the whole scenario", value: seconds(performance.now() - started) };
    return {
      scenario: scenario.title,
      figures: [...figures, ...loadFigures(stage.load, stage.memory), took],
      checks: [...checks, ...judged],
    };
  });
}
