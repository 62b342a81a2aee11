/** A thread that runs one job of the fuzzer and reports to main.ts. */

import { parentPort, workerData } from "node:worker_threads";

import { Job, type JobReport, type JobSettings } from "./run.ts";

export type ThreadMessage =
  | { readonly is: "progress"; readonly cases: number }
  | { readonly is: "done"; readonly report: JobReport }
  | { readonly is: "failed"; readonly why: string };

const port = parentPort;
if (port === null) throw new Error("run test/interop/fuzz/main.ts");
let stop = false;
port.on("message", () => (stop = true));
const say = (message: ThreadMessage): void => port.postMessage(message);
try {
  const report = await new Job(workerData as JobSettings).run(
    (cases) => say({ is: "progress", cases }),
    () => stop,
  );
  say({ is: "done", report });
} catch (error) {
  say({ is: "failed", why: error instanceof Error ? (error.stack ?? error.message) : String(error) });
}
port.close();
