/**
 * `npm start`: the whole system on this machine, with its objects, database and queue in workerd and their data in `.wrangler/state`.
 * Arguments go to `wrangler dev`: `npm start -- --port 9000 --persist-to DIR`. Ends on an interrupt and leaves no process behind.
 */

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const WRANGLER = "node_modules/wrangler/bin/wrangler.js";
const DEFAULTS = ["--port", "8788", "--show-interactive-dev-session=false"];
const READY = /Ready on (\S+)/;
const GRACE_MS = 3000;

/** Wrangler refuses a flag given twice, so the default port gives way to the caller's. */
function flagsWith(given) {
  return given.some((flag) => /^--port(?:=|$)/.test(flag)) ? [...DEFAULTS.slice(2), ...given] : [...DEFAULTS, ...given];
}

// A group of its own: workerd outlives wrangler unless the group is told.
const child = spawn(process.execPath, [WRANGLER, "dev", ...flagsWith(process.argv.slice(2))], {
  cwd: ROOT,
  detached: true,
  stdio: ["ignore", "pipe", "pipe"],
  env: { ...process.env, WRANGLER_HIDE_BANNER: "true", FORCE_COLOR: "0" },
});

function killGroup(signal) {
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
  }
}

let isStopping = false;
function stop() {
  if (isStopping) return;
  isStopping = true;
  killGroup("SIGTERM");
  setTimeout(() => killGroup("SIGKILL"), GRACE_MS).unref();
}
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, stop);

child.stderr.pipe(process.stderr);
child.stdout.on("data", (chunk) => {
  process.stdout.write(chunk);
  const ready = READY.exec(String(chunk));
  if (ready) console.log(`tailward is up at ${ready[1]}`);
});
child.on("exit", (code) => {
  killGroup("SIGKILL");
  process.exit(isStopping ? 0 : (code ?? 1));
});
