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

/** Milliseconds between comparisons with the authority while somebody waits. */
const COMPARE_MS = 20_000;

interface Room {
  readonly snapshot: Snapshot;
  readonly waiting: Set<() => void>;
  /** The fetch of changes that is under way, if any. */
  refreshing: Promise<void> | null;
  comparing: ReturnType<typeof setInterval> | null;
}

export class NodeSessions extends DurableObject<ObjectsEnv> {
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
    const before = room.snapshot.seq;
    let changes = await this.#changes(tailnet, before);
    if (!room.snapshot.follows(changes)) changes = await this.#changes(tailnet, 0);
    room.snapshot.apply(changes);
    if (room.snapshot.seq !== before) for (const wake of room.waiting) wake();
  }

  /** Brings the snapshot up to `seq` at least. Requests that arrive together share one fetch. */
  async #refresh(tailnet: string, room: Room, seq: number): Promise<void> {
    while (room.snapshot.seq < seq) {
      room.refreshing ??= this.#fetchChanges(tailnet, room).finally(() => {
        room.refreshing = null;
      });
      await room.refreshing;
    }
  }

  /** Told by the authority, after a commit, that it is at `seq`; a no-op where the snapshot is there already. */
  async advance(tailnet: string, seq: number): Promise<void> {
    const room = this.#rooms.get(tailnet);
    if (room !== undefined) await this.#refresh(tailnet, room, seq);
  }

  #compare(tailnet: string, room: Room): void {
    room.comparing ??= setInterval(() => {
      this.#fetchChanges(tailnet, room).catch((error: unknown) => {
        console.warn("comparison with the authority failed; it is made again", String(error));
      });
    }, COMPARE_MS);
  }

  #stopComparing(room: Room): void {
    if (room.waiting.size > 0 || room.comparing === null) return;
    clearInterval(room.comparing);
    room.comparing = null;
  }

  /** Waits for a change, POLL_MS at most. */
  async #change(tailnet: string, room: Room): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const wake = (): void => {
      resolve(undefined);
    };
    const timer = setTimeout(wake, POLL_MS);
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
    const { nodeId, seq } = admitted.value;
    const room = this.#room(tailnet);
    await this.#refresh(tailnet, room, seq);
    const { MapSessionHandle: handle, MapSessionSeq: since } = request;
    if (!room.snapshot.continues(handle, since)) {
      const full = room.snapshot.full(nodeId);
      if (full === null) throw new ControlError("try_again", "the node's registration has not arrived here yet");
      return full;
    }
    if (room.snapshot.seq === since) await this.#change(tailnet, room);
    return room.snapshot.seq === since ? KEEP_ALIVE : room.snapshot.delta(nodeId, since);
  }

  /** One poll of a node: the full map for a new session, otherwise what is new, as soon as there is anything [M2]. */
  poll(tailnet: string, caller: Caller, request: MapRequest): Promise<Outcome<MapResponse>> {
    return outcomeOf(() => this.#answer(tailnet, caller, request));
  }
}
