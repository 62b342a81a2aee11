/**
 * What two tailnets' objects tell each other about their shares. A statement is all that one has to say to the other, and takes the place of
 * the one before: so none has to arrive, and the same one twice is harmless.
 *
 * Rule [S4]: a statement tells of nodes that the share needs and of no others, and of those their keys, name, operating system, expiry and relay.
 * Rule [S5]: a statement carries its tailnet's epoch, with when that began, and its seq; one that is older than the last taken is passed over.
 */

import { parseNodeKey, type NodeKey } from "../../tka/index.ts";
import {
  ID_PATTERNS,
  ShapeError,
  bytes,
  discoKey,
  integer,
  isShareId,
  isTailnetId,
  jsonReplacer,
  list,
  nullable,
  parseJson,
  parsed,
  record,
  text,
  withDefault,
  type Shape,
} from "../../protocol/index.ts";
import { MOST_REGION } from "../nodes/host-details.ts";
import { kept, labelOf } from "../nodes/node-facts.ts";
import { ControlError } from "../refuse.ts";
import { sha256Hex } from "../sha256.ts";

/** Nodes that one tailnet may bring into another: each is a row there, and a peer. */
export const MAX_FOREIGN_NODES = 1000;
/** The same for all tailnets that bring any, together. */
export const MAX_FOREIGN_TOTAL = 4000;
/** Shares of a tailnet that are open or accepted, both ways. */
export const MAX_SHARES = 500;
/** Characters of a statement: a node is some 420. */
const MAX_STATEMENT = 1024 * 1024;

/** A node of another tailnet. */
export interface ForeignFacts {
  /** Its stable ID at home. */
  readonly node: string;
  readonly nodeKey: NodeKey;
  /** 32 bytes, or null where it has none. */
  readonly lockKey: Uint8Array | null;
  /** The first label of its name at home. */
  readonly name: string;
  readonly os: string;
  /** Milliseconds since the epoch, or null for never. */
  readonly keyExpiry: number | null;
  /** By which its peers find it: `discokey:…`, or empty; and the DERP region at which it is to be found, or 0. Where else, it tells them itself there. */
  readonly discoKey: string;
  readonly homeDerp: number;
}

export interface Statement {
  /** The tailnet that states this, its name and where its history is. */
  readonly from: string;
  readonly name: string;
  readonly epoch: string;
  /** When the epoch began: of two epochs the later counts. */
  readonly era: number;
  readonly seq: number;
  /** Tells whether two statements of a tailnet say the same, whenever they were made; hex of SHA-256. */
  readonly digest: string;
  /** Its shares that the other has accepted, each with the stable ID of the node. */
  readonly shares: readonly { readonly id: string; readonly node: string }[];
  /** The other's shares that it has accepted, or is about to. */
  readonly holds: readonly string[];
  /** Its nodes that the other is to know. */
  readonly nodes: readonly ForeignFacts[];
  /** The other's nodes here, each with the ID (and so the address) that it has here. */
  readonly placed: readonly { readonly node: string; readonly id: number }[];
}

const LOCK_KEY_BYTES = 32;
const NAME = /^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/;
const DIGEST = /^[0-9a-f]{64}$/;
const STABLE_ID = new RegExp(`^${ID_PATTERNS.shortDevice}(${ID_PATTERNS.tailnet})?$`);
/** The address of a greater one would be another's. */
const MAX_ID = 0x3fffff;
/** Milliseconds since the epoch that any Date can tell: it throws at a greater one, and with it whatever shows the node. */
const MAX_TIME = 8_640_000_000_000_000;

function matching(test: (value: string) => boolean, what: string): Shape<string> {
  return (value, at) => {
    const given = text(value, at);
    if (!test(given)) throw new ShapeError(`${at}: ${what} expected`);
    return given;
  };
}

const lockKey: Shape<Uint8Array> = (value, at) => {
  const key = bytes(value, at);
  if (key.length !== LOCK_KEY_BYTES) throw new ShapeError(`${at}: a lock key expected`);
  return key;
};

const nodeId: Shape<number> = (value, at) => {
  const id = integer(value, at);
  if (id < 1 || id > MAX_ID) throw new ShapeError(`${at}: a node ID expected`);
  return id;
};

const time: Shape<number> = (value, at) => {
  const ms = integer(value, at);
  if (ms < 0 || ms > MAX_TIME) throw new ShapeError(`${at}: a time expected`);
  return ms;
};

const region: Shape<number> = (value, at) => {
  const id = integer(value, at);
  if (id < 0 || id > MOST_REGION) throw new ShapeError(`${at}: a DERP region expected`);
  return id;
};

const shareId = matching(isShareId, "a share ID");
const stableId = matching((value) => STABLE_ID.test(value), "a stable ID");

const statementShape = record({
  from: matching(isTailnetId, "a tailnet ID"),
  name: matching((value) => NAME.test(value), "a domain name"),
  epoch: text,
  era: integer,
  seq: integer,
  digest: matching((value) => DIGEST.test(value), "a digest"),
  shares: list(record({ id: shareId, node: stableId }), MAX_SHARES),
  holds: list(shareId, MAX_SHARES),
  nodes: list(
    record({
      node: stableId,
      nodeKey: parsed(parseNodeKey),
      lockKey: nullable(lockKey),
      name: parsed(labelOf),
      os: parsed(kept),
      keyExpiry: nullable(time),
      discoKey,
      homeDerp: withDefault(region, 0),
    }),
    MAX_FOREIGN_NODES,
  ),
  placed: list(record({ node: stableId, id: nodeId }), MAX_FOREIGN_NODES),
});

export function encodeStatement(statement: Statement): string {
  return JSON.stringify(statement, jsonReplacer);
}

/** Reads another tailnet's statement, which is attacker-controlled. Throws `malformed_request`. */
export function parseStatement(given: string): Statement {
  if (given.length > MAX_STATEMENT)
    throw new ControlError("malformed_request", "the statement of a share is too large");
  try {
    return parseJson(given, statementShape, "statement");
  } catch (error) {
    if (error instanceof ShapeError) throw new ControlError("malformed_request", error.message);
    throw error;
  }
}

/** A statement with the digest of what it says. */
export function sealStatement(said: Omit<Statement, "digest">): Statement {
  const { name, shares, holds, nodes, placed } = said;
  const whole = JSON.stringify({ name, shares, holds, nodes, placed }, jsonReplacer);
  return { ...said, digest: sha256Hex(whole) };
}
