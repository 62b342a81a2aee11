/** The stage of one run of a play: its tailnet, its clients by name, what was typed and seen. */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "./client.ts";
import type { CommandResult } from "./children.ts";
import type { Column, Play } from "./play.ts";
import type { Tailnet } from "../e2e/control-plane.ts";
import { RELEASES, type Release } from "./versions.ts";
import type { KeyOptions, World } from "./world.ts";

/** What a play promises did not happen. */
export class ExpectationFailed extends Error {
  override readonly name = "ExpectationFailed";
}

/** Long, since other runs share the machine: nothing that holds takes so long. */
const PATIENCE_MS = 45_000;
const TEN_SECONDS = /connection attempts aborted by context|lookup invalid IP/;
const MOST_TRIES = 3;
const LOOK_EVERY_MS = 150;

export class Scene {
  readonly world: World;
  readonly play: Play;
  readonly column: Column;
  /** Everything that was typed, printed and expected, in order. */
  readonly transcript: string[] = [];
  readonly folder: string;
  readonly #clients = new Map<string, Client>();
  readonly #rest: (() => Promise<void>)[] = [];
  readonly #middle: (scene: Scene) => Promise<void>;
  #tailnet: Promise<Tailnet> | null = null;
  #isPastMiddle = false;

  constructor(world: World, play: Play, column: Column, number: number, middle: (scene: Scene) => Promise<void>) {
    this.world = world;
    this.play = play;
    this.column = column;
    this.folder = join(world.network.folder, `r${number}`);
    this.#middle = middle;
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
  }

  say(text: string): void {
    this.transcript.push(text);
  }

  get clients(): Client[] {
    return [...this.#clients.values()];
  }

  /** The tailnet of this run, made when it is first asked for. */
  get tailnet(): Promise<Tailnet> {
    this.#tailnet ??= this.world.control.createTailnet(`run-${this.folder.split("/r").at(-1) ?? ""}.example`);
    return this.#tailnet;
  }

  /** An auth key of this run's tailnet: reusable and pre-approved unless it is said otherwise. */
  async authKey(options: KeyOptions = {}): Promise<string> {
    return (await this.world.control.createAuthKey(await this.tailnet, options)).key;
  }

  /** To be done when the run ends, last first. */
  atEnd(act: () => Promise<void>): void {
    this.#rest.unshift(act);
  }

  /** A client whose daemon runs and that is in no tailnet yet. Releases and ways to the control plane take turns, unless the bridge is to be killed. */
  async client(
    name: string,
    wanted: { readonly version?: string; readonly via?: "bridge" | "tcp" } = {},
  ): Promise<Client> {
    const client = this.newClient(name, wanted);
    await client.start();
    return client;
  }

  /** The same, its daemon not started. */
  newClient(name: string, wanted: { readonly version?: string; readonly via?: "bridge" | "tcp" } = {}): Client {
    const turn = this.#clients.size;
    const { versions } = this.column;
    const release = releaseOf(wanted.version ?? versions[turn % versions.length] ?? "");
    const ways = this.world.ways;
    const wish = wanted.via ?? (this.column.trouble === "bridge killed" ? "bridge" : undefined);
    const via = wish === undefined ? undefined : ways.find((way) => way.name === wish);
    const way = via ?? ways[(turn + this.play.title.length) % ways.length];
    if (way === undefined) throw new Error("there is no way to the control plane");
    const folder = join(this.folder, name);
    mkdirSync(folder, { mode: 0o700 });
    const client = new Client(name, release, way, folder, this.world.network);
    this.#clients.set(name, client);
    this.say(`   ${name}: Tailscale ${release.version}, by ${way.name}`);
    return client;
  }

  /** Clients that have joined by an auth key and run. */
  async join<const Names extends readonly string[]>(...names: Names): Promise<{ [I in keyof Names]: Client }> {
    const key = await this.authKey();
    const clients = names.map((name) => this.newClient(name));
    await Promise.all(
      clients.map(async (client) => {
        await client.start();
        await this.ok(client, "up", `--auth-key=${key}`);
      }),
    );
    return clients as { [I in keyof Names]: Client };
  }

  /**
   * Types a `tailscale` command, and says what it printed. `up` has what every client needs. Where the way to the control plane was cut in the middle, it
   * is typed again if the client was still in its ten seconds (docs/compatibility.md): what it asks has not left the machine then.
   */
  async type(client: Client, ...args: readonly string[]): Promise<CommandResult> {
    const wasCut = this.#isPastMiddle && ["Worker killed", "bridge killed"].includes(this.column.trouble);
    for (let tries = 0; ; tries++) {
      const result = await this.#typeOnce(client, args);
      if (result.code === 0 || !wasCut || tries === MOST_TRIES || !TEN_SECONDS.test(result.out + result.err))
        return result;
    }
  }

  async #typeOnce(client: Client, args: readonly string[]): Promise<CommandResult> {
    const [first, ...rest] = args;
    const result = await (first === "up" ? client.up(...rest) : client.tailscale(...args));
    this.say(`   ${client.name}$ tailscale ${args.join(" ")}`);
    for (const line of `${result.out}${result.err}`.trimEnd().split("\n")) this.say(`   | ${line}`);
    if (result.code !== 0) this.say(`   | (ended with ${result.code})`);
    return result;
  }

