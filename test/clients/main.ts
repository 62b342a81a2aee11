/**
 * `npm run test:clients`: plays with the real, unmodified `tailscale` and `tailscaled` against the Worker, and prints what held with which version.
 *
 *   npm run test:clients -- --only WORDS     the plays whose title has these words
 *   npm run test:clients -- --column WORDS   only in the columns whose title has these words
 *   npm run test:clients -- --userspace      without namespaces and TUN, as where there are none
 *   npm run test:clients -- --at-once N      runs at once
 *   npm run test:clients -- --verbose        the transcript of every run, not only of those that fail
 *
 * This process builds what is missing, and starts the plays in namespaces of their own: for processes, so that nothing outlives them; for mounts and
 * the network, so that the machine is left as it was.
 */

import { spawn, type ChildProcess } from "node:child_process";
import { accessSync, constants, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { prepareBrowser } from "./browser-build.ts";
import { BuildFailed, buildAll } from "./build.ts";
import type { Mode } from "./network.ts";
import { RELEASES } from "./versions.ts";

const FOLDER = "tailward-clients-";
const GRACE_MS = 3000;
const INSIDE = fileURLToPath(new URL("inside.ts", import.meta.url));
const NAMESPACES = [
  "--net",
  "--mount",
  "--pid",
  "--fork",
  "--mount-proc",
  "--kill-child=SIGKILL",
  "--propagation=private",
];

/** Why there can be no namespaces with a TUN here; null where there can. */
function whyNoNamespaces(): string | null {
  if (process.platform !== "linux") return "this is not Linux";
  if (process.getuid?.() !== 0) return "this user is not root";
  try {
    accessSync("/dev/net/tun", constants.R_OK | constants.W_OK);
    return null;
  } catch {
    return "/dev/net/tun is missing";
  }
}

function chooseMode(wantsUserspace: boolean): Mode {
  const why = wantsUserspace ? "it was asked for" : whyNoNamespaces();
  if (why === null) return "namespaces";
  console.log(
    `clients: userspace networking, since ${why}: all clients on this machine's loopback, none with a kernel TUN`,
  );
  return "userspace";
}

function startInside(mode: Mode, folder: string, args: readonly string[]): ChildProcess {
  const own = [process.execPath, INSIDE, mode, folder, ...args];
  const [program = "", ...rest] = mode === "namespaces" ? ["unshare", ...NAMESPACES, ...own] : own;
  // Its standard input is ours: where this process is gone, that ends, and so does the other.
  return spawn(program, rest, { stdio: ["pipe", "inherit", "inherit"], detached: true });
}

function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Removes the folders of earlier runs that were killed. */
function removeLeftovers(temporary: string): void {
  for (const name of readdirSync(temporary)) {
    const pid = name.startsWith(FOLDER) ? Number(name.slice(FOLDER.length).split("-")[0]) : Number.NaN;
    if (Number.isInteger(pid) && pid > 0 && !isAlive(pid))
      rmSync(join(temporary, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

const args = process.argv.slice(2);
const { values } = parseArgs({
  args,
  strict: false,
  options: { userspace: { type: "boolean", default: false } },
});
const mode = chooseMode(values.userspace === true);
const releases = RELEASES.filter(({ hasNetstack }) => mode === "namespaces" || hasNetstack);
try {
  const say = (text: string): void => console.log(`clients: ${text}`);
  buildAll(releases, say);
  prepareBrowser(say);
} catch (error) {
  if (!(error instanceof BuildFailed)) throw error;
  console.error(`clients: ${error.message}`);
  process.exit(1);
}
const temporary = tmpdir().length > 40 ? "/tmp" : tmpdir();
removeLeftovers(temporary);
const folder = mkdtempSync(join(temporary, `${FOLDER}${process.pid}-`));
const inside = startInside(mode, folder, args);
process.once("exit", () => {
  killGroup(inside);
  rmSync(folder, { recursive: true, force: true });
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.once(signal, () => {
    // It ends with its standard input, and has a moment to end what it has started: without namespaces nothing else does.
    inside.stdin?.end();
    setTimeout(() => process.exit(1), GRACE_MS);
  });
inside.once("exit", (code) => process.exit(code ?? 1));
