/** Every message of both queues is delivered twice and out of order. */

import { equal } from "../checks.ts";
import { workFor } from "../load.ts";
import type { Scenario } from "../stage.ts";

const LOAD_MS = { quick: 15_000, full: 60_000 };
const REST_MS = 60;
/** Each copy of a message waits up to so many seconds. */
const SECONDS = 5;

export const doubled: Scenario = {
  name: "doubled",
  title: "every message twice and out of order",
  cast: (scale) => ({ appenders: 2, signers: 2, pool: 20, agents: scale === "full" ? 20 : 8, listeners: 30 }),
  async play({ scale, control, load }) {
    const fault = { kind: "double", seconds: SECONDS } as const;
    await control.counts();
    await control.switch({ record: fault, sessions: fault });
    await load.run(workFor(LOAD_MS[scale], REST_MS));
    const counts = await control.counts();
    const lanes = (["record", "sessions"] as const).map((lane) => {
      const [sent, arriving] = [counts[`queue.${lane}.sent`] ?? 0, counts[`queue.${lane}.arriving`] ?? 0];
      const what = `the queue of ${lane} doubles`;
      return equal(what, `${sent} sent, ${arriving} delivered`, sent > 0 && arriving === 2 * sent);
    });
    return { figures: [], checks: lanes };
  },
};
