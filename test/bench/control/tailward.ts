/** Our own control plane, as the other benchmarks start it: the Worker under Miniflare, and native clients by its raw TCP handler. */

import { setTimeout as sleep } from "node:timers/promises";
import { Plane } from "../plane/plane.ts";
import { freePort } from "../../support/free-port.ts";
import { untilUp, type Contender } from "./contender.ts";

/** Its port is free again only some time after it was killed. */
const DYING_MS = 200;

export class Tailward implements Contender {
  readonly name = "tailward";
  readonly url: string;
  readonly authKey: string;
  readonly #plane: Plane;

  private constructor(plane: Plane, port: number, authKey: string) {
    this.#plane = plane;
    this.url = `http://127.0.0.1:${port}`;
    this.authKey = authKey;
  }

  static async start(): Promise<Tailward> {
    const port = await freePort();
    const plane = await Plane.start(undefined, port);
    const { authKey } = await plane.tailnet("load.test");
    const started = new Tailward(plane, port, authKey);
    await untilUp(started.url);
    return started;
  }

  pids(): readonly number[] {
    return this.#plane.runtime.pids;
  }

  async restart(): Promise<void> {
    for (const pid of this.pids()) process.kill(pid, "SIGKILL");
    await sleep(DYING_MS);
    await this.#plane.pause();
    await untilUp(this.url);
  }

  close(): Promise<void> {
    return this.#plane.close();
  }
}
