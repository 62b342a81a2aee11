/** schemathesis, in a virtual environment beside this file that git ignores: made once, and anew where its requirements have changed. */

import { execFileSync, spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const VENV = join(HERE, ".venv");
const BIN = join(VENV, process.platform === "win32" ? "Scripts" : "bin");
const REQUIREMENTS = join(HERE, "requirements.txt");
/** What is installed there, once all of it is. */
const STAMP = join(VENV, "installed.txt");

function run(command: string, args: readonly string[]): void {
  execFileSync(command, args, { stdio: ["ignore", "inherit", "inherit"] });
}

/** Installs what is missing. */
export function prepareSchemathesis(): void {
  const wanted = readFileSync(REQUIREMENTS, "utf8");
  if (existsSync(STAMP) && readFileSync(STAMP, "utf8") === wanted) return;
  console.log("api: installing schemathesis from PyPI into test/api/.venv (once)");
  rmSync(VENV, { recursive: true, force: true });
  run("python3", ["-m", "venv", VENV]);
  run(join(BIN, "python"), ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", REQUIREMENTS]);
  writeFileSync(STAMP, wanted);
}

/** Runs it in that folder, and gives its exit code; `signal` ends it. What it prints goes to this process's output. */
export function schemathesis(
  folder: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<number> {
  const env = { ...process.env, NO_COLOR: "1", ...environment };
  return new Promise((resolve, reject) => {
    const child = spawn(join(BIN, "st"), args, { cwd: folder, env, signal, stdio: ["ignore", "inherit", "inherit"] });
    child.once("error", reject);
    child.once("close", (code) => resolve(code ?? 1));
  });
}
