/**
 * `npm start`: the whole system on this machine, in workerd, with its data in `.wrangler/state`. Makes its secrets and a tailnet on the
 * first run, and prints how to join. Arguments go to `wrangler dev`: `npm start -- --port 9000 --persist-to DIR`; three are our own: `--raw-port`
 * and `--raw-address`, where Tailscale's clients come in without a bridge (the next port after the other, on 127.0.0.1), and `--derp-map FILE|URL|none`,
 * which relays they are told of. Ends on an interrupt and leaves no process behind.
 */

import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { takeAlone } from "./alone.mjs";
import { newControlKey } from "./control-key.mjs";
import { relaysFrom } from "./local-relays.mjs";
import { writeLocalConfig } from "./local-config.mjs";
import { applyMigrations } from "./migrate.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const WRANGLER = "node_modules/wrangler/bin/wrangler.js";
const DEFAULTS = ["--port", "8788", "--show-interactive-dev-session=false"];
const READY = /Ready on (\S+)/;
const GRACE_MS = 3000;
/** Where wrangler looks for the secrets of a local run. Git ignores it. */
const SECRETS = join(ROOT, ".dev.vars");
/** Where the auth key is kept for the commands that are printed: on a command line, every user of the machine could read it. */
const AUTH_KEY = ".wrangler/auth-key";
/** Where `tailward admin` finds this control plane. */
const CONTROL_URL = ".wrangler/control-url";
/** The configuration of this run, made anew each time. */
const CONFIG = join(ROOT, ".wrangler/start.toml");
/** Where wrangler keeps the data where no folder is named. */
const STATE = ".wrangler/state";
const TAILNET = "local.tailward";

/** A secret of that name: made on the first run and kept for the next. It never stands on a command line. */
function secret(name, make) {
  const text = existsSync(SECRETS) ? readFileSync(SECRETS, "utf8") : "";
  const kept = new RegExp(`^${name}="?([^"\\n]+)"?$`, "m").exec(text)?.[1];
  if (kept) return kept;
  const made = make();
  const before = text === "" || text.endsWith("\n") ? "" : "\n";
  writeFileSync(SECRETS, `${before}${name}="${made}"\n`, { mode: 0o600, flag: "a" });
  return made;
}

