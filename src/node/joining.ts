/**
 * How a node gets into a tailnet, and back in with a new key. Sources: Go's `control/controlclient` and `tka.SignByCredential`, from which the
 * first rotation departs for the better (src/tka/rotation.ts).
 *
 * Rule [R4]: a node key is on disk before it is registered, and the same one is sent again until it is taken.
 * Rule [R5]: a node that joins by a signed auth key signs itself, naming its own lock key for what comes after.
 * Rule [R6]: a key that replaces another carries the rotation of the old one's signature where that is ours to rotate; else it waits to be signed.
 *            What is rotated is proven first, for the old key and under our own chain: the control plane chooses which signature we are told of,
 *            and our key must never sign anew what nobody has signed.
 * Rule [R7]: a node that somebody must let in says where, and asks again under that address, ever more rarely where the control plane does not
 *            hold the question, until it is let in, refused, or stopped.
 */

import { hostname as hostName, platform } from "node:os";
import { CAPABILITY_VERSION, type RegisterResponse } from "../protocol/index.ts";
import {
  TkaError,
  equalBytes,
  formatLockKeyJson,
  isWrapped,
  nodeKeyFromRaw,
  parseWrappedAuthKey,
  rotateSignature,
  signByCredential,
  type Signer,
} from "../tka/index.ts";
import type { Approval } from "./approval.ts";
import { Backoff } from "./backoff.ts";
import { AgentError, ControlRefusal } from "./errors.ts";
import type { ControlClient, RequestBody } from "./https-client.ts";
import type { KeyStore } from "./key-store.ts";
import type { LocalLock } from "./local-lock.ts";
import { lockSigner, newNodeKey, publicNodeKey, signerFromSeed } from "./native-crypto.ts";

const NO_BYTES = new Uint8Array(0);
const PRIVATE_KEY_BYTES = 64;

export interface Joining {
  readonly client: ControlClient;
  readonly store: KeyStore;
  /** Proves signatures; without a lock, none is rotated. */
  readonly lock: LocalLock;
  /** An auth key, wrapped or not, or null. A secret. */
  readonly authKey: string | null;
  /** What the node calls itself; null for the host's name. */
  readonly hostname: string | null;
}

/** The part of an auth key that is sent, and what the node makes of the rest for its own node key. */
interface Credentials {
  readonly authKey: string;
  /** Null where the auth key carries no signature. */
  readonly signature: Uint8Array | null;
}

function throwAwaySigner(privateKey: Uint8Array): Signer {
  const signer = signerFromSeed(privateKey.subarray(0, 32));
  if (privateKey.length !== PRIVATE_KEY_BYTES || !equalBytes(privateKey.subarray(32), signer.publicKey))
    throw new TkaError("bad_credential", "the private key in it is damaged");
  return signer;
}

function unwrap(authKey: string, store: KeyStore): Credentials {
  if (!isWrapped(authKey)) return { authKey, signature: null };
  const wrapped = parseWrappedAuthKey(authKey);
  if (wrapped === null) throw new AgentError("bad_argument", "the signed auth key is damaged", "copy it again, whole");
  try {
    const throwAway = throwAwaySigner(wrapped.privateKey);
    const { publicKey } = lockSigner(store.state.lockKey);
    const signature = signByCredential(wrapped.credential, throwAway, store.nodeKey, publicKey);
    return { authKey: wrapped.authKey, signature };
  } catch (error) {
    if (!(error instanceof TkaError)) throw error;
    throw new AgentError(
      "bad_argument",
      `the signed auth key cannot be used: ${error.message}`,
      "copy it again, whole",
    );
  }
}

/** The signature for a node key that replaces another, or null where the old one gives none [R6]. */
function rotated({ store, lock }: Pick<Joining, "store" | "lock">): Uint8Array | null {
  const { replaces, signature, lockKey } = store.state;
  if (replaces === null || !lock.authorizes(replaces, signature)) return null;
  try {
    return rotateSignature(signature, store.nodeKey, lockSigner(lockKey));
  } catch (error) {
    if (error instanceof TkaError) return null;
    throw error;
  }
}

const ANY_NODE_KEY = nodeKeyFromRaw(new Uint8Array(32).fill(9));

/** True if a node's own key can rotate its signature: its next node key then needs no signer. */
export function canRotate(signature: Uint8Array, signer: Signer): boolean {
  try {
    rotateSignature(signature, ANY_NODE_KEY, signer);
    return true;
  } catch (error) {
    if (error instanceof TkaError) return false;
    throw error;
  }
}

/** Takes a new node key in place of the present one, which the control plane is told of at the next registration. */
export function replaceNodeKey({ store, lock }: Pick<Joining, "store" | "lock">): void {
  const { replaces, signature, nodeKey } = store.state;
  const next = { replaces: publicNodeKey(nodeKey), nodeKey: newNodeKey() };
  const isPending = replaces !== null && !lock.authorizes(next.replaces, signature);
  store.update({ ...next, ...(isPending ? { signature: rotated({ store, lock }) ?? NO_BYTES } : {}) });
}

