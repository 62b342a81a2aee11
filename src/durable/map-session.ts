/**
 * What a node's session has been told, and what it is to be told next. Pure: the whole of a session is a small value, so that it can be saved and
 * nothing is lost where an object hibernates between any two messages.
 *
 * Rule [X6]: what is told next follows from what was told last. A large answer goes out in pieces, in order of ID; only the last of them carries
 *            the seq, and what has changed meanwhile follows it.
 * Rule [F15]: a node is told its packet filter, its SSHPolicy and its attributes at the beginning, and then where another digest says that they have
 *            changed for it; whatever else is told stays the same for all.
 * Rule [M6]: a node that wakes up from a retired chain is told so, and of signed peers alone; once it is awake, the others come [A5]. Where there
 *            is no lock, everyone is told of all.
 */

import type { NodeKey } from "../tka/index.ts";
import { encodeMapMessage, type MapCloseReason, type MapMessage, type TkaInfo } from "../protocol/index.ts";
import { MapText } from "./map-text.ts";
import type { Awakening } from "./nodes.ts";
import { ownerUser } from "./owner-user.ts";
import type { Admitted } from "./session-ticket.ts";
import { selfJson, type Entry, type Snapshot } from "./snapshot.ts";

/** An answer that is under way in pieces. */
export interface Batch {
  /** Nodes changed after this seq are in it. */
  readonly base: number;
  /** The ID of the last node that was told. */
  readonly cursor: number;
  /** The seq that the session has reached at its end. */
  readonly goal: number;
}

export interface MapSession {
  readonly nodeId: number;
  readonly nodeKey: NodeKey;
  /** The layout in which it is held [X3]. */
  readonly shards: number;
  /** The handle; empty before anything was told. */
  readonly epoch: string;
  readonly seq: number;
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

/** What a session needs a snapshot to hold. */
export interface Needs {
  readonly since: number;
  readonly removedSince: number;
}

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
  const isElsewhere = session.shards !== snapshot.shards || (own !== null && own.waiting !== session.waiting);
  return isElsewhere || (session.epoch !== "" && session.epoch !== snapshot.epoch) ? "moved" : null;
}

/** A session that may go on only if nothing has changed that would have shown it other peers: nobody remembers which it was shown. */
function mustBeginAnew({ resumed, seq, awakening }: MapSession, own: Entry | null, snapshot: Snapshot): boolean {
  if (!resumed) return false;
  return (own !== null && own.selfChanged > seq) || (awakening !== 0 && snapshot.lockChanged > seq);
}

/** What an admitted node's first request begins, or goes on in [M2]. */
export function openSession(admitted: Admitted, handle: string, since: number): MapSession {
  const { nodeId, nodeKey, shards, epoch, seq, awakening, waiting } = admitted;
  const resumed = handle === epoch && since > 0 && since <= seq;
  const place = resumed ? { epoch, seq: since } : { epoch: "", seq: 0 };
  const standing = { awakening, waiting, withheld: false, resumed, policy: "", nudged: false };
  return { nodeId, nodeKey, shards, ...place, batch: null, ...standing };
}

/** What a session's next answer needs a snapshot to hold, as far as it can be told without one. */
export function needsOf({ batch, seq }: MapSession): Needs {
  return { since: batch?.base ?? seq, removedSince: seq === 0 ? Number.MAX_SAFE_INTEGER : seq };
}

function begunAnew(session: MapSession): MapSession {
  return { ...session, epoch: "", seq: 0, resumed: false };
}

/** A session whose next answer is begun. */
interface Begun {
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
  const batch = { base: isAll ? 0 : from.seq, cursor: 0, goal: snapshot.seq };
  return { session: from, batch, own, awakening, withheld, policy: policyNews(from, own, snapshot) };
}

/** Nodes of one piece. */
interface Piece {
  readonly peers: readonly string[];
  /** IDs of nodes that are not to be seen. */
  readonly hidden: readonly number[];
  /** The tailnets of foreign nodes among the peers. */
  readonly homes: ReadonlySet<string>;
  /** The ID to go on after, or null where it is the last. */
  readonly next: number | null;
}

function pieceOf(snapshot: Snapshot, begun: Begun, most: number): Piece {
  const { session, batch, withheld } = begun;
  const peers: string[] = [];
  const hidden: number[] = [];
  const homes = new Set<string>();
  let size = 0;
  let last = batch.cursor;
  for (const entry of snapshot.sorted()) {
    const { id, changed, signed, home } = entry;
    if (session.waiting || id <= batch.cursor || changed <= batch.base || id === session.nodeId) continue;
    const json = withheld && !signed ? null : snapshot.seenBy(entry, session.nodeId);
    if (json === null) hidden.push(id);
    else {
      if (size > 0 && size + json.length > most) return { peers, hidden, homes, next: last };
      size += json.length;
      peers.push(json);
      if (home !== null) homes.add(home);
    }
    last = id;
  }
  return { peers, hidden, homes, next: null };
}

