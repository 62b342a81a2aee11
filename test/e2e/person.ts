/** One node of the story: an agent process with a state directory of its own, and the person at its command line. */

import { execFile, spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LocalClient, type AgentStatus } from "../../src/node/index.ts";
import { ROOT } from "./control-plane.ts";

const MAIN = join(ROOT, "src", "cli", "main.ts");

/** Agents that run: none outlives this process. */
const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const agent of running) agent.kill("SIGKILL");
});

export interface CommandResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export class Person {
  readonly name: string;
  readonly #directory: string;
  readonly #logPath: string;
  readonly #authKeyPath: string;
  readonly #client: LocalClient;
  #agent: ChildProcess | null = null;

  /** `folder` is where all people of the story keep their state directories. */
  constructor(name: string, folder: string) {
    this.name = name;
    this.#directory = join(folder, name);
    this.#logPath = join(folder, `${name}.log`);
    this.#authKeyPath = join(folder, `${name}.auth-key`);
    this.#client = new LocalClient(this.#directory);
  }

  /** Starts the agent, as a process of its own, with an auth key or without; `flags` are more of the command's. */
  start(url: string, authKey: string | null, ...flags: readonly string[]): void {
    const log = openSync(this.#logPath, "a", 0o600);
    // On a command line, every user of the machine could read it.
    if (authKey !== null) writeFileSync(this.#authKeyPath, authKey, { mode: 0o600 });
    const key = authKey === null ? [] : ["--auth-key", `file:${this.#authKeyPath}`];
    const args = ["agent", "--url", url, ...key, "--hostname", this.name, ...flags];
    const agent = spawn(process.execPath, [MAIN, "--state-dir", this.#directory, ...args], {
      stdio: ["ignore", "ignore", log],
    });
    closeSync(log);
    running.add(agent);
    agent.once("exit", () => running.delete(agent));
    this.#agent = agent;
  }

  /** Ends the agent. */
  async stop(): Promise<void> {
    const agent = this.#agent;
    if (agent === null || agent.exitCode !== null || agent.signalCode !== null) return;
    const ended = new Promise((resolve) => agent.once("exit", resolve));
    agent.kill("SIGTERM");
    const late = setTimeout(() => agent.kill("SIGKILL"), 3000);
    await ended;
    clearTimeout(late);
  }

  /** Runs `tailward` with these arguments, as this person. */
  tailward(...args: readonly string[]): Promise<CommandResult> {
    return new Promise((resolve) => {
      execFile(process.execPath, [MAIN, "--state-dir", this.#directory, ...args], (error, out, err) => {
        const code = typeof error?.code === "number" ? error.code : 0;
        resolve({ code: error === null ? 0 : code || 1, out, err });
      });
    });
  }

  /** What the agent says of itself; null while it does not answer. */
  async status(): Promise<AgentStatus | null> {
    try {
      return await this.#client.status();
    } catch {
      return null;
    }
  }

  /** What the agent has logged. */
  log(): string {
    return readFileSync(this.#logPath, "utf8");
  }
}
