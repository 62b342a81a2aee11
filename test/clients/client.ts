/** One machine with the real `tailscaled` on it, and the person at its `tailscale` command. */

import { mkdirSync, readFileSync, existsSync, cpSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { HELPER, programsOf } from "./build.ts";
import { Background, runCommand, type CommandResult } from "./children.ts";
import { freePort } from "../support/free-port.ts";
import type { Network, Place } from "./network.ts";
import { askLocalApi, watchDaemon } from "./local-api.ts";
import type { PeerStatus, LockStatus, Status } from "./client-status.ts";
import type { Release } from "./versions.ts";
import type { Way } from "./world.ts";

const ECHO_PORT = 7777;
const WEB_PORT = 7780;
const CLIENT_PORT = 41641;
const START_TRIES = 300;
const START_EVERY_MS = 100;
/** Seconds that one attempt to exchange a line may take. */
const EXCHANGE_SECONDS = 2;

export class Client {
  readonly name: string;
  readonly release: Release;
  /** The way to its control server. */
  readonly #way: Way;
  readonly folder: string;
  readonly #network: Network;
  readonly #place: Place;
  readonly #log: string;
  readonly #socket: string;
  readonly #programs;
  #port = CLIENT_PORT;
  #echoPort = ECHO_PORT;
  #daemon: Background | null = null;
  #echo: Background | null = null;
  #web: Background | null = null;

  /** `folder` is its own: its state, its socket and its log. */
  constructor(name: string, release: Release, way: Way, folder: string, network: Network) {
    this.name = name;
    this.release = release;
    this.#way = way;
    this.folder = folder;
    this.#network = network;
    this.#place = network.place();
    this.#log = join(folder, "log");
    this.#socket = join(folder, "sock");
    this.#programs = programsOf(release.version);
    mkdirSync(this.stateFolder, { recursive: true, mode: 0o700 });
  }

  get loginServer(): string {
    return this.#way.url;
  }

  get via(): Way["name"] {
    return this.#way.name;
  }

  /** Its machine is carried to another network. Namespaces only. */
  changeNetwork(): void {
    this.#place.move();
  }

  get stateFolder(): string {
    return join(this.folder, "state");
  }

  /** What its daemon has logged. */
  log(): string {
    return existsSync(this.#log) ? readFileSync(this.#log, "utf8") : "";
  }

  get #environment(): NodeJS.ProcessEnv {
    return {
      PATH: process.env["PATH"],
      HOME: this.folder,
      TS_NO_LOGS_NO_SUPPORT: "true",
      TS_DISABLE_PORTMAPPER: "1",
      TS_PANIC_IF_HIT_MAIN_CONTROL: "1",
      // v1.68.0 falls over where there is no iptables, unless it is told to look for the other one.
      TS_DEBUG_FIREWALL_MODE: "nftables",
    };
  }

  /** Starts the daemon, and waits until it answers. */
  async start(): Promise<void> {
    if (this.#network.mode === "userspace") await this.#takePorts();
    const tun = this.#network.mode === "userspace" ? "userspace-networking" : "tailscale0";
    const args = [`--statedir=${this.stateFolder}`, `--socket=${this.#socket}`, `--tun=${tun}`, `--port=${this.#port}`];
    const command = [this.#programs.tailscaled, ...args, "--no-logs-no-support"];
    this.#daemon = new Background(this.#place.at(command), this.#log, this.#environment);
    for (let tries = 0; tries < START_TRIES; tries++) {
      const answers = await this.status().then(
        () => true,
        () => false,
      );
      if (answers) {
        watchDaemon(this.#socket);
        return;
      }
      if (!this.#daemon.isRunning) break;
      await sleep(START_EVERY_MS);
    }
    throw new Error(`tailscaled ${this.release.version} of ${this.name} did not start:\n${this.log().slice(-3000)}`);
  }

  /** On one machine all share the ports. */
  async #takePorts(): Promise<void> {
    this.#port = await freePort();
    if (this.#echo === null) this.#echoPort = await freePort();
  }

  get isRunning(): boolean {
    return this.#daemon?.isRunning ?? false;
  }

  async stop(): Promise<void> {
    await this.#daemon?.stop();
  }

  async kill(): Promise<void> {
    await this.#daemon?.kill();
  }

  async close(): Promise<void> {
    await Promise.all([this.#daemon?.kill(), this.#echo?.kill(), this.#web?.kill()]);
    this.#place.close();
  }

  /** Another machine with a copy of this one's state, as of now: a cloned disk. */
  copyStateTo(other: Client): void {
    cpSync(this.stateFolder, other.stateFolder, { recursive: true });
  }

  /** Runs `tailscale` with these arguments. */
  tailscale(...args: readonly string[]): Promise<CommandResult> {
    return this.run([this.#programs.tailscale, `--socket=${this.#socket}`, ...args]);
  }

  /** Runs any command on this machine. */
  run(command: readonly string[], input = ""): Promise<CommandResult> {
    return runCommand(this.#place.at(command), { env: this.#environment, input });
  }

  /** `tailscale up` with what every client of the plays needs, and these flags. */
  up(...flags: readonly string[]): Promise<CommandResult> {
    const own = [`--login-server=${this.#way.url}`, `--hostname=${this.name}`, "--accept-dns=false"];
    const timeout = flags.some((flag) => flag.startsWith("--timeout")) ? [] : ["--timeout=45s"];
    return this.tailscale("up", ...own, "--netfilter-mode=off", ...timeout, ...flags);
  }

  /** Starts `tailscale up` without an auth key, and leaves it waiting for whoever approves it. */
  upInBackground(...flags: readonly string[]): Background {
    const own = [`--login-server=${this.#way.url}`, `--hostname=${this.name}`, "--accept-dns=false"];
    const command = [this.#programs.tailscale, `--socket=${this.#socket}`, "up", ...own, "--netfilter-mode=off"];
    return new Background(this.#place.at([...command, ...flags]), join(this.folder, "up"), this.#environment);
  }

  /** The daemon's answer to a request of its local API. Throws where it refuses. */
  localApi(method: string, path: string, body = ""): Promise<string> {
    return askLocalApi(this.#socket, method, path, body);
  }

  /** Throws where the daemon does not answer. */
  async status(): Promise<Status> {
    return JSON.parse(await this.localApi("GET", "status")) as Status;
  }

  async lockStatus(): Promise<LockStatus> {
    return JSON.parse(await this.localApi("GET", "tka/status")) as LockStatus;
  }

  /** Its peers, by the names that they gave themselves. */
  async peers(): Promise<Map<string, PeerStatus>> {
    const peers = Object.values((await this.status()).Peer ?? {});
    return new Map(peers.map((peer) => [peer.HostName, peer]));
  }

  /** Its first address in the tailnet. Throws where it has none. */
  async address(): Promise<string> {
    const [address] = (await this.status()).Self.TailscaleIPs ?? [];
    if (address === undefined) throw new Error(`${this.name} has no address`);
    return address;
  }

  /** Its tailnet lock key. */
  async lockKey(): Promise<string> {
    return (await this.lockStatus()).PublicKey.replace(/^nlpub:/, "tlpub:");
  }

  /** Serves lines on this machine, to whoever reaches it. */
  #serveEcho(): void {
    this.#echo ??= new Background(this.#place.at([HELPER, "echo", String(this.#echoPort)]), join(this.folder, "echo"));
  }

  /** Serves a page of this text, and gives its URL in the tailnet. */
  async serveWeb(text: string): Promise<string> {
    const port = this.#network.mode === "userspace" ? await freePort() : WEB_PORT;
    const script = "require('http').createServer((q, r) => r.end(process.argv[2])).listen(process.argv[1])";
    this.#web ??= new Background(
      this.#place.at([process.execPath, "-e", script, String(port), text]),
      join(this.folder, "web"),
    );
    return `http://${await this.address()}:${port}/`;
  }

  /** True if a line sent to `other` over the tailnet comes back: a TCP connection from machine to machine. */
  async exchangesWith(other: Client): Promise<boolean> {
    other.#serveEcho();
    const address = Object.values((await this.status()).Peer ?? {}).find(({ HostName }) => HostName === other.name)
      ?.TailscaleIPs?.[0];
    return address !== undefined && (await this.reaches(address, other));
  }

  /** The same, by an address that it need not have been told of. */
  async reaches(address: string, other: Client): Promise<boolean> {
    other.#serveEcho();
    const word = `${this.name}-to-${other.name}-${Math.random().toString(36).slice(2)}`;
    const seconds = String(EXCHANGE_SECONDS);
    if (this.#network.mode === "userspace") {
      const dial = [this.#programs.tailscale, `--socket=${this.#socket}`, "nc", address, String(other.#echoPort)];
      const { out } = await this.run(["timeout", seconds, ...dial], `${word}\n`);
      return out.includes(`echo: ${word}`);
    }
    const script = 'exec 3<>"/dev/tcp/$0/$1" && echo "$2" >&3 && head -n 1 <&3';
    const { out } = await this.run(["timeout", seconds, "bash", "-c", script, address, String(other.#echoPort), word]);
    return out.trim() === `echo: ${word}`;
  }
}
