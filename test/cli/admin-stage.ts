/** Where `tailward admin` is tried: a control plane as a newcomer starts it, real agents, and a terminal whose words are kept. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { runProgram } from "../../src/cli/index.ts";
import { LocalClient, runAgent, type AgentStatus } from "../../src/node/index.ts";
import { ControlPlane } from "../e2e/control-plane.ts";
import { eventually } from "../support/eventually.ts";
import type { Ran } from "./support.ts";

type Environment = Readonly<Record<string, string>>;

/** Runs on from test to test of a file, which ends it. */
export class AdminStage {
  /** A folder of the stage's own. */
  readonly root = mkdtempSync(join(tmpdir(), "tw-"));
  readonly #stop = new AbortController();
  readonly #agents: Promise<void>[] = [];
  readonly #directories = new Map<LocalClient, string>();
  #control: ControlPlane | null = null;

  /** Starts the control plane, with these variables besides its own. */
  async open(variables: Environment = {}): Promise<void> {
    this.#control = await ControlPlane.start(join(this.root, "control"), variables);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.allSettled(this.#agents);
    await this.#control?.stop();
    rmSync(this.root, { recursive: true, force: true });
  }

  get control(): ControlPlane {
    if (this.#control === null) throw new Error("the stage is not open");
    return this.#control;
  }

  async run(environment: Environment, args: readonly string[]): Promise<Ran> {
    let [out, err] = ["", ""];
    const terminal = {
      out: (text: string) => void (out += text),
      err: (text: string) => void (err += text),
      environment,
      colours: false,
      ask: null,
      signal: this.#stop.signal,
    };
    const code = await runProgram(terminal, args);
    return { code, out, err };
  }

  admin(...args: readonly string[]): Promise<Ran> {
    return this.run(this.control.environment, ["admin", ...args]);
  }

  /** What a command prints; fails where it was refused. */
  async printed(...args: readonly string[]): Promise<string> {
    const { code, out, err } = await this.admin(...args);
    expect([code, err]).toEqual([0, ""]);
    return out;
  }

  /** Starts an agent; gives the client of its local socket. */
  start(hostname: string, authKey: string | null): LocalClient {
    const directory = join(this.root, hostname);
    const { url } = this.control;
    const options = { directory, url, authKey, hostname, forceReauth: false, log: () => undefined };
    this.#agents.push(runAgent(options, this.#stop.signal));
    const client = new LocalClient(directory);
    this.#directories.set(client, directory);
    return client;
  }

  /** Where the commands of an agent's own node find it. */
  environmentOf(client: LocalClient): Environment {
    return { TAILWARD_STATE_DIR: this.#directories.get(client) ?? "" };
  }

  /** Waits until the agent is in; gives how it stands then. */
  joined(client: LocalClient): Promise<AgentStatus> {
    return eventually(async () => {
      const status = await client.status();
      expect(status.node.name).not.toBe("");
      return status;
    }, 100);
  }
}
