/**
 * What a node's session has been told, and what it is to be told next. Pure: the whole of a session is a small value, so that it can be saved and
 * nothing is lost where an object hibernates between any two messages.
 *
 * Rule [X6]: what is told next follows from what was told last. A large answer goes out in pieces, in order of ID; only the last of them carries
 *            the seq, and what has changed meanwhile follows it.
 * Rule [F15]: a node is told its packet filter, its SSHPolicy and its attributes at the beginning, and then where another digest says that they have
 *            changed for it; whatever else is told stays the same for all.
 * Rule [M17]: who has no disco key reaches no peer by itself, and is not told who comes and goes, or moves, nor of relays.
 * Rule [M6]: a node that wakes up from a retired chain is told so, and of signed peers alone; once it is awake, the others come [A5]. Where there
 *            is no lock, everyone is told of all.
 */

import type { NodeKey } from "../../tka/index.ts";
import {
  encodeMapMessage,
  type MapCloseReason,
  type MapMessage,
  type TkaInfo,
  type UserProfile,
} from "../../protocol/index.ts";
import { newsFor, pieceOf, type Piece } from "./piece.ts";
import { MapText, type SharedText } from "./text.ts";
import { PeerChunks } from "./peer-chunks.ts";
import type { Awakening } from "../nodes/nodes.ts";
import type { Admitted } from "../sessions/ticket.ts";
import type { Entry, Extent, Snapshot } from "./snapshot.ts";
import { selfUser, taggedUser } from "../people/user-profiles.ts";

/** An answer that is under way in pieces. */
export interface Batch {
  /** Nodes changed after this seq are in it. */
  readonly base: number;
  /** The ID of the last node that was told. */
  readonly cursor: number;
  /** The seq that the session has reached at its end, and the number of presence. */
  readonly goal: number;
  readonly presence: number | null;
}

export interface MapSession {
  readonly nodeId: number;
  readonly nodeKey: NodeKey;
  /** The layout in which it is held [X3]; null where it stays where it is, whatever the layout becomes [X15]. */
  readonly shards: number | null;
  /** The handle; empty before anything was told. */
  readonly epoch: string;
  readonly seq: number;
  /** The number up to which it was told of presence [M13]; null where it is not told of it [M17]. */
  readonly presence: number | null;
  /** The number of presence that its first answer holds at least. */
  readonly least: number;
  readonly batch: Batch | null;
  /** What the node was told of how far it is; with `resumed`, what it is now. */
  readonly awakening: Awakening;
  /** True where the device waits for approval, and is told of nobody [G14]; when that changes, it begins anew. */
  readonly waiting: boolean;
  /** True where unsigned peers are kept from it. */
  readonly withheld: boolean;
  /** True from its going on in an earlier session until it is answered. */
  readonly resumed: boolean;
  /** The digest of what the policy gave it that it was told last; empty for nothing [F15]. */
  readonly policy: string;
  /** True where its TKAInfo is to be sent again. */
  readonly nudged: boolean;
}

/** A node that was admitted, and the layout in which it is held. */
export type Opening = Omit<Admitted, "shards"> & Pick<MapSession, "shards">;

/** From when on a session needs a snapshot to hold everything. */
export type Needs = Extent;

/** What needs nothing of a kind that it was never told of. */
const NOTHING = Number.MAX_SAFE_INTEGER;

export type Step =
  /** Nothing to tell; the session may have moved on all the same. */
  | { readonly kind: "none"; readonly session: MapSession }
  | { readonly kind: "tell"; readonly message: MapText; readonly session: MapSession }
  | { readonly kind: "load"; readonly needs: Needs }
  | { readonly kind: "end"; readonly reason: MapCloseReason };

/** The end of a session, or null where it goes on. */
function ended(session: MapSession, snapshot: Snapshot): MapCloseReason | null {
  const own = snapshot.entry(session.nodeId);
  if (snapshot.isRemoved(session.nodeId)) return "removed";
  if (own !== null && own.key !== session.nodeKey) return "rekeyed";
  const isMoved = session.shards !== null && session.shards !== snapshot.shards;
  const isElsewhere = isMoved || (own !== null && own.waiting !== session.waiting);
  return isElsewhere || (session.epoch !== "" && session.epoch !== snapshot.epoch) ? "moved" : null;
}

