/**
 * Builds what is played with, each once, into `test/clients/.cache`: the clients by `go install`, and the helper. What is there is not built
 * again. One build at a time: each takes all cores.
 */

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildPrograms } from "../bench/control/build.mjs";
import { goEnvironment } from "../interop/build.mjs";
import { RELEASES, type Release } from "./versions.ts";

const HERE = fileURLToPath(new URL(".", import.meta.url));
/** What is built is kept here. */
export const CACHE = join(HERE, ".cache");
const HELPER_SOURCES = join(HERE, "helper");

export const HELPER = join(CACHE, "helper");

export interface Programs {
  readonly tailscale: string;
  readonly tailscaled: string;
}

export function programsOf(version: string): Programs {
  return { tailscale: join(CACHE, version, "tailscale"), tailscaled: join(CACHE, version, "tailscaled") };
}

export class BuildFailed extends Error {
  override readonly name = "BuildFailed";
}

/** Runs `go`. Throws `BuildFailed`. */
export function go(args: readonly string[], env: NodeJS.ProcessEnv, cwd: string): void {
  const { status, error, stderr } = spawnSync("go", args, { cwd, env, encoding: "utf8", maxBuffer: 1 << 26 });
  if (error !== undefined) throw new BuildFailed(`go does not run: ${error.message}`);
  if (status !== 0) throw new BuildFailed(`go ${args.join(" ")} failed:\n${stderr.slice(-4000)}`);
}

/** Into a folder of its own first, so that a build that was cut off does not look whole. */
function buildRelease({ version, tags, go: wanted }: Release): void {
  const made = join(CACHE, `${version}.part`);
  rmSync(made, { recursive: true, force: true });
  const base = wanted === "newest" ? goEnvironment() : process.env;
  const env = { ...base, GOTOOLCHAIN: "local", GOFLAGS: "", GOWORK: "off", CGO_ENABLED: "0", GOBIN: made };
  const modules = ["tailscale", "tailscaled"].map((name) => `tailscale.com/cmd/${name}@${version}`);
  go(["install", "-trimpath", ...(tags.length > 0 ? [`-tags=${tags.join(",")}`] : []), ...modules], env, HERE);
  rmSync(join(CACHE, version), { recursive: true, force: true });
  renameSync(made, join(CACHE, version));
}

function isHelperStale(): boolean {
  if (!existsSync(HELPER)) return true;
  const builtAt = statSync(HELPER).mtimeMs;
  return readdirSync(HELPER_SOURCES).some((name) => statSync(join(HELPER_SOURCES, name)).mtimeMs > builtAt);
}

function buildHelper(): void {
  const env = { ...process.env, GOTOOLCHAIN: "local", GOFLAGS: "-mod=mod", GOWORK: "off", CGO_ENABLED: "0" };
  go(["build", "-trimpath", "-buildvcs=false", "-o", HELPER, "."], env, HELPER_SOURCES);
}

function buildLoad(): void {
  try {
    buildPrograms(["load"]);
  } catch (error) {
    throw new BuildFailed(String(error));
  }
}

/** Tells of a build that was made, and how long it took. */
export type Say = (text: string) => void;

/** Runs one build. */
export function timed(what: string, build: () => void, say: Say): void {
  const started = performance.now();
  build();
  say(`built ${what} in ${Math.round((performance.now() - started) / 1000)} s`);
}

/** Builds what is missing, of these releases and the helper. Throws `BuildFailed`. */
export function buildAll(releases: readonly Release[], say: Say): void {
  mkdirSync(CACHE, { recursive: true });
  if (isHelperStale()) timed("the helper", buildHelper, say);
  buildLoad();
  for (const release of releases) {
    const { tailscale, tailscaled } = programsOf(release.version);
    if (existsSync(tailscale) && existsSync(tailscaled)) continue;
    timed(`Tailscale ${release.version}`, () => buildRelease(release), say);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) buildAll(RELEASES, console.log);
