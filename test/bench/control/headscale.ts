/** headscale beside ours: a binary that the operator has built, with SQLite in a folder that goes away, no policy, and its own settings otherwise. */

import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../support/free-port.ts";
import { untilUp, type Contender } from "./contender.ts";

function settings(folder: string, port: number): string {
  return `server_url: http://127.0.0.1:${port}
listen_addr: 127.0.0.1:${port}
metrics_listen_addr: ""
noise: { private_key_path: ${folder}/noise.key }
prefixes: { v4: 100.64.0.0/10, v6: "fd7a:115c:a1e0::/48", allocation: sequential }
derp: { server: { enabled: false }, urls: [], paths: [${folder}/derp.yaml], auto_update_enabled: false }
disable_check_updates: true
database: { type: sqlite, sqlite: { path: ${folder}/db.sqlite, write_ahead_log: true } }
log: { level: warn }
policy: { mode: file, path: "" }
dns: { magic_dns: true, base_domain: load.test, override_local_dns: false }
unix_socket: ${folder}/headscale.sock
unix_socket_permission: "0700"
logtail: { enabled: false }
`;
}

const DERP = `regions:
  900:
    regionid: 900
    regioncode: load
    regionname: Load
    nodes: [{ name: 900a, regionid: 900, hostname: derp.load.test, ipv4: 127.0.0.1 }]
`;

export class Headscale implements Contender {
  readonly name = "headscale";
  readonly url: string;
  readonly #binary: string;
  readonly #folder: string;
  #process: ChildProcess | null = null;
  #authKey = "";

  private constructor(binary: string, folder: string, port: number) {
    this.#binary = binary;
    this.#folder = folder;
    this.url = `http://127.0.0.1:${port}`;
  }

  static async start(binary: string): Promise<Headscale> {
    const [folder, port] = [mkdtempSync(join(tmpdir(), "headscale-")), await freePort()];
    writeFileSync(join(folder, "config.yaml"), settings(folder, port));
    writeFileSync(join(folder, "derp.yaml"), DERP);
    const started = new Headscale(binary, folder, port);
    await started.#serve();
    started.#command("users", "create", "load");
    const made = started.#command("preauthkeys", "create", "--user", "1", "--reusable", "--expiration", "24h");
    started.#authKey = (JSON.parse(made) as { key: string }).key;
    return started;
  }

  #command(...args: readonly string[]): string {
    const config = ["--config", join(this.#folder, "config.yaml"), "--output", "json"];
    return execFileSync(this.#binary, [...config, ...args], { encoding: "utf8" });
  }

  async #serve(): Promise<void> {
    const config = ["--config", join(this.#folder, "config.yaml")];
    this.#process = spawn(this.#binary, [...config, "serve"], { stdio: "ignore" });
    await untilUp(this.url);
  }

  get authKey(): string {
    return this.#authKey;
  }

  pids(): readonly number[] {
    return this.#process?.pid === undefined ? [] : [this.#process.pid];
  }

  async restart(): Promise<void> {
    await this.#kill();
    await this.#serve();
  }

  async #kill(): Promise<void> {
    if (this.#process === null) return;
    const gone = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await gone;
    this.#process = null;
  }

  async close(): Promise<void> {
    await this.#kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