/** A session that may go on only if nothing has changed that would have shown it other peers: nobody remembers which it was shown. */
function mustBeginAnew({ resumed, seq, awakening }: MapSession, own: Entry | null, snapshot: Snapshot): boolean {
  if (!resumed) return false;
  return (own !== null && own.selfChanged > seq) || (awakening !== 0 && snapshot.lockChanged > seq);
}

/**
 * What an admitted node's first request begins, or goes on in [M2]. `hears`: whether it is to be told of presence [M17]; nobody remembers what it was
 * told of that before.
 */
export function openSession(admitted: Opening, handle: string, since: number, hears = false): MapSession {
  const { nodeId, nodeKey, shards, epoch, seq, awakening, waiting, presence: least } = admitted;
  const resumed = handle === epoch && since > 0 && since <= seq;
  const place = resumed ? { epoch, seq: since } : { epoch: "", seq: 0 };
  const presence = hears ? 0 : null;
  const standing = { awakening, waiting, withheld: false, resumed, policy: "", nudged: false };
  return { nodeId, nodeKey, shards, ...place, presence, least, batch: null, ...standing };
}

/** What a session's next answer needs a snapshot to hold, as far as it can be told without one. */
export function needsOf({ batch, seq, presence }: MapSession): Needs {
  const isNew = seq === 0;
  return {
    since: batch?.base ?? seq,
    removedSince: isNew ? NOTHING : seq,
    presenceSince: isNew ? NOTHING : (presence ?? NOTHING),
  };
}

function begunAnew(session: MapSession): MapSession {
  return { ...session, epoch: "", seq: 0, resumed: false };
}

/** A session whose next answer is begun. */
export interface Begun {
  readonly session: MapSession;
  readonly batch: Batch;
  readonly own: Entry | null;
  readonly awakening: Awakening;
  readonly withheld: boolean;
  /** The digest of what the policy gives, where that is another than it was told. */
  readonly policy: string | null;
}

/** True where a session cannot know what the policy gives it without looking at the whole tailnet. */
function mustAskPolicy({ epoch, seq }: MapSession, snapshot: Snapshot): boolean {
  return epoch === "" || snapshot.policyChanged > seq;
}

function policyNews(session: MapSession, own: Entry | null, snapshot: Snapshot): string | null {
  if (own === null || snapshot.since > 0 || !mustAskPolicy(session, snapshot)) return null;
  const digest = snapshot.policy.digestFor(own);
  return digest === session.policy ? null : digest;
}

function begin(session: MapSession, snapshot: Snapshot): Begun {
  const own = snapshot.entry(session.nodeId);
  const isAnew = mustBeginAnew(session, own, snapshot);
  const from = isAnew ? begunAnew(session) : session;
  const awakening = own?.awakening ?? from.awakening;
  const withheld = snapshot.locked && awakening !== 0;
  const isAll = from.epoch === "" || (!from.resumed && withheld !== from.withheld);
  const presence = isAll && from.presence !== null ? snapshot.presence : from.presence;
  const batch = { base: isAll ? 0 : from.seq, presence, cursor: 0, goal: snapshot.seq };
  return { session: from, batch, own, awakening, withheld, policy: policyNews(from, own, snapshot) };
}

const listed = <T>(list: readonly T[]): readonly T[] | null => (list.length === 0 ? null : list);

/** Clients are told to send their logs to nobody. */
const DEBUG = JSON.stringify({ DisableLogTail: true });

/** The relays that a session is told of, or null [M17]. */
function relaysFor({ presence }: MapSession, { config }: Snapshot): SharedText | null {
  return presence === null ? null : config.derpMap;
}

/** What the first message of a session says once, for all that follow. */
function introduction(snapshot: Snapshot, session: MapSession): MapMessage {
  return { Domain: snapshot.domain, DERPMap: relaysFor(session, snapshot)?.text ?? null, Debug: DEBUG };
}

/** What the first piece says beside peers. */
function opening(snapshot: Snapshot, { session, own, awakening, policy }: Begun): MapMessage {
  const { epoch, seq, resumed, nudged } = session;
  const tkaInfo: TkaInfo = awakening === 1 ? { Head: null, Disabled: true } : snapshot.tkaInfo;
  const isNew = epoch === "";
  const tkaNews = isNew || nudged || snapshot.lockChanged > seq || (!resumed && awakening !== session.awakening);
  const given = own === null || policy === null ? null : snapshot.policy.for(own);
  const ownNews = own !== null && (isNew || given !== null || own.changed > seq || own.selfChanged > seq);
  return {
    ...(isNew || resumed ? { MapSessionHandle: snapshot.epoch } : {}),
    ...(isNew ? introduction(snapshot, session) : {}),
    DNSConfig: isNew || snapshot.dns.changed > seq ? snapshot.dns.json : null,
    Node: ownNews
      ? own.selfJson(given?.attributes ?? own.attributes, selfUser(own.id, own.owner, snapshot.domain))
      : null,
    TKAInfo: tkaNews ? tkaInfo : null,
    PacketFilter: given?.packetFilter ?? null,
    SSHPolicy: given?.sshPolicy ?? null,
  };
}

