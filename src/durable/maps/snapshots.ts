/** The snapshots that a sessions object keeps, one a tailnet, and how they are brought up to what is needed. Bounded by the memory of an object. */

import type { ObjectsEnv } from "../env.ts";
import type { MapSession, Needs } from "./session.ts";
import type { Changes, ChangesWanted } from "./netmap.ts";
import { ControlError } from "../refuse.ts";
import type { Admitted } from "../sessions/ticket.ts";
import { Snapshot, joinPages, type MapConfig } from "./snapshot.ts";

/** Characters of all snapshots together: an object has 128 MB, which others of its class may share. */
const MOST_CHARACTERS = 40_000_000;
/** Asks of the authority for one need: each follows from the answer to the one before. */
const MOST_ASKS = 4;

/** What is needed, and the seq and the number of presence that it must have reached. */
export interface Wanted extends Needs {
  readonly seq: number;
  readonly presence?: number;
}

/** Nobody needs it: there is no such number. */
const NEVER = Number.MAX_SAFE_INTEGER;

function holds(known: Snapshot, { since, removedSince, presenceSince }: Needs): boolean {
  return known.since <= since && known.removedSince <= removedSince && known.presenceSince <= presenceSince;
}

export class Snapshots {
  readonly #env: ObjectsEnv;
  readonly #config: MapConfig;
  /** In the order of their use, the last one last. */
  readonly #known = new Map<string, Snapshot>();
  /** Asks under way. */
  readonly #asking = new Map<string, Promise<void>>();

  constructor(env: ObjectsEnv, config: MapConfig) {
    this.#env = env;
    this.#config = config;
  }

  /** What is known of the tailnet, however old, or null. */
  peek(tailnet: string): Snapshot | null {
    return this.#known.get(tailnet) ?? null;
  }

  async #page(tailnet: string, wanted: ChangesWanted): Promise<Changes> {
    const { TAILNET_AUTHORITY: authorities } = this.#env;
    const outcome = await authorities.get(authorities.idFromName(tailnet)).changes(wanted);
    if (!outcome.ok) throw new ControlError(outcome.error.code, outcome.error.message);
    return outcome.value;
  }

  async #pages(tailnet: string, wanted: ChangesWanted): Promise<Changes> {
    const first = await this.#page(tailnet, wanted);
    const later: Changes[] = [];
    const { since, removedSince = since } = wanted;
    for (let { next } = first; next !== null; next = later.at(-1)?.next ?? null) {
      const page = await this.#page(tailnet, { since, removedSince, after: next });
      if (page.epoch !== first.epoch)
        throw new ControlError("try_again", "the tailnet's history has changed meanwhile");
      later.push(page);
    }
    return joinPages([first, ...later]);
  }

  #keep(tailnet: string, snapshot: Snapshot): void {
    this.#known.delete(tailnet);
    this.#known.set(tailnet, snapshot);
    let size = [...this.#known.values()].reduce((sum, known) => sum + known.size, 0);
    for (const [oldest, known] of this.#known) {
      if (size <= MOST_CHARACTERS || oldest === tailnet) return;
      this.#known.delete(oldest);
      size -= known.size;
    }
  }

  async #ask(tailnet: string, { since, removedSince, presenceSince }: Needs): Promise<void> {
    const known = this.peek(tailnet);
    if (known !== null && known.since <= since) {
      const from = Math.min(known.seq, removedSince);
      const presentFrom = Math.min(known.presence, presenceSince);
      const wanted = { since: known.seq, removedSince: from, presenceSince: presentFrom };
      if (known.apply(await this.#pages(tailnet, wanted), from, presentFrom)) return;
      this.#known.delete(tailnet);
      return;
    }
    const asked = Math.min(removedSince, known?.removedSince ?? removedSince);
    const presentFrom = since === 0 ? NEVER : Math.min(presenceSince, known?.presenceSince ?? presenceSince);
    const changes = await this.#pages(tailnet, {
      since,
      ...(asked < NEVER ? { removedSince: asked } : {}),
      ...(presentFrom < NEVER ? { presenceSince: presentFrom } : {}),
    });
    const removals = asked < NEVER ? asked : since === 0 ? changes.seq : since;
    const extent = {
      since,
      removedSince: Math.min(removals, changes.seq),
      // All nodes are told with what is known of them.
      presenceSince: since === 0 ? 0 : Math.min(presentFrom, changes.presence),
    };
    this.#keep(tailnet, new Snapshot(changes, extent, this.#config));
  }

  /** Asks the authority what is new. Asks that come together share one; who finds one under way has to look again at what it gave. */
  async #share(tailnet: string, needs: Needs): Promise<void> {
    const asking = this.#asking.get(tailnet);
    if (asking !== undefined) return asking;
    const asked = this.#ask(tailnet, needs).finally(() => this.#asking.delete(tailnet));
    this.#asking.set(tailnet, asked);
    return asked;
  }

  /** A snapshot that holds what is wanted. Throws ControlError where the authority refuses or has not got that far. */
  async reach(tailnet: string, { seq, presence = 0, ...needs }: Wanted): Promise<Snapshot> {
    for (let asks = 0; asks <= 2 * MOST_ASKS; asks++) {
      const known = this.peek(tailnet);
      if (known !== null && known.seq >= seq && known.presence >= presence && holds(known, needs)) return known;
      await this.#share(tailnet, needs);
    }
    throw new ControlError("try_again", "the tailnet's state has not arrived here yet");
  }

  /** The same, as the authority has it now. */
  async refresh(tailnet: string, needs: Needs): Promise<Snapshot> {
    await this.#asking.get(tailnet)?.catch(() => undefined);
    await this.#share(tailnet, needs);
    return this.reach(tailnet, { ...needs, seq: 0 });
  }

  /**
   * Makes sure that what is known is of the history and the layout in which a node was admitted: neither has a seq of its own. Asks where it is not.
   */
  async settle(
    { tailnet, epoch, shards }: Pick<Admitted, "tailnet" | "epoch"> & Pick<MapSession, "shards">,
    needs: Needs,
  ): Promise<void> {
    const known = this.peek(tailnet);
    if (known === null || (known.epoch === epoch && (shards === null || known.shards === shards))) return;
    await this.refresh(tailnet, needs);
  }
}