  /** The same, which must end well. Gives what it printed. */
  async ok(client: Client, ...args: readonly string[]): Promise<string> {
    const { code, out, err } = await this.type(client, ...args);
    if (code !== 0)
      throw new ExpectationFailed(
        `\`tailscale ${args.join(" ")}\` of ${client.name} ended with ${code}:\n${out}${err}`,
      );
    return out + err;
  }

  /** The same, which must be refused in words that match. */
  async refused(words: RegExp, client: Client, ...args: readonly string[]): Promise<string> {
    const { code, out, err } = await this.type(client, ...args);
    this.expect(`\`${args[0] ?? ""} ${args[1] ?? ""}\` of ${client.name} is refused`, code !== 0, out + err);
    this.expect(`... in words like ${words.source}`, words.test(out + err), out + err);
    return out + err;
  }

  /** Fails unless it holds. */
  expect(what: string, holds: boolean, seen = ""): void {
    if (!holds) throw new ExpectationFailed(seen === "" ? what : `${what}\nwhat was seen instead:\n${seen}`);
    this.say(`   [ok] ${what}`);
  }

  /** Waits until it holds. What fails meanwhile may hold later. */
  async soon(
    what: string,
    holds: () => Promise<boolean>,
    seen: () => Promise<string> = () => Promise.resolve(""),
  ): Promise<void> {
    const started = performance.now();
    const holdsNow = (): Promise<boolean> => holds().catch(() => false);
    while (!(await holdsNow())) {
      if (performance.now() - started > PATIENCE_MS) {
        const last = await holds().then(String, String);
        throw new ExpectationFailed(
          `${what} (waited ${PATIENCE_MS / 1000} s; ${last})\nseen instead:\n${await seen().catch(String)}`,
        );
      }
      await sleep(LOOK_EVERY_MS);
    }
    this.say(`   [ok] ${what}`);
  }

  /** True once the play has come to its middle. */
  get isPastMiddle(): boolean {
    return this.#isPastMiddle;
  }

  /** The middle of the story: where the column has trouble, it comes now. */
  async middle(): Promise<void> {
    this.say("   (the middle)");
    await this.#middle(this);
    this.#isPastMiddle = true;
  }

  /** Ends everything of this run, and keeps what tells why it failed in `keepIn` where that is given. */
  async close(keepIn: string | null): Promise<void> {
    if (keepIn !== null) {
      mkdirSync(keepIn, { recursive: true });
      writeFileSync(join(keepIn, "transcript.txt"), `${this.transcript.join("\n")}\n`);
      for (const client of this.clients) writeFileSync(join(keepIn, `${client.name}.log`), client.log());
    }
    for (const act of this.#rest) await act().catch((error: unknown) => this.say(String(error)));
    await Promise.all(this.clients.map((client) => client.close()));
  }
}

function releaseOf(version: string): Release {
  const release = RELEASES.find((known) => known.version === version);
  if (release === undefined) throw new Error(`there is no release ${version}`);
  return release;
}
