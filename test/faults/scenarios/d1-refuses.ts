/** D1 refuses everything, then does what it is asked and loses the answer, for a minute in all, under load. */

import { equal } from "../checks.ts";
import { workFor } from "../load.ts";
import type { Scenario } from "../stage.ts";

const FAULT_MS = { quick: 20_000, full: 60_000 };
const REST_MS = 60;

export const d1Refuses: Scenario = {
  name: "d1-refuses",
  title: "D1 refuses under load",
  cast: (scale) => ({ appenders: 2, signers: 2, pool: 20, agents: scale === "full" ? 20 : 8, listeners: 30 }),
  async play({ scale, control, load }) {
    const half = FAULT_MS[scale] / 2;
    await control.counts();
    await control.switch({ d1: "refuse" });
    await load.run(workFor(half, REST_MS));
    await control.switch({ d1: "lose" });
    await load.run(workFor(half, REST_MS));
    const counts = await control.counts();
    const [sent, asked] = [counts["queue.record.sent"] ?? 0, counts["D1.batch"] ?? 0];
    return {
      figures: [{ what: "D1 did not answer", value: `for ${(2 * half) / 1000} s, ${asked} batches` }],
      checks: [
        equal("D1 was asked meanwhile", `${sent} messages of the record, ${asked} batches`, sent > 0 && asked > 0),
        equal("nobody waits for D1", `${load.ledger.lost} answers lost`, load.ledger.lost === 0),
      ],
    };
  },
};
