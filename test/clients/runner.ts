/** Plays every play in each of its columns, several at once, and gives what came of each. */

import { join } from "node:path";
import { Barrier } from "./barrier.ts";
import { collectComplaints, type Complaints } from "./complaints.ts";
import type { Column, Play, Trouble } from "./play.ts";
import { Scene } from "./scene.ts";
import type { World } from "./world.ts";

export interface Result {
  readonly play: Play;
  readonly column: Column;
  readonly seconds: number;
  /** Why it did not hold; null where it held. */
  readonly why: string | null;
  /** Why it did not hold the first time, where this is the second. */
  readonly before: string | null;
  readonly transcript: readonly string[];
}

interface Run {
  readonly play: Play;
  readonly column: Column;
  readonly number: number;
  readonly before?: string;
}

/** Runs that may be played a second time: a client of others' making may stumble over itself once in hundreds of runs; more than that is ours. */
const SECOND_ATTEMPTS = 1;

export interface Settings {
  /** The world of plays with a control plane that lies. */
  readonly hostile: () => Promise<World>;
  /** Runs at once. */
  readonly atOnce: number;
  /** Where the logs of what failed are kept. */
  readonly keepIn: string;
  readonly onResult: (result: Result) => void;
}

export class Runner {
  readonly #world: World;
  readonly #settings: Settings;
  readonly complaints: Complaints;
  readonly results: Result[] = [];

  constructor(world: World, settings: Settings, complaints: Complaints) {
    this.#world = world;
    this.#settings = settings;
    this.complaints = complaints;
  }

  async #play({ play, column, number, before }: Run, middle: (scene: Scene) => Promise<void>): Promise<void> {
    const world = play.hostile === true ? await this.#settings.hostile() : this.#world;
    const scene = new Scene(world, play, column, number, middle);
    const started = performance.now();
    const why = await play.run(scene).then(
      () => (column.trouble === "none" || scene.isPastMiddle ? null : "the play has no middle"),
      (error: unknown) => (error instanceof Error ? (error.stack ?? error.message) : String(error)),
    );
    const seconds = (performance.now() - started) / 1000;
    await collectComplaints(scene, this.complaints);
    const keep = `${play.title} ${column.title}${before === undefined ? "" : " again"}`.replaceAll(
      /[^A-Za-z0-9.]+/g,
      "-",
    );
    await scene.close(why === null ? null : join(this.#settings.keepIn, keep));
    const result = { play, column, seconds, why, before: before ?? null, transcript: scene.transcript };
    this.results.push(result);
    this.#settings.onResult(result);
  }

  async #crowd(runs: readonly Run[], atOnce: number, middle: (scene: Scene) => Promise<void>): Promise<void> {
    const rest = [...runs];
    const worker = async (): Promise<void> => {
      for (let run = rest.shift(); run !== undefined; run = rest.shift()) await this.#play(run, middle);
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
  }

  /** Runs that lose what all of them use share its end: it comes when all of them have reached their middle. */
  async #together(runs: readonly Run[], trouble: () => Promise<void>): Promise<void> {
    for (let at = 0; at < runs.length; at += this.#settings.atOnce) {
      const some = runs.slice(at, at + this.#settings.atOnce);
      const barrier = new Barrier(some.length, trouble);
      await Promise.all(some.map((run) => this.#play(run, () => barrier.reached()).finally(() => barrier.leave())));
    }
  }

  async run(plays: readonly Play[], columns: (column: Column) => boolean): Promise<void> {
    const runs = plays
      .flatMap((play) => play.columns.filter(columns).map((column) => ({ play, column })))
      .map((run, number) => ({ ...run, number }));
    const alone = runs.filter(({ play }) => play.alone === true);
    const crowd = runs.filter(({ play }) => play.alone !== true);
    const { control, bridge } = this.#world;
    const killBridge = async (): Promise<void> => {
      await bridge.kill();
      await bridge.start();
    };
    const shared: Partial<Record<Trouble, () => Promise<void>>> = {
      "Worker killed": () => control.crashAndRestart(),
      "bridge killed": killBridge,
    };
    await this.#crowd(
      crowd.filter(({ column }) => shared[column.trouble] === undefined),
      this.#settings.atOnce,
      (scene) => this.#trouble(scene, undefined),
    );
    for (const [trouble, act] of Object.entries(shared))
      await this.#together(
        crowd.filter(({ column }) => column.trouble === trouble),
        act,
      );
    await this.#crowd(alone, 1, () => Promise.resolve());
    await this.#again(runs.length, shared);
  }

  /** Plays what did not hold once more, by itself, where it is so little; what came of that takes the place of the first. */
  async #again(numberFrom: number, shared: Partial<Record<Trouble, () => Promise<void>>>): Promise<void> {
    const failed = this.results.filter(({ why }) => why !== null);
    if (failed.length > SECOND_ATTEMPTS) return;
    for (const [i, first] of failed.entries()) {
      const { play, column, why } = first;
      this.results.splice(this.results.indexOf(first), 1);
      const act = shared[column.trouble];
      const run = { play, column, number: numberFrom + i, before: why ?? "" };
      await this.#play(run, (scene) => this.#trouble(scene, act));
    }
  }

  /** What happens in the middle of a run that is played by itself. */
  async #trouble(scene: Scene, act: (() => Promise<void>) | undefined): Promise<void> {
    if (act !== undefined) await act();
    else if (scene.column.trouble === "client killed") await killClients(scene);
  }
}

/** Kills every daemon that runs, as a power cut would, and starts it again. It must come back to where it was. */
async function killClients(scene: Scene): Promise<void> {
  const running = scene.clients.filter((client) => client.isRunning);
  scene.say("   (every client is killed and started again)");
  await Promise.all(
    running.map(async (client) => {
      const before = (await client.status()).BackendState;
      await client.kill();
      await client.start();
      await scene.soon(
        `${client.name} is ${before} again`,
        async () => (await client.status()).BackendState === before,
      );
    }),
  );
}
