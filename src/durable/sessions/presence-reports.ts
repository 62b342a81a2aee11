/**
 * How a sessions object tells authorities which nodes have come to it and gone. What it is about to say is kept in memory: where that is lost, the
 * comparison says it all again.
 *
 * Rule [X18]: a node that comes is told of at once, one that goes after a while, since most come back: who is there again by then has never been away.
 * Rule [X19]: to one authority there is one report under way at a time, and a pause after it: what comes meanwhile goes together. So it is with a
 *            comparison: who comes while it is under way is told of after it, since calls may overtake one another.
 * Rule [X20]: with each comparison an object says whom of the tailnet it holds, and a while after all of its sessions were cut off at once. It stores
 *             which tailnets it told of, until it has said that it holds nobody of one: so that is said also where nobody came back.
 */

import type { ObjectsEnv } from "../env.ts";
import { log } from "../log.ts";
import type { Coming } from "../nodes/presence.ts";

/** With which every object begins; in milliseconds. */
export const PRESENCE_WAITS = {
  /** For which a node may be away unnoticed. */
  graceMs: 5000,
  /** Between reports to one authority. */
  pauseMs: 1000,
  /** After which a report that was lost is made again. */
  retryMs: 5000,
  /** For which who was cut off with everybody else may be away unnoticed. */
  restartMs: 20_000,
};
const STORED = "told ";

/** Whom the object holds. */
export interface Held {
  /** True where the node has a session here. */
  has(tailnet: string, nodeId: number): boolean;
  /** IDs of all nodes of the tailnet that have. */
  all(tailnet: string): readonly number[];
}

/** What is to be said to one authority. */
interface Talk {
  readonly news: Map<number, boolean>;
  /** Nodes that it was told of as here. */
  readonly told: Set<number>;
  /** Nodes that have gone, and when that is to be told; in milliseconds since the epoch. */
  readonly leaving: Map<number, number>;
  isTalking: boolean;
  isStored: boolean;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export class PresenceReports {
  readonly #ctx: DurableObjectState;
  readonly #env: ObjectsEnv;
  readonly #held: Held;
  readonly #talks = new Map<string, Talk>();
  /** True while a look at those who have gone is to come. */
  #isWaiting = false;
  /** Tailnets that are compared, and those of them whose comparison is under way. */
  readonly #comparing = new Set<string>();
  readonly #underWay = new Set<string>();
  graceMs = PRESENCE_WAITS.graceMs;
  pauseMs = PRESENCE_WAITS.pauseMs;
  retryMs = PRESENCE_WAITS.retryMs;
  restartMs = PRESENCE_WAITS.restartMs;

  constructor(ctx: DurableObjectState, env: ObjectsEnv, held: Held) {
    this.#ctx = ctx;
    this.#env = env;
    this.#held = held;
  }

  #talk(tailnet: string): Talk {
    const known = this.#talks.get(tailnet);
    if (known !== undefined) return known;
    const talk = { news: new Map(), told: new Set<number>(), leaving: new Map(), isTalking: false, isStored: false };
    this.#talks.set(tailnet, talk);
    return talk;
  }

  /** A node has a session here. */
  came(tailnet: string, nodeId: number): void {
    const talk = this.#talk(tailnet);
    talk.leaving.delete(nodeId);
    if (talk.told.has(nodeId) && talk.news.get(nodeId) !== false) return;
    talk.told.add(nodeId);
    talk.news.set(nodeId, true);
    this.#say(tailnet, talk);
  }

  /** A session of a node is over; it may have another. */
  left(tailnet: string, nodeId: number): void {
    this.#talk(tailnet).leaving.set(nodeId, Date.now() + this.graceMs);
    if (!this.#isWaiting) this.#leaveAfter(this.graceMs);
  }

  #leaveAfter(ms: number): void {
    this.#isWaiting = true;
    setTimeout(() => {
      this.#isWaiting = false;
      this.#leave(Date.now());
    }, ms);
  }

