// Builds the load program, and Tailscale's control server for tests beside it, into .bin with the system's Go. Does nothing where both are newer
// than their sources. Plain JavaScript, as test/interop/build.mjs is.

import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const PROGRAMS = ["load", "yardstick"];

/** The path of a built program: `load` or `yardstick`. */
export function programPath(name) {
  return join(here, ".bin", name);
}

function isStale(name) {
  const binary = programPath(name);
  if (!existsSync(binary)) return true;
  const builtAt = statSync(binary).mtimeMs;
  const sources = readdirSync(join(here, name)).map((file) => join(name, file));
  return ["go.mod", "go.sum", ...sources].some((input) => statSync(join(here, input)).mtimeMs > builtAt);
}

/** Builds what is missing or old of these. Throws with what Go said where that fails. */
export function buildPrograms(names = PROGRAMS) {
  const due = names.filter(isStale);
  if (due.length === 0) return;
  console.error(`bench: building ${due.join(" and ")} with Go (about a minute the first time)`);
  const env = { ...process.env, GOTOOLCHAIN: "local", GOFLAGS: "-mod=mod", GOWORK: "off", CGO_ENABLED: "0" };
  for (const name of due) {
    const args = ["build", "-trimpath", "-buildvcs=false", "-o", programPath(name), `./${name}`];
    const { status, stderr, error } = spawnSync("go", args, { cwd: here, env, encoding: "utf8" });
    if (error?.code === "ENOENT") throw new Error("bench: needs Go 1.26.6 or later in the path");
    if (status !== 0) throw new Error(`bench: ${name} does not build:\n${stderr || String(error)}`);
  }
}
