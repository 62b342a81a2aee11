/**
 * A Worker in workerd, started by Miniflare without wrangler dev before it: requests go to the Worker's own socket. Storage is on the disk, in a
 * folder that goes away in the end; after `stop`, `resume` starts another process on the same storage.
 */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Miniflare } from "miniflare";
import { startWatched } from "../clock.ts";
import type { Bundle } from "./bundle.ts";
import type { Settings } from "./worker-settings.ts";

const COMPATIBILITY = { compatibilityDate: "2026-10-23", compatibilityFlags: ["nodejs_compat"] };
const KIB = 1024;

function resident(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kib ?? 0) * KIB;
}

export class Runtime {
  readonly #bundle: Bundle;
  readonly #settings: Settings;
  readonly #folder = mkdtempSync(join(tmpdir(), "tailward-bench-"));
  #miniflare: Miniflare | null = null;
  #url: URL | null = null;
  #pids: readonly number[] = [];

  private constructor(bundle: Bundle, settings: Settings) {
    this.#bundle = bundle;
    this.#settings = settings;
  }

  static async start(bundle: Bundle, settings: Settings): Promise<Runtime> {
    const runtime = new Runtime(bundle, settings);
    await runtime.#start();
    return runtime;
  }

  async #start(): Promise<void> {
    const { started, pids } = await startWatched(async () => {
      const miniflare = new Miniflare({
        host: "127.0.0.1",
        port: 0,
        resourcePersistencePath: this.#folder,
        telemetry: { enabled: false },
        cf: false,
        workers: [
          {
            config: { ...COMPATIBILITY, manifest: this.#bundle, ...this.#settings },
            dev: { unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }] },
          },
        ],
      });
      await miniflare.ready;
      return miniflare;
    });
    this.#miniflare = started;
    this.#pids = pids;
    this.#url = await started.unsafeGetDirectURL(this.#settings.name);
  }

  get miniflare(): Miniflare {
    if (this.#miniflare === null) throw new Error(`bench: ${this.#settings.name} is not running`);
    return this.#miniflare;
  }

  /** The Worker's own socket. */
  get url(): URL {
    if (this.#url === null) throw new Error(`bench: ${this.#settings.name} is not running`);
    return this.#url;
  }

  /** Where everything is stored. */
  get folder(): string {
    return this.#folder;
  }

  /** Bytes of memory that its processes hold now; 0 where the system does not tell. */
  resident(): number {
    return this.#pids.reduce((sum, pid) => sum + resident(pid), 0);
  }

  get pids(): readonly number[] {
    return this.#pids;
  }

  /** Ends the process; the storage stays. */
  async stop(): Promise<void> {
    await this.#miniflare?.dispose();
    this.#miniflare = null;
  }

  /** Starts another process on the same storage. */
  resume(): Promise<void> {
    return this.#start();
  }

  async close(): Promise<void> {
    await this.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
