/** The control plane as a newcomer starts it, in workerd, with its data in a folder that goes away; and its admin API. */

import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { appendFileSync } from "node:fs";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { freePort } from "../support/free-port.ts";
import { newControlKey } from "../../scripts/control-key.mjs";
import { applyMigrations } from "../../scripts/migrate.mjs";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const WRANGLER = "node_modules/wrangler/bin/wrangler.js";
const READY = /Ready on (\S+)/;
const START_MS = 90_000;
const GRACE_MS = 3000;

export interface Tailnet {
  readonly id: string;
  readonly name: string;
}

/** Bytes in base64. */
export interface LockExport {
  /** The chain, from the genesis on. */
  readonly aums: readonly string[];
  readonly nodes: readonly { readonly nodeKey: string; readonly signature: string }[];
}

/** How the Worker is started; each has a default. */
export interface Start {
  /** Another configuration than wrangler.toml. */
  readonly config?: string;
  /** A file for all that it prints. */
  readonly log?: string;
}

export class ControlPlane {
  readonly url: string;
  readonly #token: string;
  readonly #spawn: () => Promise<Started>;
  #child: ChildProcess;

  private constructor({ url, child }: Started, token: string, spawnAgain: () => Promise<Started>) {
    this.url = url;
    this.#child = child;
    this.#token = token;
    this.#spawn = spawnAgain;
  }

  /** Starts the Worker with its data under `folder`, and with these variables. Never asks the internet. */
  static async start(
    folder: string,
    variables: Readonly<Record<string, string>> = {},
    { config, log }: Start = {},
  ): Promise<ControlPlane> {
    await applyMigrations(folder);
    const token = randomBytes(24).toString("base64url");
    const [port, inspector] = [await freePort(), await freePort()];
    const place = ["--port", String(port), "--inspector-port", String(inspector), "--persist-to", folder];
    const keys = { CONTROL_NOISE_KEY: newControlKey(), STORAGE_KEY: `storagekey:${randomBytes(32).toString("hex")}` };
    const own = { OWNER_TOKEN: token, ...keys, DERP_MAP_URL: "" };
    const given = Object.entries({ ...own, ...variables }).flatMap(([name, value]) => ["--var", `${name}:${value}`]);
    const args = ["dev", ...(config === undefined ? [] : ["--config", config]), ...place, ...given];
    const spawnIt = (): Promise<Started> => startWorker(args, log ?? null);
    return new ControlPlane(await spawnIt(), token, spawnIt);
  }

  /** Where it is and the owner's token, as the command line reads them. */
  get environment(): Readonly<Record<string, string>> {
    return { TAILWARD_URL: this.url, TAILWARD_TOKEN: this.#token };
  }

  /** Asks the admin API, as the operator or by another token. A body that is a text is sent as it is. Throws where it refuses. */
  async call<T>(method: string, path: string, body?: object | string, token?: string): Promise<T> {
    return JSON.parse(await this.text(method, path, body, token)) as T;
  }

  /** The same for an answer that is not JSON, or is more than one. */
  async text(method: string, path: string, body?: object | string, token = this.#token): Promise<string> {
    const response = await fetch(new URL(path, this.url), {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
    return text;
  }

  createTailnet(name: string): Promise<Tailnet> {
    return this.call("POST", "/api/v2/tailnets", { name });
  }

  /** An auth key for any number of nodes, for an hour. */
  async createAuthKey({ id }: Tailnet): Promise<string> {
    const create = { reusable: true, ephemeral: false, preauthorized: true, tags: [] };
    const { key } = await this.call<{ key: string }>("POST", `/api/v2/tailnet/${id}/keys`, {
      capabilities: { devices: { create } },
      expirySeconds: 3600,
      description: "demo",
    });
    return key;
  }

  /** The chain and the signatures, as the tailnet's object holds them. */
  exportLock({ id }: Tailnet): Promise<LockExport> {
    return this.call("GET", `/api/v2/tailnet/${id}/lock/export`);
  }

  /** Lets the node in that waits at this address. */
  async approveLogin({ id }: Tailnet, url: string): Promise<void> {
    await this.call("POST", `/api/v2/tailnet/${id}/logins/${url.split("/").at(-1) ?? ""}/approve`);
  }

  /** Ends a node's key; `stableId` is its own. */
  async expireKey(stableId: string): Promise<void> {
    await this.call("POST", `/api/v2/device/${stableId}/expire`);
  }

  /** Removes a node from its tailnet. */
  async removeNode(stableId: string): Promise<void> {
    await this.call("DELETE", `/api/v2/device/${stableId}`);
  }

  /** Ends it as a crash would, and starts it again at the same address with the same data. */
  async crashAndRestart(): Promise<void> {
    const ended = new Promise<void>((resolve) => {
      this.#child.once("exit", () => resolve());
    });
    killGroup(this.#child, "SIGKILL");
    await ended;
    await untilFree(Number(new URL(this.url).port));
    this.#child = (await this.#spawn()).child;
  }

  /** Ends it, and whatever it started. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => {
      this.#child.once("exit", () => resolve());
    });
    killGroup(this.#child, "SIGTERM");
    const late = setTimeout(() => killGroup(this.#child, "SIGKILL"), GRACE_MS);
    await ended;
    clearTimeout(late);
    killGroup(this.#child, "SIGKILL");
  }
}

/** None outlives this process. */
const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) killGroup(child, "SIGKILL");
});

interface Started {
  readonly url: string;
  readonly child: ChildProcess;
}

async function startWorker(args: readonly string[], log: string | null): Promise<Started> {
  const child = spawn(process.execPath, [WRANGLER, ...args, "--show-interactive-dev-session=false"], {
    cwd: ROOT,
    // A group of its own: workerd outlives wrangler unless the group is told.
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      CLOUDFLARE_CF_FETCH_ENABLED: "false",
      WRANGLER_SEND_METRICS: "false",
      WRANGLER_HIDE_BANNER: "true",
      FORCE_COLOR: "0",
    },
  });
  running.add(child);
  child.once("exit", () => running.delete(child));
  if (log !== null)
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text: Buffer) => appendFileSync(log, text));
  const url = await readyUrl(child).catch((error: unknown) => {
    killGroup(child, "SIGKILL");
    throw error;
  });
  return { url, child };
}

/** Waits until nobody listens at the port any more: workerd dies after wrangler. */
async function untilFree(port: number): Promise<void> {
  const isFree = (): Promise<boolean> =>
    new Promise((resolve) => {
      const socket = connect(port, "127.0.0.1");
      socket.once("connect", () => {
        socket.destroy();
        resolve(false);
      });
      socket.once("error", () => resolve(true));
    });
  while (!(await isFree())) await sleep(50);
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function readyUrl(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let printed = "";
    const fail = (why: string): void => reject(new Error(`the control plane ${why}:\n${printed.slice(-4000)}`));
    const late = setTimeout(() => fail(`was not ready after ${START_MS / 1000} s`), START_MS);
    const read = (chunk: Buffer): void => {
      // The last lines are enough to say why it failed.
      printed = (printed + chunk.toString()).slice(-16_000);
      const url = READY.exec(printed)?.[1];
      if (url === undefined) return;
      clearTimeout(late);
      resolve(url);
    };
    child.stdout?.on("data", read);
    child.stderr?.on("data", read);
    child.once("error", (error) => fail(error.message));
    child.once("exit", (code) => fail(`ended with ${String(code)}`));
  });
}
