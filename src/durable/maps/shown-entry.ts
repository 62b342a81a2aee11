/** A node as a snapshot holds it: its JSON is made once, when somebody is first told of it. Pure. */

import type { NodeKey } from "../../tka/index.ts";
import {
  CAP_TAILNET_LOCK,
  encodeMapNode,
  encodePeerChange,
  type MapNode,
  type UserProfile,
} from "../../protocol/index.ts";
import type { ShownNode, ShownPresence } from "./netmap.ts";
import type { Awakening } from "../nodes/nodes.ts";
import type { Presence } from "../nodes/presence.ts";

/** What every node may do, whatever the policy says: use the lock, and take files of its owner's other nodes. */
const EVERY_NODE: readonly string[] = [CAP_TAILNET_LOCK, "https://tailscale.com/cap/file-sharing"];

/** The address by which a DERP region stands where an endpoint is expected. */
const DERP_ADDRESS = "127.3.3.40";

function timeOf(at: number | null): string {
  return at === null ? "" : new Date(at).toISOString();
}

function wholeOf({ node, presence, home }: ShownNode): MapNode {
  const { discoKey, endpoints, homeDerp, online, lastSeen } = presence;
  return {
    ...node,
    DiscoKey: discoKey,
    Endpoints: [...endpoints],
    DERP: homeDerp === 0 ? "" : `${DERP_ADDRESS}:${homeDerp}`,
    HomeDERP: homeDerp,
    Online: home === null ? online : null,
    LastSeen: timeOf(lastSeen),
  };
}

export class Entry {
  readonly shown: ShownNode;
  #json: string | null = null;

  constructor(shown: ShownNode) {
    this.shown = shown;
  }

  get id(): number {
    return this.shown.node.ID;
  }

  /** The tailnet of a foreign node; null for one of our own. */
  get home(): string | null {
    return this.shown.home;
  }

  get changed(): number {
    return this.shown.changed;
  }

  get selfChanged(): number {
    return this.shown.selfChanged;
  }

  get stableId(): string {
    return this.shown.node.StableID;
  }

  /** As whose it is shown; null with tags, and for a foreign node. */
  get owner(): UserProfile | null {
    return this.shown.owner;
  }

  /** The login of whose it is. */
  get user(): string | null {
    return this.shown.owner?.LoginName ?? null;
  }

  get tags(): readonly string[] {
    return this.shown.node.Tags;
  }

  /** Attributes of its own by the policy, as of when it last changed. */
  get attributes(): readonly string[] {
    return this.shown.attributes;
  }

  get key(): NodeKey {
    return this.shown.node.Key;
  }

  get signed(): boolean {
    return this.shown.node.KeySignature.length > 0;
  }

  /** True where the device waits for approval: nobody sees it [G14]. */
  get waiting(): boolean {
    return !this.shown.node.MachineAuthorized;
  }

  get awakening(): Awakening {
    return this.shown.awakening;
  }

  /** As its peers are shown it. */
  get json(): string {
    return (this.#json ??= encodeMapNode(wholeOf(this.shown)));
  }

  /** As it is shown itself: with what it may do, as its own user's, and connected, since it is told so. */
  selfJson(attributes: readonly string[], user: UserProfile): string {
    const CapMap = new Map([...EVERY_NODE, ...attributes].map((name) => [name, null] as const));
    return encodeMapNode({ ...wholeOf(this.shown), User: user.ID, CapMap, Online: true, LastSeen: "" });
  }

  /** The news of it that stands beside the node itself. */
  get news(): ShownPresence {
    const { id, home, changed, signed, waiting } = this;
    return { id, home, changed, signed, waiting, presence: this.shown.presence, whole: null };
  }

  withPresence(presence: Presence): Entry {
    return new Entry({ ...this.shown, presence });
  }
}

/** What has changed in a peer's presence since a number, as Go's PeerChange [M13]. */
export function patchJson({ id, presence }: ShownPresence, since: number): string {
  const { onlineAt, discoAt, placeAt, online, lastSeen, discoKey, endpoints, homeDerp } = presence;
  const isPlace = placeAt > since;
  return encodePeerChange({
    NodeID: id,
    DERPRegion: isPlace ? homeDerp : 0,
    Endpoints: isPlace ? [...endpoints] : null,
    DiscoKey: discoAt > since ? discoKey : "",
    Online: onlineAt > since ? online : null,
    LastSeen: onlineAt > since ? timeOf(lastSeen) : "",
  });
}
