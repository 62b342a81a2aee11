/** What every scenario plays on: a control plane of its own, a load, agents that listen, and an eye on memory; and what is judged at its end. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Agents } from "./agents.ts";
import { equal, megabytes, seconds, type Check, type Figure, type Report } from "./checks.ts";
import { Control } from "./control.ts";
import { judgeObject } from "./judge-object.ts";
import { judgeRecord } from "./judge-record.ts";
import { Load, type LoadSize } from "./load.ts";
import { MemoryWatch, OBJECT_LIMIT_BYTES } from "./memory.ts";

/** How a run is sized: what CI waits for, or the figures that docs/faults.md gives. */
export type Scale = "quick" | "full";

export interface Stage {
  readonly scale: Scale;
  readonly control: Control;
  readonly load: Load;
  readonly agents: Agents;
  readonly memory: MemoryWatch;
}

export interface Cast extends LoadSize {
  readonly agents: number;
}

export interface Scenario {
  readonly name: string;
  /** What happens, in one line. */
  readonly title: string;
  cast(scale: Scale): Cast;
  /** Plays; gives what it has counted, and checks of its own. */
  play(stage: Stage): Promise<{ readonly figures: readonly Figure[]; readonly checks: readonly Check[] }>;
}

/** Milliseconds that agents have to come to the object's head, and events to D1, once the faults are over. */
const CONVERGE_MS = 120_000;
const RECORD_MS = 180_000;

function judgeMemory({ peakHeap }: MemoryWatch): Check {
  const counts = `${megabytes(peakHeap)} at most, in the isolate of all objects together`;
  return equal("no object is over 128 MB", counts, peakHeap > 0 && peakHeap < OBJECT_LIMIT_BYTES);
}

/** Everything that must hold once a scenario is over and its faults are off. */
export async function judge({ control, load, agents, memory }: Stage): Promise<Check[]> {
  const { tailnet } = load;
  const converged = await agents.converge(control, tailnet, CONVERGE_MS);
  const record = await judgeRecord(control, tailnet, RECORD_MS);
  await memory.look();
  return [...(await judgeObject(load)), converged, ...record, judgeMemory(memory)];
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

/** Plays a scenario from an empty folder. */
export async function playScenario(scenario: Scenario, scale: Scale, folder: string): Promise<Report> {
  mkdirSync(folder, { recursive: true });
  const started = performance.now();
  const { agents: count, ...size } = scenario.cast(scale);
  const control = await Control.start(folder);
  const memory = new MemoryWatch(control);
  try {
    const load = await Load.begin(control, `${scenario.name}.example`, size);
    const agents = await Agents.start(control, load.authKey, join(folder), count);
    try {
      const stage = { scale, control, load, agents, memory };
      const { figures, checks } = await scenario.play(stage);
      await control.switch({});
      const judged = await judge(stage);
      const took = { what: "the whole scenario", value: seconds(performance.now() - started) };
      return {
        scenario: scenario.title,
        figures: [...figures, ...loadFigures(load, memory), took],
        checks: [...checks, ...judged],
      };
    } finally {
      agents.stop();
    }
  } finally {
    memory.stop();
    await control.kill();
  }
}
