/**
 * Messages of both queues are dropped, though the sender was told that they were taken. The quick run ends the fault with the load; the full one
 * goes on dropping until all has arrived.
 */

import { equal, seconds } from "../checks.ts";
import { drained } from "../judge-record.ts";
import { workFor } from "../load.ts";
import type { Scenario } from "../stage.ts";

const LOAD_MS = { quick: 10_000, full: 30_000 };
const REST_MS = 60;
const SHARE = 0.5;
/** Milliseconds in which all arrives though half of it is dropped, again and again. */
const MOST_MS = 15 * 60_000;

export const dropped: Scenario = {
  name: "dropped",
  title: "half of all messages dropped",
  cast: (scale) => ({ appenders: 2, signers: 2, pool: 20, agents: scale === "full" ? 20 : 8, listeners: 30 }),
  async play({ scale, control, load }) {
    const fault = { kind: "drop", share: SHARE } as const;
    await control.counts();
    await control.switch({ record: fault, sessions: fault });
    await load.run(workFor(LOAD_MS[scale], REST_MS));
    const took = scale === "full" ? await drained(control, load.tailnet, MOST_MS) : null;
    const counts = await control.counts();
    const lanes = (["record", "sessions"] as const).map((lane) => {
      const [sent, arriving] = [counts[`queue.${lane}.sent`] ?? 0, counts[`queue.${lane}.arriving`] ?? 0];
      return equal(`the queue of ${lane} drops`, `${sent} sent, ${sent - arriving} dropped`, arriving < sent);
    });
    const alone = equal(
      "all arrives while half is dropped",
      took === null ? "not in time" : seconds(took),
      took !== null,
    );
    return { figures: [], checks: scale === "full" ? [...lanes, alone] : lanes };
  },
};
