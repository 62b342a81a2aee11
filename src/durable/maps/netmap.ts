/** What nodes are shown of their tailnet: the authority's half, from which a sessions object keeps its snapshot. */

import type { AumHash } from "../../tka/index.ts";
import type { Person, Policy } from "../../policy/index.ts";
import { timeJson, type MapNode, type UserProfile } from "../../protocol/index.ts";
import { dnsConfigJson } from "../settings/dns-settings.ts";
import { isExpired } from "../nodes/key-expiry.ts";
import { addressesOf } from "../node-address.ts";
import { nodeOf, type Awakening, type NodeRecord } from "../nodes/nodes.ts";
import { attributesBy, understoodOrNull } from "./policy-view.ts";
import { NO_PRESENCE, PRESENCE_COLUMNS, presenceOf, type Presence } from "../nodes/presence.ts";
import { homesOf, type HomeView } from "../sharing/views.ts";
import type { Tailnet } from "../authority/tailnet.ts";
import { taggedUser } from "../people/user-profiles.ts";
import { profileOf, profileOrGone } from "../people/users.ts";

/** What is told of a node as it is at this moment. */
type Momentary = "DiscoKey" | "Endpoints" | "DERP" | "HomeDERP" | "Online" | "LastSeen";

/** A node as its peers see it. */
export interface ShownNode {
  /** The tailnet of a foreign node; null for one of our own. Who sees it stands in the view of that tailnet. */
  readonly home: string | null;
  readonly changed: number;
  /** The seq at the last change that the node itself can see, and its peers cannot. */
  readonly selfChanged: number;
  /** Whose it is; null with tags, and for a foreign node. */
  readonly owner: UserProfile | null;
  /** Attributes of its own that the policy gives it. */
  readonly attributes: readonly string[];
  /** How far the node is that slept through the end of a lock; 0 for one that did not (lock/awakening.ts). */
  readonly awakening: Awakening;
  readonly node: Omit<MapNode, Momentary>;
  /** It is told with it; of a foreign node nothing is known. */
  readonly presence: Presence;
}

/** News of a node that is told by itself. Who may see it follows from what stands beside it. */
export interface ShownPresence {
  readonly id: number;
  /** The tailnet of a foreign node; null for one of our own. */
  readonly home: string | null;
  readonly changed: number;
  readonly signed: boolean;
  readonly waiting: boolean;
  readonly presence: Presence;
  /** The whole node, where more has changed than a patch can say. */
  readonly whole: ShownNode | null;
}

export interface RemovedNode {
  readonly id: number;
  /** The seq at which it went. */
  readonly changed: number;
}

/** What a sessions object asks the authority for. */
export interface ChangesWanted {
  /** Nodes changed after this seq; 0 for all. */
  readonly since: number;
  /** Of these, those with a greater ID: to go on after a page. */
  readonly after?: number;
  /** Nodes removed after this seq; `since` where it is absent. */
  readonly removedSince?: number;
  /** Presence that has changed after this number; none where it is absent. */
  readonly presenceSince?: number;
}

/** Everything that has changed since some seq, in pages. A page read later may hold what is newer than its first one's seq. */
export interface Changes {
  readonly epoch: string;
  readonly domain: string;
  readonly seq: number;
  /** The layout of the tailnet's sessions objects [X3]. */
  readonly shards: number;
  /** In order of ID. */
  readonly nodes: readonly ShownNode[];
  /** The ID to go on after, or null where this page is the last. */
  readonly next: number | null;
  readonly removed: readonly RemovedNode[];
  /** The tailnets that have nodes here. */
  readonly homes: readonly HomeView[];
  readonly lock: { readonly changed: number; readonly head: AumHash | null };
  /** As whom the tailnet's first owner is shown; null once that is gone. */
  readonly first: UserProfile | null;
  /** When what it gives may last have changed [F14], the file, and whom it knows; null for what has not changed since what was asked for. */
  readonly policy: {
    readonly changed: number;
    readonly text: string | null;
    readonly people: readonly Person[] | null;
  };
  /** Go's DNSConfig, as JSON. */
  readonly dns: { readonly changed: number; readonly json: string };
  /** News of presence, in order of their numbers. */
  readonly present: readonly ShownPresence[];
  /** The number up to which presence is told in here. */
  readonly presence: number;
}

/** Nodes in one page: an RPC message holds 32 MiB, and a node some 25 kB at worst. */
const PAGE = 1000;

const NO_BYTES = new Uint8Array(0);

/** The addresses as prefixes of one address each. */
function prefixesOf(id: number): string[] {
  const [v4, v6] = addressesOf(id);
  return [`${v4}/32`, `${v6}/128`];
}

/** What all nodes of one answer are shown by. */
interface Showing {
  readonly domain: string;
  readonly homes: readonly HomeView[];
  readonly now: number;
  /** Null where it is not understood. */
  readonly policy: Policy | null;
  /** As whom the person of an ID is shown. */
  readonly profile: (user: string) => UserProfile;
}