  /** Says of those who have not come back that they are gone. */
  #leave(now: number): void {
    let next = Infinity;
    for (const [tailnet, talk] of this.#talks) {
      for (const [nodeId, due] of talk.leaving) {
        if (due > now) next = Math.min(next, due);
        else this.#gone(tailnet, talk, nodeId);
      }
      this.#say(tailnet, talk);
    }
    if (next < Infinity) this.#leaveAfter(next - now);
  }

  #gone(tailnet: string, talk: Talk, nodeId: number): void {
    talk.leaving.delete(nodeId);
    if (this.#held.has(tailnet, nodeId)) return;
    talk.told.delete(nodeId);
    talk.news.set(nodeId, false);
  }

  #say(tailnet: string, talk: Talk): void {
    if (talk.isTalking || talk.news.size === 0 || this.#underWay.has(tailnet)) return;
    talk.isTalking = true;
    this.#ctx.waitUntil(this.#sayAll(tailnet, talk));
  }

  /** Never rejects. */
  async #sayAll(tailnet: string, talk: Talk): Promise<void> {
    await this.#store(tailnet, talk);
    while (talk.news.size > 0) {
      const comings = [...talk.news].map(([nodeId, online]): Coming => ({ nodeId, online }));
      talk.news.clear();
      const isTaken = await this.#tell(tailnet, comings);
      // What has changed meanwhile is newer.
      if (!isTaken) for (const { nodeId, online } of comings) if (!talk.news.has(nodeId)) talk.news.set(nodeId, online);
      await pause(isTaken ? this.pauseMs : this.retryMs);
    }
    talk.isTalking = false;
    if (talk.told.size + talk.leaving.size === 0) this.#talks.delete(tailnet);
  }

  async #tell(tailnet: string, comings: readonly Coming[]): Promise<boolean> {
    const { TAILNET_AUTHORITY: authorities } = this.#env;
    try {
      const told = await authorities.get(authorities.idFromName(tailnet)).comings(this.#name, comings);
      // A refusal is final: there is no such tailnet.
      if (!told.ok) log.warn("it was not taken who is connected", { tailnet, why: told.error.message });
      return true;
    } catch (error) {
      log.warn("it was not heard who is connected; it is said again", { tailnet }, error);
      return false;
    }
  }

  get #name(): string {
    return this.#ctx.id.toString();
  }

  async #store(tailnet: string, talk: Talk): Promise<void> {
    if (talk.isStored) return;
    talk.isStored = true;
    await this.#ctx.storage.put(STORED + tailnet, 1);
  }

  /** Tailnets of whose nodes an authority may still believe that they are here. */
  async tailnets(): Promise<string[]> {
    const stored = await this.#ctx.storage.list({ prefix: STORED });
    return [...stored.keys()].map((key) => key.slice(STORED.length));
  }

  /** To be called where all sessions that there were are gone: says after a while who has come back [X20]. Never rejects. */
  async begin(): Promise<void> {
    try {
      const tailnets = await this.tailnets();
      if (tailnets.length === 0) return;
      await pause(this.restartMs);
      for (const tailnet of tailnets) await this.compare(tailnet);
    } catch (error) {
      log.warn("it was not said who has come back; the next comparison does", {}, error);
    }
  }

  /** Says whom of a tailnet the object holds [X20], unless it is about to. Rejects where the authority cannot be reached. */
  async compare(tailnet: string): Promise<void> {
    if (this.#comparing.has(tailnet)) return;
    this.#comparing.add(tailnet);
    try {
      // What is being said there comes first.
      while (this.#talks.get(tailnet)?.isTalking === true) await pause(this.pauseMs);
      this.#underWay.add(tailnet);
      await this.#hold(tailnet);
    } finally {
      this.#comparing.delete(tailnet);
      this.#underWay.delete(tailnet);
      const talk = this.#talks.get(tailnet);
      if (talk !== undefined) this.#say(tailnet, talk);
    }
  }

  async #hold(tailnet: string): Promise<void> {
    const nodeIds = [...this.#held.all(tailnet), ...(this.#talks.get(tailnet)?.leaving.keys() ?? [])];
    const { TAILNET_AUTHORITY: authorities } = this.#env;
    await authorities.get(authorities.idFromName(tailnet)).holds(this.#name, nodeIds);
    const isOver = nodeIds.length === 0 && this.#held.all(tailnet).length === 0 && !this.#talks.has(tailnet);
    if (isOver) await this.#ctx.storage.delete(STORED + tailnet);
  }
}