/**
 * The users that a message names: the first owner and that of tagged devices with the first one, that of the node itself wherever it is told,
 * and those of peers wherever they are. The first owner, who has most devices of a small tailnet, is not told again.
 */
function usersOf(
  snapshot: Snapshot,
  { own }: Begun,
  first: MapMessage | null,
  piece: Piece,
  isFull: boolean,
): UserProfile[] {
  const { domain, homes, first: eldest } = snapshot;
  const self = own !== null && first?.Node != null ? selfUser(own.id, own.owner, domain) : null;
  const others = [...piece.people.values(), ...(self === null || piece.people.has(self.ID) ? [] : [self])];
  return [
    ...(isFull && eldest !== null ? [eldest] : []),
    ...(isFull ? [taggedUser(domain)] : []),
    ...others.filter(({ ID }) => ID !== eldest?.ID),
    ...homes.flatMap(({ home, user }) => (piece.homes.has(home) ? [user] : [])),
  ];
}

/** What a piece says, or null for nothing. What only its receiver is told is in `first`, which is null past the first piece. */
function messageOf(snapshot: Snapshot, begun: Begun, first: MapMessage | null, piece: Piece): MapMessage | null {
  const { session, batch } = begun;
  // Who has been told of nothing knows of no node that could go.
  const removed =
    session.seq === 0 ? [] : [...(first === null ? [] : snapshot.removedAfter(session.seq)), ...piece.hidden];
  const isFull = session.epoch === "" && first !== null;
  const told: MapMessage = {
    ...first,
    ...(isFull ? { Peers: piece.peers } : { PeersChanged: listed(piece.peers) }),
    PeersRemoved: listed(removed),
    PeersChangedPatch: listed(piece.patches),
    UserProfiles: listed(usersOf(snapshot, begun, first, piece, isFull)),
  };
  if (Object.values(told).every((value) => value === null)) return null;
  return piece.next === null ? { ...told, Seq: batch.goal } : told;
}

/** The session once a piece was told. */
function told(snapshot: Snapshot, begun: Begun, { next, presence }: Piece): MapSession {
  const { session, batch, awakening, withheld, policy } = begun;
  const isDone = next === null;
  return {
    ...session,
    epoch: snapshot.epoch,
    seq: isDone ? batch.goal : session.seq,
    presence: isDone ? presence : session.presence,
    batch: isDone ? null : { ...batch, cursor: next },
    awakening,
    withheld,
    resumed: false,
    policy: policy ?? session.policy,
    nudged: false,
  };
}

/** True where the news of presence that a session is to be told is not the same for all: its own node is among it, or others' that are foreign. */
function hasOwnNews({ nodeId, presence }: MapSession, snapshot: Snapshot): boolean {
  if (presence === null) return false;
  return (snapshot.presenceOf(nodeId)?.presence.changed ?? 0) > presence || snapshot.hasForeignNews(presence);
}

/** A message that is the same for all who stand there: nothing in it is of its receiver. */
function isShared({ session, batch, own, awakening, withheld, policy }: Begun, snapshot: Snapshot): boolean {
  const { resumed, nudged, epoch } = session;
  const isOrdinary = epoch !== "" && !resumed && !nudged && batch.cursor === 0 && batch.base === session.seq;
  const isUnmoved = awakening === 0 && session.awakening === 0 && !withheld && !session.waiting;
  if (!isOrdinary || !isUnmoved || policy !== null || snapshot.hasForeign(batch.base)) return false;
  if (hasOwnNews(session, snapshot)) return false;
  return own === null || (own.changed <= session.seq && own.selfChanged <= session.seq);
}

