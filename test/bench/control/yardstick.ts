/** Tailscale's control server for tests, all in memory: what little a control server can cost. It forgets everything when it ends. */

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { freePort } from "../../support/free-port.ts";
import { programPath } from "./build.mjs";
import { untilUp, type Contender } from "./contender.ts";

export class Yardstick implements Contender {
  readonly name = "testcontrol";
  readonly url: string;
  readonly authKey = "none-is-asked-for";
  readonly #process: ChildProcess;

  private constructor(port: number) {
    this.url = `http://127.0.0.1:${port}`;
    this.#process = spawn(programPath("yardstick"), ["--listen", `127.0.0.1:${port}`], { stdio: "ignore" });
  }

  static async start(): Promise<Yardstick> {
    const started = new Yardstick(await freePort());
    await untilUp(started.url);
    return started;
  }

  pids(): readonly number[] {
    return this.#process.pid === undefined ? [] : [this.#process.pid];
  }

  restart(): Promise<void> {
    return Promise.reject(new Error("bench: the yardstick keeps nothing, and so cannot come back"));
  }

  async close(): Promise<void> {
    const gone = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await gone;
  }
}
