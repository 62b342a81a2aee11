/** `/machine/register`: a node key joins a tailnet, or is rotated. Source: Go's `tailcfg.RegisterRequest` and `RegisterResponse`. */

import { parseLockKey, parseNodeKey, type NodeKey } from "../tka/index.ts";
import { hostinfo } from "./hostinfo.ts";
import {
  ShapeError,
  boolean,
  bytes,
  integer,
  optional,
  parsed,
  record,
  text,
  withDefault,
  type Shape,
  type ShapeOf,
} from "./shape.ts";

export const REGISTER_PATH = "/machine/register";

const NO_BYTES = new Uint8Array(0);
/** The zero node key, which clients send for "none". */
const NO_NODE_KEY = `nodekey:${"0".repeat(64)}`;

const optionalNodeKey: Shape<NodeKey | null> = (value, at) => {
  const key = optional(parsed(parseNodeKey))(value, at);
  return key === NO_NODE_KEY ? null : key;
};

const ownNodeKey: Shape<NodeKey> = (value, at) => {
  const key = parsed(parseNodeKey)(value, at);
  if (key === NO_NODE_KEY) throw new ShapeError(`${at}: a node key that is not zero expected`);
  return key;
};

/** The lock key, 32 bytes; null for the zero one, which a client without a lock key sends: whoever signed to it would sign to nobody's key. */
const optionalLockKey: Shape<Uint8Array | null> = (value, at) => {
  const key = optional(parsed(parseLockKey))(value, at);
  return key?.every((byte) => byte === 0) === true ? null : key;
};

export const registerRequest = record({
  Version: withDefault(integer, 0),
  NodeKey: ownNodeKey,
  /** The key that this one replaces, or null. */
  OldNodeKey: optionalNodeKey,
  /** The node's lock key (32 bytes), or null where it has none. */
  NLKey: optionalLockKey,
  Auth: optional(record({ AuthKey: withDefault(text, "") })),
  Hostinfo: optional(hostinfo),
  /** When the node wants its key to be over, RFC 3339: sooner than it would be. In the past: it logs out. Go's zero time says nothing. */
  Expiry: withDefault(text, ""),
  /** The `AuthURL` of an earlier answer: the answer waits until it was visited. Empty for none. */
  Followup: withDefault(text, ""),
  Ephemeral: withDefault(boolean, false),
  /** A signature for NodeKey that the node made itself, by rotation or credential; empty for none. */
  NodeKeySignature: withDefault(bytes, NO_BYTES),
});

const user = record({ ID: withDefault(integer, 0), DisplayName: withDefault(text, "") });
const login = record({
  ID: withDefault(integer, 0),
  Provider: withDefault(text, ""),
  LoginName: withDefault(text, ""),
  DisplayName: withDefault(text, ""),
});

export const registerResponse = record({
  /** Whose node it is. Clients keep a profile by it. */
  User: withDefault(user, { ID: 0, DisplayName: "" }),
  Login: withDefault(login, { ID: 0, Provider: "", LoginName: "", DisplayName: "" }),
  NodeKeyExpired: withDefault(boolean, false),
  MachineAuthorized: withDefault(boolean, false),
  AuthURL: withDefault(text, ""),
  /** The signature for the node's previous key, for the node to rotate; empty for none. */
  NodeKeySignature: withDefault(bytes, NO_BYTES),
  Error: withDefault(text, ""),
});

export type RegisterRequest = ShapeOf<typeof registerRequest>;
export type RegisterResponse = ShapeOf<typeof registerResponse>;
