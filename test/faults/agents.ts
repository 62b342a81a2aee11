/** Real agents in this process, each with its keys on disk and its chain in memory: those who must all end where the object is. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Agent } from "../../src/node/agent.ts";
import { HttpsClient } from "../../src/node/https-client.ts";
import { nodeKdf, nodeVerifier, signerFromSeed } from "../../src/node/index.ts";
import { KeyStore } from "../../src/node/key-store.ts";
import { LocalLock } from "../../src/node/local-lock.ts";
import { MemoryChonk, encodeHex } from "../../src/tka/index.ts";
import { none, seconds, type Check } from "./checks.ts";
import type { Control, Row } from "./control.ts";

export interface RunningAgent {
  readonly name: string;
  readonly agent: Agent;
  readonly stop: () => void;
  /** Set where the agent has ended though nobody stopped it. */
  ended: string | null;
}

/** Where the object is: what every agent must come to. */
interface Truth {
  readonly head: string;
  /** Node keys, each with its signature in hex. */
  readonly nodes: ReadonlyMap<string, string>;
}

const LOOK_MS = 200;

export class Agents {
  readonly running: RunningAgent[] = [];

  /** Starts so many agents, and waits until each has joined. */
  static async start(control: Control, authKey: string, folder: string, count: number): Promise<Agents> {
    const agents = new Agents();
    for (let index = 0; index < count; index++) agents.#start(control, authKey, folder, `agent-${index}`);
    while (agents.running.some(({ agent }) => agent.view.netmap.self === null)) {
      const dead = agents.running.find(({ ended }) => ended !== null);
      if (dead !== undefined) throw new Error(`${dead.name} ended: ${String(dead.ended)}`);
      await sleep(LOOK_MS);
    }
    return agents;
  }

  #start(control: Control, authKey: string, folder: string, name: string): void {
    const directory = join(folder, "agents", name);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const store = KeyStore.open(directory);
    const agent = new Agent({
      client: new HttpsClient(control.url, signerFromSeed(store.state.requestKey)),
      store,
      lock: new LocalLock({ chonk: new MemoryChonk(), verifier: nodeVerifier, kdf: nodeKdf, now: () => Date.now() }),
      authKey,
      hostname: name,
      controlUrl: control.url.origin,
      log: () => undefined,
    });
    const stopping = new AbortController();
    const running: RunningAgent = { name, agent, stop: () => stopping.abort(), ended: null };
    this.running.push(running);
    agent.run(stopping.signal).catch((error: unknown) => {
      running.ended = String(error);
    });
  }

  stop(): void {
    for (const { stop } of this.running) stop();
  }

  /** What each agent has otherwise than the object, in words; none where all have come there. */
  #apart({ head, nodes }: Truth): string[] {
    return this.running.flatMap(({ name, agent, ended }) => {
      if (ended !== null) return [`${name} ended: ${ended}`];
      const { self, peers } = agent.view.netmap;
      if ((agent.lock.authority?.head ?? null) !== head) return [`${name} has another head`];
      const seen = [...(self === null ? [] : [self]), ...peers.values()];
      const isSame = ({ Key, KeySignature }: (typeof seen)[number]): boolean =>
        nodes.get(Key) === encodeHex(KeySignature);
      return seen.length === nodes.size && seen.every(isSame) ? [] : [`${name} has another map`];
    });
  }

  /** Waits until every agent has the object's head, its nodes and their signatures, `mostMs` at most. */
  async converge(control: Control, tailnet: string, mostMs: number): Promise<Check> {
    const started = performance.now();
    const truth = await truthOf(control, tailnet);
    let apart = this.#apart(truth);
    while (apart.length > 0 && performance.now() - started < mostMs) {
      await sleep(LOOK_MS);
      apart = this.#apart(truth);
    }
    const took = seconds(performance.now() - started);
    return none(
      "every agent has the object's head, nodes and signatures",
      apart,
      `${this.running.length} agents, within ${took}`,
    );
  }
}

function text(row: Row | undefined, column: string): string {
  return String(row?.[column] ?? "");
}

async function truthOf(control: Control, tailnet: string): Promise<Truth> {
  const [chain] = await control.rows(tailnet, "SELECT head FROM chains WHERE retired IS NULL");
  const nodes = await control.rows(tailnet, "SELECT node_key, key_signature FROM nodes");
  return {
    head: text(chain, "head"),
    nodes: new Map(nodes.map((row) => [text(row, "node_key"), text(row, "key_signature")])),
  };
}
