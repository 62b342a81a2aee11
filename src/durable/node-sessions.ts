/**
 * Holds the nodes' polls, and keeps one snapshot a tailnet from which all of them are answered.
 *
 * Rule [X1]: the authority's `advance` is a hurry, not a promise: while anyone waits, the object compares its seq with the authority's.
 * Rule [X2]: nothing is stored here: a poll that is cut off is made again by its node.
 */

import { DurableObject } from "cloudflare:workers";
import { POLL_MS, type MapRequest, type MapResponse, type Outcome } from "../protocol/index.ts";
import type { ObjectsEnv } from "./env.ts";
import type { Changes } from "./netmap.ts";
import type { Caller } from "./nonces.ts";
import { ControlError, outcomeOf } from "./refuse.ts";
import { KEEP_ALIVE, Snapshot } from "./snapshot.ts";

interface Room {
  readonly snapshot: Snapshot;
  readonly waiting: Set<() => void>;
  /** The fetch of changes that is under way, if any. */
  refreshing: Promise<void> | null;
  comparing: ReturnType<typeof setInterval> | null;
}

export class NodeSessions extends DurableObject<ObjectsEnv> {
  /** Milliseconds between comparisons with the authority while somebody waits. */
  readonly compareMs: number = 20_000;
  /** Milliseconds after which a poll without news is answered. */
  readonly pollMs: number = POLL_MS;
  readonly #rooms = new Map<string, Room>();

  #room(tailnet: string): Room {
    const known = this.#rooms.get(tailnet);
    if (known !== undefined) return known;
    const room: Room = { snapshot: new Snapshot(), waiting: new Set(), refreshing: null, comparing: null };
    this.#rooms.set(tailnet, room);
    return room;
  }

  #authority(tailnet: string) {
    return this.env.TAILNET_AUTHORITY.get(this.env.TAILNET_AUTHORITY.idFromName(tailnet));
  }

  async #changes(tailnet: string, since: number): Promise<Changes> {
    const outcome = await this.#authority(tailnet).changes(since);
    if (!outcome.ok) throw new ControlError(outcome.error.code, outcome.error.message);
    return outcome.value;
  }

  async #fetchChanges(tailnet: string, room: Room): Promise<void> {
    let changes = await this.#changes(tailnet, room.snapshot.seq);
    if (!room.snapshot.follows(changes)) changes = await this.#changes(tailnet, 0);
    if (room.snapshot.apply(changes)) for (const wake of room.waiting) wake();
  }

  /**
   * Fetches changes until the snapshot is there. Requests that arrive together share one fetch; one that is under way may have asked too
   * early, the next has not.
   */
  async #refresh(tailnet: string, room: Room, isThere: () => boolean): Promise<void> {
    for (let fetches = 0; fetches < 2 && !isThere(); fetches++) {
      room.refreshing ??= this.#fetchChanges(tailnet, room).finally(() => {
        room.refreshing = null;
      });
      await room.refreshing;
    }
  }

  /** Told by the authority, after a commit, that it is at `seq`; a no-op where the snapshot is there already. */
  async advance(tailnet: string, seq: number): Promise<void> {
    const room = this.#rooms.get(tailnet);
    if (room !== undefined) await this.#refresh(tailnet, room, () => room.snapshot.seq >= seq);
  }

  #compare(tailnet: string, room: Room): void {
    room.comparing ??= setInterval(() => {
      this.#fetchChanges(tailnet, room).catch((error: unknown) => {
        console.warn("comparison with the authority failed; it is made again", String(error));
      });
    }, this.compareMs);
  }

  #stopComparing(room: Room): void {
    if (room.waiting.size > 0 || room.comparing === null) return;
    clearInterval(room.comparing);
    room.comparing = null;
  }

  /** Waits for a change, or for the end of the poll. */
  async #change(tailnet: string, room: Room): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const wake = (): void => {
      resolve(undefined);
    };
    const timer = setTimeout(wake, this.pollMs);
    room.waiting.add(wake);
    this.#compare(tailnet, room);
    await promise;
    clearTimeout(timer);
    room.waiting.delete(wake);
    this.#stopComparing(room);
  }

  async #answer(tailnet: string, caller: Caller, request: MapRequest): Promise<MapResponse> {
    const admitted = await this.#authority(tailnet).admitPoll(caller, request);
    if (!admitted.ok) throw new ControlError(admitted.error.code, admitted.error.message, admitted.error);
    const { nodeId, epoch, seq } = admitted.value;
    const room = this.#room(tailnet);
    const { snapshot } = room;
    await this.#refresh(tailnet, room, () => snapshot.reaches(epoch, seq));
    const { MapSessionHandle: handle, MapSessionSeq: since } = request;
    if (snapshot.continues(handle, since) && !snapshot.hasNews(since)) await this.#change(tailnet, room);
    if (snapshot.continues(handle, since)) return snapshot.hasNews(since) ? snapshot.delta(nodeId, since) : KEEP_ALIVE;
    const full = snapshot.full(nodeId);
    if (full === null) throw new ControlError("try_again", "the node's registration has not arrived here yet");
    return full;
  }

  /** One poll of a node: the full map for a new session, otherwise what is new, as soon as there is anything [M2]. */
  poll(tailnet: string, caller: Caller, request: MapRequest): Promise<Outcome<MapResponse>> {
    return outcomeOf(() => this.#answer(tailnet, caller, request));
  }
}