const listed = <T>(list: readonly T[]): readonly T[] | null => (list.length === 0 ? null : list);

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
    ...(isNew ? { Domain: snapshot.domain } : {}),
    Node: ownNews ? selfJson(own, given?.attributes ?? own.attributes) : null,
    TKAInfo: tkaNews ? tkaInfo : null,
    PacketFilter: given?.packetFilter ?? null,
    SSHPolicy: given?.sshPolicy ?? null,
  };
}

/** The text of a piece. What only its receiver is told is in `first`, which is null past the first piece. */
function textOf(snapshot: Snapshot, begun: Begun, first: MapMessage | null, piece: Piece): string {
  const { session, batch } = begun;
  // Who has been told of nothing knows of no node that could go.
  const removed =
    session.seq === 0 ? [] : [...(first === null ? [] : snapshot.removedAfter(session.seq)), ...piece.hidden];
  const isFull = session.epoch === "" && first !== null;
  const users = snapshot.homes.flatMap(({ home, user }) => (piece.homes.has(home) ? [user] : []));
  const message: MapMessage = {
    ...first,
    ...(piece.next === null ? { Seq: batch.goal } : {}),
    ...(isFull ? { Peers: piece.peers } : { PeersChanged: listed(piece.peers) }),
    PeersRemoved: listed(removed),
    UserProfiles: listed([...(isFull ? [ownerUser(snapshot.domain)] : []), ...users]),
  };
  const isSilent = Object.values({ ...message, Seq: null }).every((value) => value === null);
  return isSilent ? "" : encodeMapMessage(message);
}

/** The session once a piece was told. */
function told(snapshot: Snapshot, { session, batch, awakening, withheld, policy }: Begun, { next }: Piece): MapSession {
  const isDone = next === null;
  return {
    ...session,
    epoch: snapshot.epoch,
    seq: isDone ? batch.goal : session.seq,
    batch: isDone ? null : { ...batch, cursor: next },
    awakening,
    withheld,
    resumed: false,
    policy: policy ?? session.policy,
    nudged: false,
  };
}

/** A message that is the same for all who stand there: nothing in it is of its receiver. */
function isShared({ session, batch, own, awakening, withheld, policy }: Begun, snapshot: Snapshot): boolean {
  const { resumed, nudged, epoch } = session;
  const isOrdinary = epoch !== "" && !resumed && !nudged && batch.cursor === 0 && batch.base === session.seq;
  const isUnmoved = awakening === 0 && session.awakening === 0 && !withheld && !session.waiting;
  if (!isOrdinary || !isUnmoved || policy !== null || snapshot.hasForeign(batch.base)) return false;
  return own === null || (own.changed <= session.seq && own.selfChanged <= session.seq);
}

function missing({ batch, session }: Begun, snapshot: Snapshot): Needs | null {
  const removedSince = session.seq === 0 ? snapshot.removedSince : session.seq;
  if (snapshot.since > 0 && batch.cursor === 0 && mustAskPolicy(session, snapshot)) return { since: 0, removedSince };
  if (snapshot.since <= batch.base && snapshot.removedSince <= removedSince) return null;
  return { since: batch.base, removedSince };
}

function tellPiece(snapshot: Snapshot, begun: Begun, isFirst: boolean, most: number): Step {
  const make = (): { message: MapText; piece: Piece } => {
    const piece = pieceOf(snapshot, begun, most);
    const text = textOf(snapshot, begun, isFirst ? opening(snapshot, begun) : null, piece);
    return { message: new MapText(text), piece };
  };
  const made = isShared(begun, snapshot) ? snapshot.shared(`${begun.batch.base} ${most}`, make) : make();
  const session = told(snapshot, begun, made.piece);
  return made.message.text === "" ? { kind: "none", session } : { kind: "tell", message: made.message, session };
}

/** What comes next for a session, in pieces of `most` characters of nodes. The snapshot must have reached what the session waits for. */
export function nextStep(session: MapSession, snapshot: Snapshot, most: number): Step {
  const reason = ended(session, snapshot);
  if (reason !== null) return { kind: "end", reason };
  if (session.batch !== null) return goOn(session, session.batch, snapshot, most);
  const isQuiet = session.epoch !== "" && !session.nudged && !session.resumed && session.seq >= snapshot.seq;
  if (isQuiet) return { kind: "none", session };
  const begun = begin(session, snapshot);
  const needs = missing(begun, snapshot);
  if (needs !== null) return { kind: "load", needs };
  if (begun.session.epoch === "" && begun.own === null) return { kind: "end", reason: "removed" };
  return tellPiece(snapshot, begun, true, most);
}

function goOn(session: MapSession, batch: Batch, snapshot: Snapshot, most: number): Step {
  const { awakening, withheld } = session;
  const begun = { session, batch, own: snapshot.entry(session.nodeId), awakening, withheld, policy: null };
  const needs = missing(begun, snapshot);
  return needs === null ? tellPiece(snapshot, begun, false, most) : { kind: "load", needs };
}
