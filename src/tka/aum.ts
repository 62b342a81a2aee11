/** Authority Update Messages: their type, encoding and hashes. Source: Go's `tka/aum.go`. */

import { equalBytes } from "./bytes.ts";
import { CborReader, type Draft, type FieldReaders } from "./cbor-reader.ts";
import { CborWriter } from "./cbor-writer.ts";
import { digest, hashFromBytes, type AumHash } from "./hash.ts";
import { readKey, writeKey, type Key } from "./key.ts";
import { readState, writeState, type State } from "./state.ts";

/** Numbers of the kinds of AUM. They are on the wire and never change; an unknown kind is kept and passed over. */
export const AUM_KIND = { invalid: 0, addKey: 1, removeKey: 2, noOp: 3, updateKey: 4, checkpoint: 5 } as const;

/** A signature over an AUM's signature hash. Not proven: verify.ts proves it. */
export interface AumSignature {
  readonly keyId: Uint8Array | null;
  readonly signature: Uint8Array | null;
}

/**
 * One update, as decoded or built: it may be anything until verify.ts has looked at it.
 *
 * [A1] nil (null) and empty encode differently, and so hash and sign differently.
 * [A2] Hash and signature hash are over the canonical encoding, whatever bytes arrived: unknown fields vanish first.
 */
export interface Aum {
  /** 8 bits. */
  readonly kind: number;
  /** Raw, of any length; null in a genesis. */
  readonly prevAumHash: Uint8Array | null;
  readonly key: Key | null;
  readonly keyId: Uint8Array | null;
  readonly state: State | null;
  /** 64 bits. */
  readonly votes: bigint | null;
  readonly meta: ReadonlyMap<string, string> | null;
  readonly signatures: readonly AumSignature[] | null;
}

/** An AUM of that kind, with the given fields and all others nil. */
export function makeAum(kind: number, fields: Partial<Omit<Aum, "kind">> = {}): Aum {
  return {
    kind,
    prevAumHash: null,
    key: null,
    keyId: null,
    state: null,
    votes: null,
    meta: null,
    signatures: null,
    ...fields,
  };
}

/** The kind in words, as `lock log` prints it. */
export function aumKindText(kind: number): string {
  const texts = ["invalid", "add-key", "remove-key", "no-op", "update-key", "checkpoint"];
  return texts[kind] ?? `AUM?<${kind}>`;
}

function writeSignature(writer: CborWriter, signature: AumSignature): void {
  writer.map(2).uint(1).bytes(signature.keyId).uint(2).bytes(signature.signature);
}

function writeAum(writer: CborWriter, aum: Aum, signatures: readonly AumSignature[]): void {
  const keyIdGiven = aum.keyId !== null && aum.keyId.length > 0;
  const metaGiven = aum.meta !== null && aum.meta.size > 0;
  const optional = [
    aum.key !== null,
    keyIdGiven,
    aum.state !== null,
    aum.votes !== null,
    metaGiven,
    signatures.length > 0,
  ];
  writer.map(2 + optional.filter(Boolean).length);
  writer.uint(1).uint(aum.kind);
  writer.uint(2).bytes(aum.prevAumHash);
  if (aum.key !== null) writeKey(writer.uint(3), aum.key);
  if (keyIdGiven) writer.uint(4).bytes(aum.keyId);
  if (aum.state !== null) writeState(writer.uint(5), aum.state);
  if (aum.votes !== null) writer.uint(6).uint64(aum.votes);
  if (metaGiven) writer.uint(7).textMap(aum.meta);
  if (signatures.length > 0) {
    writer.uint(23).array(signatures.length);
    for (const signature of signatures) writeSignature(writer, signature);
  }
}

const SIGNATURE_FIELDS: FieldReaders<Draft<AumSignature>> = {
  1: (reader, signature) => (signature.keyId = reader.bytes()),
  2: (reader, signature) => (signature.signature = reader.bytes()),
};

function readSignature(reader: CborReader): AumSignature {
  const signature: Draft<AumSignature> = { keyId: null, signature: null };
  reader.struct(SIGNATURE_FIELDS, signature);
  return signature;
}

const FIELDS: FieldReaders<Draft<Aum>> = {
  1: (reader, aum) => (aum.kind = reader.uint8()),
  2: (reader, aum) => (aum.prevAumHash = reader.bytes()),
  3: (reader, aum) => (aum.key = reader.nil() ? null : readKey(reader)),
  4: (reader, aum) => (aum.keyId = reader.bytes()),
  5: (reader, aum) => (aum.state = reader.nil() ? null : readState(reader)),
  6: (reader, aum) => (aum.votes = reader.nil() ? null : reader.uint64()),
  7: (reader, aum) => (aum.meta = reader.textMap()),
  23: (reader, aum) => (aum.signatures = reader.array(() => readSignature(reader))),
};

/** Decodes attacker-controlled bytes. Throws `malformed_cbor`. What comes out is well typed, and nothing more. */
export function decodeAum(bytes: Uint8Array): Aum {
  const aum: Draft<Aum> = makeAum(AUM_KIND.invalid);
  new CborReader(bytes).struct(FIELDS, aum);
  return aum;
}

function written(aum: Aum, signatures: readonly AumSignature[] | null): CborWriter {
  const writer = new CborWriter();
  writeAum(writer, aum, signatures ?? []);
  return writer;
}

/** The canonical encoding. */
export function encodeAum(aum: Aum): Uint8Array {
  return written(aum, aum.signatures).finish();
}

/** The canonical encoding of an AUM that was decoded from `bytes`: these themselves where they are canonical, without a copy. */
export function canonicalAum(aum: Aum, bytes: Uint8Array): Uint8Array {
  return written(aum, aum.signatures).finishWith((canonical) =>
    equalBytes(canonical, bytes) ? bytes : canonical.slice(),
  );
}

/** The hash of the canonical encoding, signatures included. */
export function aumHash(aum: Aum): AumHash {
  return hashFromBytes(written(aum, aum.signatures).finishWith(digest));
}

/** What signatures of the AUM are over: the digest (32 bytes) of its canonical encoding without signatures. */
export function aumSigHash(aum: Aum): Uint8Array {
  return written(aum, null).finishWith(digest);
}

/** The hash of the parent, or null in a genesis. A raw hash that is not 32 bytes long is cut or filled, as in Go. */
export function aumParent(aum: Aum): AumHash | null {
  return aum.prevAumHash === null || aum.prevAumHash.length === 0 ? null : hashFromBytes(aum.prevAumHash);
}