async function post(url, path, body) {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const response = await fetch(new URL(path, url), { method: "POST", headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
  return response.json();
}

/** Keeps a line in a file, for its owner alone. */
function keep(file, line) {
  const path = join(ROOT, file);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  // A file that is there keeps its mode when it is written over.
  rmSync(path, { force: true });
  writeFileSync(path, `${line}\n`, { mode: 0o600, flag: "wx" });
}

/** Prints what a newcomer does next. The auth key is for many nodes, for a day. */
async function welcome(url) {
  const { id } = await post(url, "/api/v2/tailnets", { name: TAILNET });
  const create = { reusable: true, ephemeral: false, preauthorized: true, tags: [] };
  const { key } = await post(url, `/api/v2/tailnet/${id}/keys`, {
    capabilities: { devices: { create } },
    expirySeconds: 24 * 60 * 60,
    description: "npm start",
  });
  const { url: link } = await post(url, `/api/v2/tailnet/${id}/sign-in-links`, {});
  keep(AUTH_KEY, key);
  keep(CONTROL_URL, url);
  const alice = "tailward --state-dir .wrangler/nodes/alice";
  console.log(`
tailward is up at ${url}, with the tailnet ${TAILNET} (${id}).

In this folder, in every terminal that you use, first:
  tailward() { npm --silent run tailward -- "$@"; }

Join it, each node with a state directory of its own, each in a terminal of its own:
  ${alice} agent --url ${url} --auth-key file:${AUTH_KEY} --hostname alice
Then look at its lock, and turn it on (README.md goes on from here):
  ${alice} lock

Or join it with Tailscale's own client, on this machine:
  tailscale up --login-server http://${raw.address}:${raw.port} --auth-key file:${join(ROOT, AUTH_KEY)}
(from elsewhere, and for a control plane on Cloudflare: docs/native-clients.md)
${relays.said}

Sign in as its owner, in a browser on this machine; the link is good once, for ten minutes (another: tailward admin sign-in-link):
  ${link}

See and change what there is as its admin:
  tailward admin device list
  tailward admin --help

The admin API takes the owner's token, which is in .dev.vars. To see the whole story played: npm run demo`);
}

/**
 * Under which address people see the pages, whichever port a node came in by: a browser signs in to one host. Left to the caller where others than this
 * machine are to come.
 */
function publicUrl(given) {
  const isOpen = raw.address !== "127.0.0.1" || valueOf(given, "--ip") !== null;
  if (isOpen || /^PUBLIC_URL=/m.test(readFileSync(SECRETS, "utf8"))) return [];
  return ["--var", `PUBLIC_URL:http://localhost:${valueOf(given, "--port") ?? DEFAULTS[1]}`];
}

/** Wrangler refuses a flag given twice, so the default port gives way to the caller's. */
function flagsWith(given) {
  const defaults = valueOf(given, "--port") === null ? DEFAULTS : DEFAULTS.slice(2);
  const data = valueOf(given, "--persist-to") === null ? ["--persist-to", join(ROOT, STATE)] : [];
  return ["--config", CONFIG, "--env-file", SECRETS, ...defaults, ...data, ...publicUrl(given), ...given];
}

/** The value of a flag among arguments, or null. */
function valueOf(given, flag) {
  const at = given.findIndex((each) => each === flag || each.startsWith(`${flag}=`));
  if (at < 0) return null;
  return given[at].includes("=") ? given[at].slice(flag.length + 1) : (given[at + 1] ?? null);
}

/** Takes our own flag out of the arguments, and gives its value. */
function takeOwn(given, flag, otherwise) {
  const value = valueOf(given, flag);
  if (value === null) return otherwise;
  const at = given.findIndex((each) => each === flag || each.startsWith(`${flag}=`));
  given.splice(at, given[at] === flag ? 2 : 1);
  return value;
}

/** Two at once on the same data would be two writers of every object. */
function takeData(folder) {
  try {
    process.on("exit", takeAlone(resolve(ROOT, folder ?? STATE)));
  } catch (error) {
    console.error(`tailward: ${error.message}`);
    process.exit(1);
  }
}

/** Where relays come from, as `--derp-map` says. */
function readRelays(flag) {
  try {
    return relaysFrom(flag, existsSync(SECRETS) ? readFileSync(SECRETS, "utf8") : "");
  } catch (error) {
    console.error(`tailward: ${error.message}`);
    process.exit(1);
  }
}

const given = process.argv.slice(2);
const raw = {
  port: takeOwn(given, "--raw-port", Number(valueOf(given, "--port") ?? DEFAULTS[1]) + 1),
  address: takeOwn(given, "--raw-address", "127.0.0.1"),
};
const folder = valueOf(given, "--persist-to");
const relays = readRelays(takeOwn(given, "--derp-map", null));
takeData(folder);
const token = secret("OWNER_TOKEN", () => randomBytes(24).toString("base64url"));
// By which Tailscale's clients know this control plane: a new one would lock out those that have joined.
secret("CONTROL_NOISE_KEY", newControlKey);
// Which seals the secrets of webhooks and log streams.
secret("STORAGE_KEY", () => `storagekey:${randomBytes(32).toString("hex")}`);
await applyMigrations(folder);
writeLocalConfig(CONFIG, raw, null, relays);

// A group of its own: workerd outlives wrangler unless the group is told.
const child = spawn(process.execPath, [WRANGLER, "dev", ...flagsWith(given)], {
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
let isReady = false;
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
  if (!ready || isReady) return;
  isReady = true;
  welcome(ready[1]).catch((/** @type {unknown} */ error) => {
    console.error(`tailward: the start failed: ${String(error)}`);
    stop();
  });
});
child.on("exit", (code) => {
  killGroup("SIGKILL");
  process.exit(isStopping ? 0 : (code ?? 1));
});
