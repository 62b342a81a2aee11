/**
 * `npm run test:api`: asks a control plane that was started for it, by requests that schemathesis makes of the served OpenAPI document, good ones and bad. It
 * holds where nothing is answered by a 5xx that is a failure, by a status that the document has not, or by a body out of its schema; and where every operation
 * was answered with success at least once, but for those that say why not.
 *
 *   npm run test:api -- --examples N    cases an operation in its random part (default 10)
 *   npm run test:api -- --seed N        another seed (default 1)
 */

import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { writeLocalConfig } from "../../scripts/local-config.mjs";
import { ControlPlane } from "../e2e/control-plane.ts";
import { freePort } from "../support/free-port.ts";
import { configOf } from "./config.ts";
import type { ApiDocument } from "./document.ts";
import { judge, type Report } from "./judge.ts";
import { VARIABLES, makeScene } from "./scene.ts";
import { prepareSchemathesis, schemathesis } from "./schemathesis.ts";

const { values } = parseArgs({
  options: { examples: { type: "string", default: "10" }, seed: { type: "string", default: "1" } },
});

/** Aborted where this process is told to end: then nothing that it has started stays. */
const ended = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => ended.abort());

/** The Worker's configuration without its rate limits: all of this is asked from one place. */
async function configuration(folder: string): Promise<string> {
  const file = join(folder, "wrangler.toml");
  writeLocalConfig(file, { port: await freePort() });
  writeFileSync(file, readFileSync(file, "utf8").replaceAll(/\[\[ratelimits\]\]\n(.+\n)*/g, ""));
  return file;
}

async function fuzz(folder: string): Promise<boolean> {
  const log = join(folder, "worker.log");
  const control = await ControlPlane.start(join(folder, "data"), VARIABLES, {
    log,
    config: await configuration(folder),
  });
  try {
    const pools = await makeScene(control);
    const document = await control.call<ApiDocument>("GET", "/api/v2/openapi.json");
    writeFileSync(join(folder, "schemathesis.toml"), configOf(document, pools, Number(values.seed)));
    const where = new URL("/api/v2/openapi.json", control.url).href;
    const args = ["--config-file", "schemathesis.toml", "run", where, "--max-examples", values.examples];
    const reports = ["--report", "json", "--report-dir", "reports"];
    const code = await schemathesis(folder, [...args, ...reports], control.environment, ended.signal);
    const [report] = readdirSync(join(folder, "reports")).filter((name) => name.endsWith(".json"));
    const text = readFileSync(join(folder, "reports", report ?? "none"), "utf8");
    const isGood = judge(document, JSON.parse(text) as Report) && code === 0;
    if (!isGood)
      console.log(
        readFileSync(log, "utf8")
          .split("\n")
          .filter((line) => line.includes('"error"'))
          .slice(-20)
          .join("\n"),
      );
    return isGood;
  } finally {
    await control.stop();
  }
}

prepareSchemathesis();
const folder = mkdtempSync(join(tmpdir(), "tailward-api-"));
try {
  process.exitCode = (await fuzz(folder)) ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
