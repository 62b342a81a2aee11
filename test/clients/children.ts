/** Processes of a run: started with their output in a file or collected, ended with everything that they started. */

import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync } from "node:fs";

export interface CommandResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const COMMAND_MS = 60_000;
const GRACE_MS = 5000;

/** Runs a command to its end; one that takes longer than a minute is killed. */
export function runCommand(
  [program = "", ...args]: readonly string[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly input?: string; readonly ms?: number } = {},
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { env: options.env ?? process.env, stdio: ["pipe", "pipe", "pipe"] });
    let out = "";
    let err = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
    child.stdin.on("error", () => {});
    child.stdin.end(options.input ?? "");
    const ms = options.ms ?? COMMAND_MS;
    const late = setTimeout(() => {
      err += `\n(killed after ${ms / 1000} s)`;
      child.kill("SIGKILL");
    }, ms);
    child.once("error", (error) => (err += error.message));
    child.once("close", (code) => {
      clearTimeout(late);
      resolve({ code: code ?? 1, out, err });
    });
  });
}

/** None outlives this process, where that ends in order; where it does not, its namespaces end with it, if it has some. */
const running = new Set<Background>();
process.once("exit", () => {
  for (const background of running) background.signal("SIGKILL");
});

/** A process that runs in the background, in a group of its own, with all its output at the end of a file. */
export class Background {
  readonly #child: ChildProcess;

  constructor([program = "", ...args]: readonly string[], log: string, env: NodeJS.ProcessEnv = process.env) {
    const file = openSync(log, "a", 0o600);
    // Standard input is a pipe of ours: whoever reads it learns that we are gone.
    this.#child = spawn(program, args, { env, detached: true, stdio: ["pipe", file, file] });
    this.#child.stdin?.on("error", () => {});
    closeSync(file);
    running.add(this);
    this.#child.once("exit", () => running.delete(this));
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null && this.#child.pid !== undefined;
  }

  /** To it and to what it has started. */
  signal(signal: NodeJS.Signals): void {
    if (this.#child.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (!this.isRunning) return;
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.signal(signal);
    const late = setTimeout(() => this.signal("SIGKILL"), GRACE_MS);
    await ended;
    clearTimeout(late);
    this.signal("SIGKILL");
  }

  /** Lets it end in order; kills it where it does not. */
  stop(): Promise<void> {
    return this.#end("SIGTERM");
  }

  /** Ends it at once, as a crash would. */
  kill(): Promise<void> {
    return this.#end("SIGKILL");
  }
}