function shown(record: NodeRecord, presence: Presence, { domain, homes, now, policy, profile }: Showing): ShownNode {
  const owner = record.user === null ? null : profile(record.user);
  const home = homes.find((view) => view.home === record.home?.tailnet);
  const addresses = prefixesOf(record.id);
  return {
    changed: record.changed,
    selfChanged: record.selfChanged,
    owner,
    attributes: attributesBy(policy, {
      ...record,
      user: owner?.LoginName ?? null,
      home: record.home?.tailnet ?? null,
    }),
    awakening: record.awakening,
    home: record.home?.tailnet ?? null,
    presence,
    node: {
      ID: record.id,
      StableID: record.stableId,
      Name: record.home === null ? `${record.name}.${domain}.` : `${record.name}.`,
      User: (home?.user ?? owner ?? taggedUser(domain)).ID,
      Key: record.nodeKey,
      KeySignature: record.keySignature ?? NO_BYTES,
      Machine: record.home === null ? record.machineKey : null,
      Addresses: addresses,
      AllowedIPs: addresses,
      Hostinfo: {
        ...presence.host,
        RequestTags: [],
        Hostname: record.hostname,
        OS: record.os,
        IPNVersion: record.clientVersion,
        ShareeNode: home?.open.includes(record.id) === false,
      },
      Created: new Date(record.created).toISOString(),
      Cap: record.capVersion,
      Tags: [...record.tags],
      MachineAuthorized: record.authorized,
      Expired: isExpired(record, now),
      KeyExpiry: timeJson(record.keyExpiry),
      CapMap: new Map(),
      UnsignedPeerAPIOnly: false,
      IsJailed: home?.open.includes(record.id) === true,
      SelfNodeV4MasqAddrForThisPeer: "",
      SelfNodeV6MasqAddrForThisPeer: "",
    },
  };
}

/** Presence of these nodes, by ID. */
function presencesOf(tailnet: Tailnet, records: readonly NodeRecord[]): Map<number, Presence> {
  const sql = `SELECT node_id, ${PRESENCE_COLUMNS} FROM presence WHERE node_id IN (SELECT value FROM json_each(?))`;
  const rows = tailnet.store.rows(sql, JSON.stringify(records.map(({ id }) => id)));
  return new Map(rows.map((row) => [row.integer("node_id"), presenceOf(row)]));
}

/** News of presence after `since`, and the number that they reach. */
function newsOfPresence(
  tailnet: Tailnet,
  since: number,
  most: number,
  showing: Showing,
): { readonly present: ShownPresence[]; readonly presence: number } {
  const sql = `SELECT nodes.*, ${PRESENCE_COLUMNS} FROM presence JOIN nodes ON nodes.id = presence.node_id
    WHERE presence.changed > ? ORDER BY presence.changed LIMIT ?`;
  const present = tailnet.store.rows(sql, since, most).map((row): ShownPresence => {
    const [record, presence] = [nodeOf(row), presenceOf(row)];
    return {
      id: record.id,
      home: record.home?.tailnet ?? null,
      changed: record.changed,
      signed: record.keySignature !== null,
      waiting: !record.authorized,
      presence,
      whole: presence.hostAt > since ? shown(record, presence, showing) : null,
    };
  });
  const reached = present.length < most ? tailnet.info().presence : (present.at(-1)?.presence.changed ?? since);
  return { present, presence: reached };
}

/** Looks each person up once. Those of a tailnet that was given up are gone before their devices. */
function profilesOf({ users }: Tailnet, domain: string): Showing["profile"] {
  const known = new Map<string, UserProfile>();
  return (id) => {
    const found = known.get(id) ?? profileOrGone(users.byId(id), domain);
    known.set(id, found);
    return found;
  };
}

export function changesSince(tailnet: Tailnet, wanted: ChangesWanted, now: number, page = PAGE): Changes {
  const { since, after = 0, removedSince = since, presenceSince } = wanted;
  const { epoch, name, seq, lockSeq, policySeq, peopleSeq, shards, presence, dnsSeq } = tailnet.info();
  const isNews = (changed: number): boolean => after === 0 && (since === 0 || changed > since);
  const policy = understoodOrNull(() => tailnet.policy());
  const homes = homesOf(tailnet);
  const showing = { domain: name, homes, now, policy, profile: profilesOf(tailnet, name) };
  const first = tailnet.users.first();
  const records = tailnet.nodes.changedSince(since, after, page);
  const presences = presencesOf(tailnet, records);
  const news =
    presenceSince === undefined ? { present: [], presence } : newsOfPresence(tailnet, presenceSince, page, showing);
  return {
    epoch,
    domain: name,
    seq,
    shards,
    nodes: records.map((record) => shown(record, presences.get(record.id) ?? NO_PRESENCE, showing)),
    next: records.length < page ? null : (records.at(-1)?.id ?? null),
    // Who begins knows of no node that could go.
    removed: removedSince === 0 ? [] : tailnet.nodes.removedSince(removedSince),
    homes,
    lock: { changed: lockSeq, head: tailnet.lock.head() },
    first: first === null ? null : profileOf(first, name),
    policy: {
      changed: policySeq,
      text: isNews(tailnet.policies.latest().seq) ? tailnet.policies.current().text : null,
      people: isNews(peopleSeq) ? tailnet.users.people() : null,
    },
    dns: { changed: dnsSeq, json: dnsConfigJson(name, tailnet.settings.dns) },
    ...news,
  };
}
