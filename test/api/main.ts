/**
 * `npm run test:api`: asks a control plane that was started for it, by requests that schemathesis makes of the served OpenAPI document, good ones and bad. It
 * holds where nothing is answered by a 5xx that is a failure, by a status that the document has not, or by a body out of its schema; and where every operation
 * was answered with success at least once, but for those that say why not. The operator asks first; then people of some roles and an OAuth client do, more
 * briefly, and nothing is to answer them with success that the document says is not theirs.
 *
 *   npm run test:api -- --examples N    cases an operation in the operator's random part (default 10)
 *   npm run test:api -- --seed N        another seed (default 1)
 */

import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { writeLocalConfig } from "../../scripts/local-config.mjs";
import { ControlPlane } from "../e2e/control-plane.ts";
import { freePort } from "../support/free-port.ts";
import { askers, type Asker } from "./askers.ts";
import { configOf } from "./config.ts";
import type { ApiDocument } from "./document.ts";
import { judge, summary, type Report, type Verdict } from "./judge.ts";
import { VARIABLES, makeScene, type Pools } from "./scene.ts";
import { prepareSchemathesis, schemathesis } from "./schemathesis.ts";

const { values } = parseArgs({
  options: { examples: { type: "string", default: "10" }, seed: { type: "string", default: "1" } },
});

/** Aborted where this process is told to end: then nothing that it has started stays. */
const ended = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => ended.abort());

interface Place {
  readonly folder: string;
  readonly control: ControlPlane;
  readonly document: ApiDocument;
  readonly pools: Pools;
}

/** The Worker's configuration without its rate limits: all of this is asked from one place. */
async function configuration(folder: string): Promise<string> {
  const file = join(folder, "wrangler.toml");
  writeLocalConfig(file, { port: await freePort() });
  writeFileSync(file, readFileSync(file, "utf8").replaceAll(/\[\[ratelimits\]\]\n(.+\n)*/g, ""));
  return file;
}

/** One asker's run, in a folder of its own. */
async function ask(place: Place, asker: Asker): Promise<Verdict> {
  const { control, document, pools } = place;
  const [tailnet = ""] = pools["tailnet"] ?? [];
  const folder = join(place.folder, asker.name.replaceAll(" ", "-"));
  mkdirSync(folder);
  const credential = (await asker.credential?.(control, tailnet)) ?? null;
  const session = credential?.kind === "session" ? new URL(control.url).origin : null;
  const variable = session === null ? "TAILWARD_TOKEN" : "TAILWARD_COOKIE";
  const environment = { ...control.environment, ...(credential === null ? {} : { [variable]: credential.text }) };
  writeFileSync(join(folder, "schemathesis.toml"), configOf(document, pools, Number(values.seed), session));
  const where = new URL("/api/v2/openapi.json", control.url).href;
  const args = ["--config-file", "schemathesis.toml", "run", where, ...asker.flags];
  const reports = ["--report", "json", "--report-dir", "reports"];
  const code = await schemathesis(folder, [...args, ...reports], environment, ended.signal);
  const [report] = readdirSync(join(folder, "reports")).filter((name) => name.endsWith(".json"));
  const text = readFileSync(join(folder, "reports", report ?? "none"), "utf8");
  const verdict = judge(document, JSON.parse(text) as Report, asker);
  return { ...verdict, isGood: verdict.isGood && code === 0 };
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
    const verdicts: Verdict[] = [];
    for (const asker of askers(values.examples)) verdicts.push(await ask({ folder, control, document, pools }, asker));
    const isGood = verdicts.every((verdict) => verdict.isGood);
    if (!isGood)
      console.log(
        readFileSync(log, "utf8")
          .split("\n")
          .filter((line) => line.includes('"error"'))
          .slice(-20)
          .join("\n"),
      );
    console.log(summary(verdicts));
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
