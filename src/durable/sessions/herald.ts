/**
 * How the authority reaches its tailnet's sessions objects: after a commit to hurry them, and to nudge one node. Neither is waited for.
 *
 * Rule [M16]: what comes while an object is being told goes with the next call, and a call that told many is followed by a pause: a thousand nodes
 *            that come at once are not a thousand messages to each of a thousand.
 */

import { advanceShard } from "./advance.ts";
import type { ObjectsEnv } from "../env.ts";
import { log } from "../log.ts";
import { forgetShard, shardsToTell } from "../seating/shards.ts";
import type { Tailnet } from "../authority/tailnet.ts";

/** Sessions that an object may tell again and again without a pause; of more, so many are told in a millisecond of one. */
const FEW = 20;
const TOLD_A_MS = 10;
const MOST_PAUSE_MS = 1000;

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export class SessionHerald {
  readonly #env: ObjectsEnv;
  readonly #tailnet: Tailnet;
  /** Objects that are being told, and whether there is more to tell them. */
  readonly #again = new Map<string, boolean>();

  constructor(env: ObjectsEnv, tailnet: Tailnet) {
    this.#env = env;
    this.#tailnet = tailnet;
  }

  /**
   * Tells all of them how far the tailnet and its presence are [M16]. Never rejects: what is lost, the Queue and their own comparison tell again.
   */
  async hurry(tailnet: string): Promise<void> {
    await Promise.all(shardsToTell(this.#tailnet).map((shard) => this.#hurryOne(shard, tailnet)));
  }

  async #hurryOne(shard: string, tailnet: string): Promise<void> {
    if (this.#again.has(shard)) {
      this.#again.set(shard, true);
      return;
    }
    try {
      do {
        this.#again.set(shard, false);
        const told = await this.#tell(shard, tailnet);
        if (told > FEW) await pause(Math.min(MOST_PAUSE_MS, told / TOLD_A_MS));
      } while (this.#again.get(shard) === true);
    } finally {
      this.#again.delete(shard);
    }
  }

  /** Gives how many sessions were there to be told. */
  async #tell(shard: string, tailnet: string): Promise<number> {
    const { seq, presence } = this.#tailnet.info();
    try {
      const { sessions } = await advanceShard(this.#env, shard, tailnet, seq, presence);
      if (sessions === 0) forgetShard(this.#tailnet, shard, Date.now());
      return sessions;
    } catch (error) {
      log.warn("sessions not told of a change; they will ask", { tailnet, shard }, error);
      return 0;
    }
  }

  /** Has a node's session sent its TKAInfo again, wherever it is held. Never rejects. */
  async nudge(nodeId: number): Promise<void> {
    const { id } = this.#tailnet.info();
    const { NODE_SESSIONS: sessions } = this.#env;
    const nudged = shardsToTell(this.#tailnet).map((name) => sessions.get(sessions.idFromName(name)).nudge(id, nodeId));
    for (const { status } of await Promise.allSettled(nudged))
      if (status === "rejected") log.warn("a session was not nudged", { tailnet: id });
  }
}
