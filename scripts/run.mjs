/**
 * Runs one task of this project: `node scripts/run.mjs <task> [arguments]`. The npm scripts call it.
 *
 * Works on a fresh clone and with an old Node (18 or later): it installs what the lock file names if that is not yet there, then runs
 * the task with the Node that the lock file brings, or else with its own if that is new enough. Plain JavaScript, no dependencies.
 */

import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

import { isInstalled } from "./installed.mjs";
import { TASKS } from "./tasks.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const BIN = join(ROOT, "node_modules", ".bin");
/** The first release that runs TypeScript sources without a flag. */
const OLDEST_NODE = [22, 18];

function fail(text) {
  console.error(`tailward: ${text}`);
  process.exit(1);
}

function install() {
  console.error("tailward: installing the locked dependencies (npm ci)");
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  const flags = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
  const done = spawnSync(npm, flags, {
    cwd: ROOT,
    stdio: ["ignore", "inherit", "inherit"],
    shell: process.platform === "win32",
  });
  if (done.status !== 0) fail("npm ci failed: see above");
}

/** The path of a Node that can run the sources. Ends the process if there is none. */
function findNode() {
  const own = join(BIN, "node");
  // Built for glibc: on another C library it is there and does not start.
  if (existsSync(own) && spawnSync(own, ["--version"]).status === 0) return own;
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return process.execPath;
  fail(
    `needs Node ${OLDEST_NODE.join(".")} or later, found ${process.versions.node}: install Node 24 from https://nodejs.org`,
  );
}

function environment() {
  return {
    ...process.env,
    PATH: `${BIN}${delimiter}${process.env.PATH ?? ""}`,
    // A local run asks the internet for nothing.
    CLOUDFLARE_CF_FETCH_ENABLED: "false",
    WRANGLER_SEND_METRICS: "false",
  };
}

/** Calls back when npm's shell is gone: told to end, it dies without passing the signal on. */
function watchParent(onGone) {
  const parent = process.ppid;
  return setInterval(() => {
    if (process.env.npm_lifecycle_event !== undefined && process.ppid !== parent) onGone();
  }, 500);
}

/** Runs one command to its end and gives its exit code. Signals that end this process are passed on first. */
function run(node, [program, ...args]) {
  return new Promise((resolve) => {
    const child = spawn(node, [join(ROOT, program), ...args], { cwd: ROOT, stdio: "inherit", env: environment() });
    const forward = (signal) => {
      // A terminal has already sent its interrupt to the whole foreground group.
      if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
    };
    const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
    for (const signal of signals) process.on(signal, forward);
    const watch = watchParent(() => child.kill("SIGTERM"));
    child.on("error", (error) => fail(`cannot run ${program}: ${error.message}`));
    child.on("exit", (code, signal) => {
      clearInterval(watch);
      for (const name of signals) process.off(name, forward);
      resolve(code ?? 128 + (constants.signals[signal] ?? 0));
    });
  });
}

const [name, ...rest] = process.argv.slice(2);
if (!Object.hasOwn(TASKS, name ?? "")) fail(`tasks are ${Object.keys(TASKS).join(", ")}`);
if (!isInstalled(ROOT)) install();
const node = findNode();
const task = TASKS[name];
for (const [index, command] of task.entries()) {
  const isLast = index === task.length - 1;
  const code = await run(node, isLast ? [...command, ...rest] : command);
  if (code !== 0) process.exit(code);
}