function missing({ batch, session }: Begun, snapshot: Snapshot): Needs | null {
  const removedSince = session.seq === 0 ? snapshot.removedSince : session.seq;
  const presenceSince = batch.base === 0 || session.presence === null ? snapshot.presenceSince : session.presence;
  if (snapshot.since > 0 && batch.cursor === 0 && mustAskPolicy(session, snapshot))
    return { since: 0, removedSince, presenceSince };
  const has =
    snapshot.since <= batch.base && snapshot.removedSince <= removedSince && snapshot.presenceSince <= presenceSince;
  return has ? null : { since: batch.base, removedSince, presenceSince };
}

/** All peers of a first map that is one piece, where they are the same for all nodes but for each one itself; else null. */
function chunksFor(snapshot: Snapshot, { session, batch, withheld }: Begun, most: number): PeerChunks | null {
  const isWhole = session.epoch === "" && batch.base === 0 && batch.cursor === 0;
  if (!isWhole || withheld || session.waiting || snapshot.homes.length > 0) return null;
  const chunks = snapshot.shared("chunks", () => new PeerChunks(snapshot.sorted().filter(({ waiting }) => !waiting)));
  return chunks.size <= most ? chunks : null;
}

/** A first map of such peers: what only its receiver is told, and then they. */
function firstMap(snapshot: Snapshot, begun: Begun, chunks: PeerChunks): { message: MapText; piece: Piece } {
  const { presence } = begun.batch;
  const people = snapshot.people;
  const piece = { peers: [], patches: [], hidden: [], homes: new Set<string>(), people, next: null, presence };
  const { Peers: _, DERPMap: __, ...own } = messageOf(snapshot, begun, opening(snapshot, begun), piece) ?? {};
  const head = encodeMapMessage(own).slice(0, -1);
  const relays = relaysFor(begun.session, snapshot);
  const shared = relays === null ? [] : [',"DERPMap":', relays];
  const peers = [',"Peers":[', ...chunks.partsFor(begun.session.nodeId), "]}"];
  return { message: new MapText(head, ...shared, ...peers), piece };
}

function tellPiece(snapshot: Snapshot, begun: Begun, isFirst: boolean, most: number): Step {
  const make = (): { message: MapText; piece: Piece } => {
    const chunks = chunksFor(snapshot, begun, most);
    if (chunks !== null) return firstMap(snapshot, begun, chunks);
    const piece = newsFor(snapshot, begun, pieceOf(snapshot, begun, most), most);
    const message = messageOf(snapshot, begun, isFirst ? opening(snapshot, begun) : null, piece);
    return { message: new MapText(message === null ? "" : encodeMapMessage(message)), piece };
  };
  const { base, presence } = begun.batch;
  const made = isShared(begun, snapshot) ? snapshot.shared(`told ${base} ${presence ?? "-"} ${most}`, make) : make();
  const session = told(snapshot, begun, made.piece);
  return made.message.isEmpty ? { kind: "none", session } : { kind: "tell", message: made.message, session };
}

/** True where there is no news of presence for who was told up to that number. */
export function hasHeard(presence: number | null, snapshot: Snapshot): boolean {
  return presence === null || presence >= snapshot.presence;
}

/** True where there is nothing that the session was not told. */
function isQuiet({ epoch, nudged, resumed, seq, presence }: MapSession, snapshot: Snapshot): boolean {
  return epoch !== "" && !nudged && !resumed && seq >= snapshot.seq && hasHeard(presence, snapshot);
}

/** What comes next for a session, in pieces of `most` characters of nodes. The snapshot must have reached what the session waits for. */
export function nextStep(session: MapSession, snapshot: Snapshot, most: number): Step {
  const reason = ended(session, snapshot);
  if (reason !== null) return { kind: "end", reason };
  if (session.batch !== null) return goOn(session, session.batch, snapshot, most);
  if (isQuiet(session, snapshot)) return { kind: "none", session };
  const begun = begin(session, snapshot);
  const needs = missing(begun, snapshot);
  if (needs !== null) return { kind: "load", needs };
  if (begun.session.epoch === "" && begun.own === null) return { kind: "end", reason: "removed" };
  return tellPiece(snapshot, begun, true, most);
}

function goOn(session: MapSession, batch: Batch, snapshot: Snapshot, most: number): Step {
  const { awakening, withheld } = session;
  const own = snapshot.entry(session.nodeId);
  const begun = { session, batch, own, awakening, withheld, policy: null };
  const needs = missing(begun, snapshot);
  return needs === null ? tellPiece(snapshot, begun, false, most) : { kind: "load", needs };
}
