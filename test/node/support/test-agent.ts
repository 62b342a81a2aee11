/** An agent over a state directory of its own and a control plane in memory. */

import { join } from "node:path";
import { onTestFinished } from "vitest";
import { Agent } from "../../../src/node/agent.ts";
import { FileChonk, nodeKdf, nodeVerifier } from "../../../src/node/index.ts";
import { KeyStore } from "../../../src/node/key-store.ts";
import { LocalLock } from "../../../src/node/local-lock.ts";
import type { FakeControl } from "./fake-control.ts";
import { testFolder } from "./folder.ts";

export interface TestAgent {
  readonly agent: Agent;
  readonly store: KeyStore;
  readonly directory: string;
  readonly lines: string[];
  /** Settles when the agent ends; rejects with what ended it. */
  readonly running: Promise<void>;
  readonly stop: () => void;
}

export interface TestAgentOptions {
  readonly directory?: string;
  readonly authKey?: string | null;
  /** Done to the store before the agent starts. */
  readonly prepare?: (store: KeyStore) => void;
}

/** Starts an agent; it ends with the test at the latest. */
export function startAgent(control: FakeControl, options: TestAgentOptions = {}): TestAgent {
  const { directory = testFolder(), authKey = "tskey-auth-x", prepare = () => undefined } = options;
  const store = KeyStore.open(directory);
  prepare(store);
  const chonk = FileChonk.open(join(directory, "tka", "chain.log"));
  const lines: string[] = [];
  const stopping = new AbortController();
  const agent = new Agent({
    client: control,
    store,
    lock: new LocalLock({ chonk, verifier: nodeVerifier, kdf: nodeKdf, now: () => Date.now() }),
    authKey,
    hostname: "test",
    controlUrl: "https://control.example",
    pace: { steps: [20, 50, 200], least: 0 },
    log: (line) => void lines.push(line),
  });
  const running = agent.run(stopping.signal);
  running.catch(() => undefined);
  const stop = (): void => stopping.abort();
  onTestFinished(stop);
  return { agent, store, directory, lines, running, stop };
}

/** Names of the peers that the agent sees. */
export function seen({ agent }: TestAgent): string[] {
  return agent.view.peers.visible.map(({ Name }) => Name.replace(".example.", ""));
}
