/** A Worker as it would be uploaded: wrangler's own bundle. */

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { ROOT } from "../root.ts";

const WRANGLER = "node_modules/wrangler/bin/wrangler.js";

type ModuleType = "esm" | "wasm" | "text" | "data";

export interface Bundle {
  readonly mainModule: string;
  readonly modules: Record<string, { readonly type: ModuleType; readonly contents: string | Uint8Array<ArrayBuffer> }>;
}

const TYPES: Readonly<Record<string, ModuleType>> = { ".js": "esm", ".wasm": "wasm", ".sql": "text", ".txt": "text" };

function readModules(folder: string): Bundle["modules"] {
  const named = readdirSync(folder).flatMap((name) => {
    const type = TYPES[extname(name)];
    if (type === undefined) return [];
    const contents = readFileSync(join(folder, name));
    return [[name, { type, contents: type === "wasm" ? Uint8Array.from(contents) : contents.toString() }] as const];
  });
  return Object.fromEntries(named);
}

/** Bundles the Worker of that wrangler.toml, or another entry with its settings; both are paths from the root. Asks the internet for nothing. */
export function bundle(config: string, entry?: string): Bundle {
  const folder = mkdtempSync(join(tmpdir(), "tailward-bundle-"));
  try {
    const deploy = [
      "deploy",
      ...(entry === undefined ? [] : [entry]),
      "--config",
      config,
      "--dry-run",
      "--outdir",
      folder,
    ];
    const env = { ...process.env, CLOUDFLARE_CF_FETCH_ENABLED: "false", WRANGLER_SEND_METRICS: "false" };
    const done = spawnSync(process.execPath, [WRANGLER, ...deploy], { cwd: ROOT, env, encoding: "utf8" });
    if (done.status !== 0) throw new Error(`bench: ${entry ?? config} cannot be bundled: ${done.stdout}${done.stderr}`);
    const modules = readModules(folder);
    const main = Object.keys(modules).find((name) => name.endsWith(".js"));
    if (main === undefined) throw new Error(`bench: the bundle of ${entry ?? config} has no module`);
    return { mainModule: main, modules };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
