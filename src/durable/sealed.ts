/**
 * Secrets that must be used again: the secret that signs a webhook, the token of a log's collector, the addresses of both, which may have a secret in
 * them. They are stored sealed, by AES-256-GCM under a key of their purpose and tailnet, which HKDF-SHA256 (RFC 5869) derives from the Worker's secret
 * STORAGE_KEY. An object's storage holds the box alone.
 *
 * A box: version 1, one byte; the first 4 bytes of the SHA-256 of the storage key; a random nonce of 12 bytes; the ciphertext with its tag of 16 bytes.
 *
 * Rule [W30]: a secret that is used again is stored sealed or not at all; a box opens only as what it was sealed for: its purpose, tailnet and subject.
 *
 * STORAGE_KEY may hold several keys, white space between them: the first one seals, each of them opens. So a key is replaced by putting a new one
 * before it, and goes once nothing is sealed under it any more.
 */

import { decodeHex } from "../tka/index.ts";
import type { Outcome, Refusal } from "../protocol/index.ts";
import { sha256 } from "./sha256.ts";

/** What a secret is for. Part of the derivation: never renamed. */
export type SealPurpose = "webhook" | "webhook-address" | "log-stream" | "log-stream-address";

/** What a box is sealed for. */
export interface SealedFor {
  readonly purpose: SealPurpose;
  /** The tailnet's ID. */
  readonly tailnet: string;
  /** The ID of what the secret belongs to. */
  readonly subject: string;
}

export interface SealingEnv {
  readonly STORAGE_KEY?: string;
}

/** A storage key, and the mark in the boxes that are sealed under it. */
interface StorageKey {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly mark: Uint8Array;
}

const VERSION = 1;
const MARK_BYTES = 4;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEAD_BYTES = 1 + MARK_BYTES;
/** Bytes of a secret that is sealed: an address may be of 2048 characters, four bytes each. */
const MAX_SECRET_BYTES = 8192;

const KEY = /^storagekey:([0-9a-f]{64})$/;
const utf8 = new TextEncoder();

function refusal(message: string): { readonly ok: false; readonly error: Refusal } {
  return { ok: false, error: { code: "no_storage_key", message } };
}

function storageKeyOf(text: string): StorageKey | null {
  const bytes = decodeHex(KEY.exec(text)?.[1] ?? "");
  if (bytes?.length !== 32) return null;
  return {
    bytes: bytes.slice(),
    mark: new Uint8Array(sha256(bytes)).slice(0, MARK_BYTES),
  };
}

/** The configured keys, the one that seals first. Refuses with `no_storage_key`. */
function storageKeys({ STORAGE_KEY = "" }: SealingEnv): Outcome<StorageKey[]> {
  const texts = STORAGE_KEY.split(/\s+/).filter((text) => text !== "");
  if (texts.length === 0)
    return refusal("secrets cannot be kept here: set the secret STORAGE_KEY to storagekey:<64 hex digits>");
  const keys: StorageKey[] = [];
  for (const text of texts) {
    const key = storageKeyOf(text);
    if (key === null) return refusal("STORAGE_KEY cannot be read: it is storagekey:<64 hex digits>");
    keys.push(key);
  }
  return { ok: true, value: keys };
}

/** JSON tells its parts apart, whatever they hold. */
function bindingOf({ purpose, tailnet, subject }: SealedFor): Uint8Array<ArrayBuffer> {
  return new Uint8Array(utf8.encode(JSON.stringify(["tailward-sealed", VERSION, purpose, tailnet, subject])));
}

async function derive(key: StorageKey, { purpose, tailnet }: SealedFor): Promise<CryptoKey> {
  const info = utf8.encode(JSON.stringify(["tailward-storage", VERSION, purpose, tailnet]));
  const base = await crypto.subtle.importKey("raw", key.bytes, "HKDF", false, ["deriveKey"]);
  return crypto.subtle.deriveKey(
    { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(0), info },
    base,
    { name: "AES-GCM", length: 256 },
    false,
    ["encrypt", "decrypt"],
  );
}

function cipher(nonce: Uint8Array<ArrayBuffer>, what: SealedFor) {
  return { name: "AES-GCM", iv: nonce, additionalData: bindingOf(what), tagLength: 8 * TAG_BYTES };
}

/** Seals a secret. Refuses with `no_storage_key`. Throws for a secret that is too long: whoever takes it in limits it. */
export async function sealSecret(env: SealingEnv, what: SealedFor, secret: string): Promise<Outcome<Uint8Array>> {
  const keys = storageKeys(env);
  if (!keys.ok) return keys;
  const [key] = keys.value;
  const plain = utf8.encode(secret);
  if (key === undefined || plain.length > MAX_SECRET_BYTES) throw new Error("this secret is too long to be kept");
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const ciphertext = await crypto.subtle.encrypt(cipher(nonce, what), await derive(key, what), plain);
  const box = new Uint8Array(HEAD_BYTES + NONCE_BYTES + ciphertext.byteLength);
  box.set([VERSION, ...key.mark, ...nonce]);
  box.set(new Uint8Array(ciphertext), HEAD_BYTES + NONCE_BYTES);
  return { ok: true, value: box };
}

function isMarked(box: Uint8Array, { mark }: StorageKey): boolean {
  return mark.every((byte, i) => box[1 + i] === byte);
}

/**
 * Opens a box. Refuses with `no_storage_key` where the key that it was sealed under is not among the configured ones, and with `corrupt_storage` where it
 * was changed, or was sealed for something else.
 */
export async function openSecret(env: SealingEnv, what: SealedFor, box: Uint8Array): Promise<Outcome<string>> {
  const keys = storageKeys(env);
  if (!keys.ok) return keys;
  const corrupt: Outcome<string> = {
    ok: false,
    error: { code: "corrupt_storage", message: "a sealed secret does not open" },
  };
  if (box[0] !== VERSION || box.length < HEAD_BYTES + NONCE_BYTES + TAG_BYTES) return corrupt;
  const key = keys.value.find((each) => isMarked(box, each));
  if (key === undefined)
    return refusal("a secret is sealed under a key that is not in STORAGE_KEY: put that back, or make the secret anew");
  try {
    const nonce = box.slice(HEAD_BYTES, HEAD_BYTES + NONCE_BYTES);
    const ciphertext = box.slice(HEAD_BYTES + NONCE_BYTES);
    const plain = await crypto.subtle.decrypt(cipher(nonce, what), await derive(key, what), ciphertext);
    return { ok: true, value: new TextDecoder().decode(plain) };
  } catch {
    return corrupt;
  }
}

/** How a box stands to the keys that are configured: under the one that seals, under one before it, or under none of them. */
export type BoxStanding = "newest" | "older" | "lost";

/** Says so of boxes. With no key that can be read, all are lost. */
export function boxStandings(env: SealingEnv): (box: Uint8Array) => BoxStanding {
  const keys = storageKeys(env);
  const known = keys.ok ? keys.value : [];
  return (box) => {
    const at = known.findIndex((key) => isMarked(box, key));
    if (at < 0) return "lost";
    return at === 0 ? "newest" : "older";
  };
}
