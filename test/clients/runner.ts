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
  readonly transcript: readonly string[];
}

interface Run {
  readonly play: Play;
  readonly column: Column;
  readonly number: number;
}

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

  async #play({ play, column, number }: Run, middle: (scene: Scene) => Promise<void>): Promise<void> {
    const world = play.hostile === true ? await this.#settings.hostile() : this.#world;
    const scene = new Scene(world, play, column, number, middle);
    const started = performance.now();
    const why = await play.run(scene).then(
      () => (column.trouble === "none" || scene.isPastMiddle ? null : "the play has no middle"),
      (error: unknown) => (error instanceof Error ? (error.stack ?? error.message) : String(error)),
    );
    const seconds = (performance.now() - started) / 1000;
    await collectComplaints(scene, this.complaints);
    const keep = `${play.title} ${column.title}`.replaceAll(/[^A-Za-z0-9.]+/g, "-");
    await scene.close(why === null ? null : join(this.#settings.keepIn, keep));
    const result = { play, column, seconds, why, transcript: scene.transcript };
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
      (scene) => (scene.column.trouble === "client killed" ? killClients(scene) : Promise.resolve()),
    );
    for (const [trouble, act] of Object.entries(shared))
      await this.#together(
        crowd.filter(({ column }) => column.trouble === trouble),
        act,
      );
    await this.#crowd(alone, 1, () => Promise.resolve());
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
