/** How the authority reaches its tailnet's sessions objects: after a commit to hurry them, and to nudge one node. Neither is waited for. */

import { advanceShard } from "./advance-sessions.ts";
import type { ObjectsEnv } from "./env.ts";
import { forgetShard, shardsToTell } from "./session-shards.ts";
import type { Tailnet } from "./tailnet.ts";

export class SessionHerald {
  readonly #env: ObjectsEnv;
  readonly #tailnet: Tailnet;

  constructor(env: ObjectsEnv, tailnet: Tailnet) {
    this.#env = env;
    this.#tailnet = tailnet;
  }

  /** Tells all of them that the tailnet is at `seq`. Never rejects: what is lost, the Queue and their own comparison tell again. */
  async hurry(tailnet: string, seq: number): Promise<void> {
    await Promise.all(shardsToTell(this.#tailnet).map((shard) => this.#tell(shard, tailnet, seq)));
  }

  async #tell(shard: string, tailnet: string, seq: number): Promise<void> {
    try {
      const { sessions } = await advanceShard(this.#env, shard, tailnet, seq);
      if (sessions === 0) forgetShard(this.#tailnet, shard, Date.now());
    } catch (error) {
      console.warn("sessions not told of a change; they will ask", String(error));
    }
  }

  /** Has a node's session sent its TKAInfo again, wherever it is held. Never rejects. */
  async nudge(nodeId: number): Promise<void> {
    const { id } = this.#tailnet.info();
    const { NODE_SESSIONS: sessions } = this.#env;
    const nudged = shardsToTell(this.#tailnet).map((name) => sessions.get(sessions.idFromName(name)).nudge(id, nodeId));
    for (const { status } of await Promise.allSettled(nudged))
      if (status === "rejected") console.warn("a session was not nudged");
  }
}
