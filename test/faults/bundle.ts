/** Bundles the Worker with its faults, as wrangler bundles the product, and gives what Miniflare needs to run it. */

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { unstable_getMiniflareWorkerOptions } from "wrangler";
import { newControlKey } from "../../scripts/control-key.mjs";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const WRANGLER = join(ROOT, "node_modules/wrangler/bin/wrangler.js");
const ENTRY = join(ROOT, "test/faults/worker/index.ts");

/** Writes the bundle into `folder`. Throws where wrangler fails. */
export function bundleInto(folder: string): void {
  const args = [WRANGLER, "deploy", ENTRY, "--dry-run", "--outdir", folder, "--config", join(ROOT, "wrangler.toml")];
  const env = { ...process.env, WRANGLER_HIDE_BANNER: "true", WRANGLER_SEND_METRICS: "false", FORCE_COLOR: "0" };
  const done = spawnSync(process.execPath, args, { cwd: ROOT, encoding: "utf8", env });
  if (done.status !== 0) throw new Error(`wrangler cannot bundle the faulty Worker:\n${done.stdout}${done.stderr}`);
}

interface Module {
  readonly type: "ESModule" | "CompiledWasm";
  readonly path: string;
}

/** The modules of a bundle, the entry first. */
function modulesIn(folder: string): Module[] {
  const names = readdirSync(folder);
  const wasm = names.filter((name) => name.endsWith(".wasm"));
  return [
    { type: "ESModule", path: join(folder, "index.js") },
    ...wasm.map((name) => ({ type: "CompiledWasm", path: join(folder, name) }) as const),
  ];
}

/** What Miniflare needs to run a bundle. Names of D1's bindings stand beside it. */
export interface BundledWorker {
  readonly options: object;
  readonly databases: readonly string[];
}

/** The bundle with the bindings that wrangler.toml gives the product. */
export function bundledWorker(folder: string, ownerToken: string): BundledWorker {
  const { workerOptions } = unstable_getMiniflareWorkerOptions(join(ROOT, "wrangler.toml"));
  const { bindings = {}, d1Databases = {} } = workerOptions as { bindings?: object; d1Databases?: object };
  const options = {
    ...workerOptions,
    name: "tailward",
    rootPath: folder,
    modulesRoot: folder,
    modules: modulesIn(folder),
    bindings: { ...bindings, OWNER_TOKEN: ownerToken, CONTROL_NOISE_KEY: newControlKey(), DERP_MAP_URL: "" },
  };
  return { options, databases: Object.keys(d1Databases) };
}

/** A migration of D1, by its file's name, and its statements in order. */
export interface Migration {
  readonly name: string;
  readonly statements: readonly string[];
}

/** D1's migrations as drizzle-kit has written them. */
export function d1Migrations(): Migration[] {
  const folder = join(ROOT, "migrations");
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).filter((name) => name.endsWith(".sql"));
  return files.sort().map((name) => ({
    name,
    statements: readFileSync(join(folder, name), "utf8")
      .split("--> statement-breakpoint")
      .map((statement) => statement.trim())
      .filter((statement) => statement !== ""),
  }));
}