/** Keeps an attacker-controlled signature for the node's own key if it is proven, and forgets what is kept where there is no lock [R6]. */
export function keepSignature({ store, lock }: Pick<Joining, "store" | "lock">, signature: Uint8Array): void {
  const kept = store.state.signature;
  if (lock.authority === null) {
    if (kept.length > 0) store.update({ signature: NO_BYTES });
  } else if (!equalBytes(signature, kept) && lock.authorizes(store.nodeKey, signature)) store.update({ signature });
}

/** What every registration says of the node. */
function selfOf({ store, hostname }: Pick<Joining, "store" | "hostname">): RequestBody {
  return {
    Version: CAPABILITY_VERSION,
    NodeKey: store.nodeKey,
    OldNodeKey: store.state.replaces,
    NLKey: formatLockKeyJson(lockSigner(store.state.lockKey).publicKey),
    Hostinfo: { Hostname: hostname ?? hostName(), OS: platform(), IPNVersion: "tailward" },
  };
}

/** What ends a key, by the protocol: an expiry far in the past. */
const LONG_AGO = new Date(123_000).toISOString();

/** Ends the node's key at the control plane. Afterwards the node is in no tailnet: it must be let in again. Throws what the client throws. */
export async function logOut({ client, store, hostname }: Omit<Joining, "lock" | "authKey">): Promise<void> {
  await client.register({ ...selfOf({ store, hostname }), Auth: null, Expiry: LONG_AGO, Ephemeral: false });
  store.update({ joined: false });
}

async function register(joining: Joining, followup: string, signal: AbortSignal): Promise<RegisterResponse> {
  const { client, store, authKey } = joining;
  const credentials = authKey === null ? null : unwrap(authKey, store);
  return client.register(
    {
      ...selfOf(joining),
      Auth: credentials === null ? null : { AuthKey: credentials.authKey },
      Followup: followup,
      Ephemeral: false,
      NodeKeySignature: rotated(joining) ?? credentials?.signature ?? NO_BYTES,
    },
    signal,
  );
}

/** Keeps an attacker-controlled signature for the key that is to be replaced, if it is proven [R6]: the control plane hands it out to be rotated. */
function keepOldSignature({ store, lock }: Pick<Joining, "store" | "lock">, signature: Uint8Array): void {
  const { replaces } = store.state;
  if (replaces !== null && lock.authorizes(replaces, signature)) store.update({ signature });
}

/** The same once more, where the control plane hands out a signature to rotate, or says that the key is too old: with a new one in its place. */
async function registerAnew(joining: Joining, followup: string, signal: AbortSignal): Promise<RegisterResponse> {
  const answer = await register(joining, followup, signal);
  if (!answer.NodeKeyExpired && answer.NodeKeySignature.length === 0) return answer;
  if (!answer.NodeKeyExpired) {
    keepOldSignature(joining, answer.NodeKeySignature);
    return register(joining, followup, signal);
  }
  keepSignature(joining, answer.NodeKeySignature);
  replaceNodeKey(joining);
  return register(joining, followup, signal);
}

/** Milliseconds for which a question that waits for somebody is held, at least. */
const SHORTEST_HOLD_MS = 5000;

/** Registers, and where somebody must let the node in first, waits for that [R7]. */
async function untilAnswered(joining: Joining, approval: Approval, signal: AbortSignal): Promise<RegisterResponse> {
  for (const backoff = new Backoff(); ;) {
    const started = Date.now();
    const answer = await registerAnew(joining, approval.url, signal);
    if (answer.Error !== "" || answer.AuthURL === "") return answer;
    approval.want(answer.AuthURL);
    if (Date.now() - started < SHORTEST_HOLD_MS) await backoff.wait(signal);
    else backoff.reset();
  }
}

/** Registers the node's key. Throws `join_failed`, or what the client throws. */
export async function join(joining: Joining, approval: Approval, signal: AbortSignal): Promise<void> {
  const { store } = joining;
  try {
    const answer = await untilAnswered(joining, approval, signal);
    if (answer.Error !== "") throw new AgentError("join_failed", answer.Error);
    if (answer.NodeKeyExpired) throw new AgentError("join_failed", "the control plane calls a new node key expired");
    approval.end();
  } catch (error) {
    const isNo = error instanceof ControlRefusal || (error instanceof AgentError && error.code === "join_failed");
    if (isNo) approval.end();
    throw error;
  }
  const taken = store.state.replaces === null ? {} : { signature: rotated(joining) ?? NO_BYTES };
  store.update({ joined: true, replaces: null, ...taken });
}
