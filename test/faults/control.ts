/**
 * The control plane under test: a process group that is started, killed and started again over the same storage and at the same URL; its admin
 * API; and the routes by which faults are switched.
 */

import { fork, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../support/free-port.ts";
import { bundleInto, bundledWorker, d1Migrations } from "./bundle.ts";
import type { HostOptions } from "./control-host.ts";
import type { Switches } from "./worker/switches.ts";

const HOST = new URL("control-host.ts", import.meta.url);
const START_MS = 60_000;
/** Tries to take up the port that a killed process has just had. */
const STARTS = 5;

export type Row = Readonly<Record<string, string | number | null>>;

export class Control {
  readonly url: URL;
  readonly #options: HostOptions;
  readonly #ownerToken: string;
  #child: ChildProcess | null = null;
  kills = 0;

  private constructor(options: HostOptions, ownerToken: string) {
    this.#options = options;
    this.#ownerToken = ownerToken;
    this.url = new URL(`http://127.0.0.1:${options.port}`);
  }

  /** Starts the Worker with its data under `folder`. */
  static async start(folder: string): Promise<Control> {
    const bundle = join(folder, "bundle");
    mkdirSync(bundle, { recursive: true });
    bundleInto(bundle);
    const ownerToken = randomBytes(24).toString("base64url");
    const options = {
      port: await freePort(),
      inspectorPort: await freePort(),
      state: join(folder, "state"),
      worker: bundledWorker(bundle, ownerToken),
      migrations: d1Migrations(),
      log: join(folder, "control.log"),
    };
    const control = new Control(options, ownerToken);
    process.once("exit", () => control.#signal("SIGKILL"));
    await control.up();
    return control;
  }

  /** Starts it again. */
  async up(): Promise<void> {
    for (let left = STARTS; ; left--) {
      try {
        await this.#spawn();
        return;
      } catch (error) {
        if (left === 0) throw error;
        await sleep(300);
      }
    }
  }

  async #spawn(): Promise<void> {
    const env = { ...process.env, CLOUDFLARE_CF_FETCH_ENABLED: "false", WRANGLER_SEND_METRICS: "false" };
    const child = fork(HOST, [JSON.stringify(this.#options)], {
      // A group of its own: workerd outlives its parent unless the group is killed.
      detached: true,
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      env,
    });
    this.#child = child;
    let printed = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      printed = (printed + chunk.toString()).slice(-4000);
    });
    const ready = Promise.withResolvers<undefined>();
    child.once("message", () => ready.resolve(undefined));
    child.once("error", ready.reject);
    child.once("exit", (code) => ready.reject(new Error(`the control plane ended with ${String(code)}:\n${printed}`)));
    const late = setTimeout(() => ready.reject(new Error("the control plane was not ready in time")), START_MS);
    try {
      await ready.promise;
    } catch (error) {
      this.#signal("SIGKILL");
      throw error;
    } finally {
      clearTimeout(late);
    }
  }

  #signal(signal: NodeJS.Signals): void {
    const pid = this.#child?.pid;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }

  /** Kills workerd and its parent at once, wherever they are. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    const ended = new Promise((resolve) => {
      child.once("exit", resolve);
    });
    this.#signal("SIGKILL");
    this.kills++;
    await ended;
    this.#child = null;
  }

  async #fetch(method: string, path: string, body: unknown, headers: Record<string, string>): Promise<unknown> {
    const response = await fetch(new URL(path, this.url), {
      method,
      headers: { ...headers, "content-type": "application/json" },
      ...(body === null ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text.slice(0, 400)}`);
    return JSON.parse(text);
  }

  /** The admin API. */
  admin(method: string, path: string, body: unknown = null): Promise<unknown> {
    return this.#fetch(method, path, body, { authorization: `Bearer ${this.#ownerToken}` });
  }

  async createTailnet(name: string): Promise<string> {
    return ((await this.admin("POST", "/api/v2/tailnets", { name })) as { id: string }).id;
  }

  /** An auth key for any number of nodes, for an hour. */
  async createAuthKey(tailnet: string): Promise<string> {
    const create = { reusable: true, ephemeral: false, preauthorized: true, tags: [] };
    const body = { capabilities: { devices: { create } }, expirySeconds: 3600, description: "faults" };
    return ((await this.admin("POST", `/api/v2/tailnet/${tailnet}/keys`, body)) as { key: string }).key;
  }

  /** Puts these faults on, and all others off. */
  async switch(faults: Partial<Switches>): Promise<void> {
    await this.#fetch("POST", "/faults/switches", faults, {});
  }

  /** What the bindings have counted since the last time. */
  async counts(): Promise<Readonly<Record<string, number>>> {
    return (await this.#fetch("POST", "/faults/counts", {}, {})) as Record<string, number>;
  }

  /** Ends every sessions object with all that it holds; how many there were. */
  async endSessions(): Promise<number> {
    return ((await this.#fetch("POST", "/faults/end-sessions", {}, {})) as { ended: number }).ended;
  }

  /** Rows of a tailnet's object. */
  async rows(tailnet: string, sql: string): Promise<Row[]> {
    return (await this.#fetch("POST", "/faults/query", { tailnet, sql }, {})) as Row[];
  }

  /** Rows of D1. */
  async d1(sql: string): Promise<Row[]> {
    return (await this.#fetch("POST", "/faults/query", { sql }, {})) as Row[];
  }

  get inspectorPort(): number {
    return this.#options.inspectorPort;
  }

  get log(): string {
    return this.#options.log;
  }

  /** Bytes that workerd holds in memory, or null where the system does not say. */
  residentBytes(): number | null {
    const parent = this.#child?.pid;
    if (parent === undefined || process.platform !== "linux") return null;
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      const status = statusOf(pid);
      if (status.get("PPid") === String(parent) && status.get("Name") === "workerd")
        return Number.parseInt(status.get("VmRSS") ?? "0", 10) * 1024;
    }
    return null;
  }
}

/** Fields of /proc/PID/status; none where the process has gone. */
function statusOf(pid: string): Map<string, string> {
  try {
    const lines = readFileSync(`/proc/${pid}/status`, "utf8").split("\n");
    return new Map(lines.map((line) => line.split(":\t", 2).map((part) => part.trim()) as [string, string]));
  } catch {
    return new Map();
  }
}
