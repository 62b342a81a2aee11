/**
 * SIGKILL to workerd and its parent at random moments through a load of racing writers, and a new start on the same storage each time.
 *
 * What was written stays in the page cache of the machine: this shows that a crash leaves all of an append or none of it, and says nothing of
 * whether the disk has it after a power cut.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { equal, seconds } from "../checks.ts";
import type { Scenario } from "../stage.ts";

const WORK = {
  quick: { appends: 250, signings: 350, joins: 25, restMs: 20, forMs: Infinity },
  full: { appends: 1000, signings: 1000, joins: 100, restMs: 20, forMs: Infinity },
};
/** Milliseconds that a process lives. */
const LIFE_MS = { least: 500, most: 3500 };

export const killed: Scenario = {
  name: "killed",
  title: "SIGKILL at random moments under racing writers",
  cast: (scale) => ({ appenders: 4, signers: 4, pool: 40, agents: scale === "full" ? 30 : 12, listeners: 30 }),
  async play({ scale, control, load }) {
    const work = WORK[scale];
    let isDone = false;
    const loaded = load.run(work).finally(() => {
      isDone = true;
    });
    // A function, since the compiler takes a flag for unchanged where it was asked before.
    const done = (): boolean => isDone;
    let downMs = 0;
    for (;;) {
      await sleep(LIFE_MS.least + Math.random() * (LIFE_MS.most - LIFE_MS.least));
      if (done()) break;
      const killedAt = performance.now();
      await control.kill();
      await control.up();
      downMs += performance.now() - killedAt;
    }
    const took = await loaded;
    const { kills } = control;
    return {
      figures: [{ what: "under load", value: `${seconds(took)}, ${seconds(downMs)} of it down` }],
      checks: [equal("it was killed while it worked", `${kills} times`, kills > 1)],
    };
  },
};
