/**
 * The direct call of the authority to the sessions objects is cut, and the Queue alone brings the news; then the other way round. Either path alone
 * suffices. The full run then cuts both, and the shards' own comparison is all that is left.
 */

import { equal, milliseconds, type Check, type Figure } from "../checks.ts";
import { workFor } from "../load.ts";
import type { Scenario, Stage } from "../stage.ts";
import type { Switches } from "../worker/switches.ts";

const LOAD_MS = { quick: 4000, full: 15_000 };
const REST_MS = 150;
/** Milliseconds in which news arrives by the path that is left. */
const BY_ONE_PATH_MS = 20_000;
/** Milliseconds more that agents have to fetch and verify what they have heard of. */
const CATCH_UP_MS = 60_000;
/** The same by the comparison alone, which a shard makes every few minutes. */
const BY_COMPARISON_MS = 8 * 60_000;

const REFUSE = { kind: "refuse" } as const;
const ONE_CUT: readonly (readonly [string, Partial<Switches>])[] = [
  ["the direct call cut", { direct: "cut" }],
  ["the answer of the direct call lost", { direct: "lose" }],
  ["the Queue cut", { sessions: REFUSE, record: REFUSE }],
];
const BOTH_CUT = ["both cut", { direct: "cut", sessions: REFUSE, record: REFUSE }] as const;

/** Changes things under a fault, and waits until every listener has heard of the last change, and every agent has all of it. */
async function phase(
  { scale, control, load, agents, listeners }: Stage,
  [what, faults]: readonly [string, Partial<Switches>],
  mostMs: number,
): Promise<{ readonly figure: Figure; readonly checks: readonly Check[] }> {
  await control.counts();
  await control.switch(faults);
  await load.run(workFor(LOAD_MS[scale], REST_MS));
  const { seq, sentAt } = await load.mark();
  const heard = await listeners.hear(seq, mostMs);
  const { half, all } = listeners.latency(sentAt);
  const counts = await control.counts();
  const [calls, sends] = [counts["direct.failed"] ?? 0, counts["queue.refused"] ?? 0];
  const isCut = (calls > 0 || faults.direct === undefined) && (sends > 0 || faults.sessions === undefined);
  const converged = await agents.converge(control, load.tailnet, CATCH_UP_MS);
  return {
    figure: {
      what: `the last change with ${what}`,
      value: `heard by half after ${milliseconds(half)}, by all after ${milliseconds(all)}`,
    },
    checks: [
      equal(`it was: ${what}`, `${calls} calls failed, ${sends} sends refused`, isCut),
      equal(`news arrives with ${what}`, heard.counts, heard.held),
      equal(`agents follow with ${what}`, converged.counts, converged.held),
    ],
  };
}

export const cut: Scenario = {
  name: "cut",
  title: "the direct call cut, then the Queue cut",
  cast: (scale) => ({ appenders: 2, signers: 2, pool: 20, agents: scale === "full" ? 20 : 8, listeners: 30 }),
  async play(stage) {
    const phases = [];
    for (const each of ONE_CUT) phases.push(await phase(stage, each, BY_ONE_PATH_MS));
    if (stage.scale === "full") phases.push(await phase(stage, BOTH_CUT, BY_COMPARISON_MS));
    return { figures: phases.map(({ figure }) => figure), checks: phases.flatMap(({ checks }) => checks) };
  },
};
