/** Signatures that let a node key into a locked tailnet: type, encoding, and what can be read of them without proof. Source: `tka/sig.go`. */

import { CborReader, type Draft, type FieldReaders } from "./cbor-reader.ts";
import { CborWriter } from "./cbor-writer.ts";
import { TkaError } from "./errors.ts";
import { digest } from "./hash.ts";

/** Numbers of the kinds of signature. They are on the wire and never change. */
export const SIG_KIND = { invalid: 0, direct: 1, rotation: 2, credential: 3 } as const;

/**
 * A node-key signature, as decoded or made: not proven.
 *
 * [N1] direct: signed by the trusted key `keyId`, for the node key `pubkey`.
 * [N2] rotation: `nested` authorised an earlier key of the node, and the key that `nested` wraps signed this one, for `pubkey`.
 * [N3] credential: signed by the trusted key `keyId`; authorises no node itself, but whoever holds the key that it wraps. For auth keys.
 * [N4] A signature wraps the key in `wrappingPubkey`; a rotation without one wraps what its `nested` wraps.
 * [N5] Empty fields are left out of the encoding, so nil and empty are the same there.
 */
export interface NodeKeySignature {
  /** 8 bits. */
  readonly kind: number;
  /** The binary form of a node key. */
  readonly pubkey: Uint8Array | null;
  readonly keyId: Uint8Array | null;
  readonly signature: Uint8Array | null;
  readonly nested: NodeKeySignature | null;
  readonly wrappingPubkey: Uint8Array | null;
}

/** A signature of that kind, with the given fields and all others nil. */
export function makeNodeKeySignature(kind: number, fields: Partial<Omit<NodeKeySignature, "kind">>): NodeKeySignature {
  return { kind, pubkey: null, keyId: null, signature: null, nested: null, wrappingPubkey: null, ...fields };
}

export function signatureKindText(kind: number): string {
  return ["invalid", "direct", "rotation", "credential"][kind] ?? `Sig?<${kind}>`;
}

const FIELDS: FieldReaders<Draft<NodeKeySignature>> = {
  1: (reader, sig) => (sig.kind = reader.uint8()),
  2: (reader, sig) => (sig.pubkey = reader.bytes()),
  3: (reader, sig) => (sig.keyId = reader.bytes()),
  4: (reader, sig) => (sig.signature = reader.bytes()),
  5: (reader, sig) => (sig.nested = reader.nil() ? null : readSignature(reader)),
  6: (reader, sig) => (sig.wrappingPubkey = reader.bytes()),
};

function readSignature(reader: CborReader): NodeKeySignature {
  const sig: Draft<NodeKeySignature> = makeNodeKeySignature(SIG_KIND.invalid, {});
  reader.struct(FIELDS, sig);
  return sig;
}

function given(bytes: Uint8Array | null): boolean {
  return bytes !== null && bytes.length > 0;
}

function writeSignature(writer: CborWriter, sig: NodeKeySignature, signature: Uint8Array | null): void {
  const optional = [
    given(sig.pubkey),
    given(sig.keyId),
    given(signature),
    sig.nested !== null,
    given(sig.wrappingPubkey),
  ];
  writer.map(1 + optional.filter(Boolean).length);
  writer.uint(1).uint(sig.kind);
  if (given(sig.pubkey)) writer.uint(2).bytes(sig.pubkey);
  if (given(sig.keyId)) writer.uint(3).bytes(sig.keyId);
  if (given(signature)) writer.uint(4).bytes(signature);
  if (sig.nested !== null) writeSignature(writer.uint(5), sig.nested, sig.nested.signature);
  if (given(sig.wrappingPubkey)) writer.uint(6).bytes(sig.wrappingPubkey);
}

/** Decodes attacker-controlled bytes. Throws `malformed_cbor`. */
export function decodeNodeKeySignature(bytes: Uint8Array): NodeKeySignature {
  return readSignature(new CborReader(bytes));
}

/** The canonical encoding. */
export function encodeNodeKeySignature(sig: NodeKeySignature): Uint8Array {
  const writer = new CborWriter();
  writeSignature(writer, sig, sig.signature);
  return writer.finish();
}

/** What the signature is over: the digest (32 bytes) of the canonical encoding without the outermost signature. */
export function nodeKeySigHash(sig: NodeKeySignature): Uint8Array {
  const writer = new CborWriter();
  writeSignature(writer, sig, null);
  return writer.finishWith(digest);
}

/** The key that must sign whatever nests this signature [N4], or null. Proven only once the signature is. */
export function unverifiedWrappingKey(sig: NodeKeySignature): Uint8Array | null {
  for (let layer: NodeKeySignature | null = sig; layer !== null; layer = layer.nested) {
    if (given(layer.wrappingPubkey)) return layer.wrappingPubkey;
    if (layer.kind !== SIG_KIND.rotation) return null;
  }
  return null;
}

/** The ID of the trusted key that all layers lead to. Proven only once the signature is. Throws `not_authorized` where there is none. */
export function unverifiedAuthorizingKeyId(sig: NodeKeySignature): Uint8Array {
  const initial = initialSignature(sig);
  if (initial.kind === SIG_KIND.rotation) throw new TkaError("not_authorized", "a rotation that nests no signature");
  if (initial.kind !== SIG_KIND.direct && initial.kind !== SIG_KIND.credential)
    throw new TkaError("not_authorized", `unhandled signature type: ${signatureKindText(initial.kind)}`);
  if (initial.keyId === null || initial.keyId.length === 0)
    throw new TkaError("not_authorized", "the signature names no key that signed it");
  return initial.keyId;
}

/** The innermost layer: what the node was let in by. A rotation only where it nests nothing. */
export function initialSignature(sig: NodeKeySignature): NodeKeySignature {
  let layer = sig;
  while (layer.kind === SIG_KIND.rotation && layer.nested !== null) layer = layer.nested;
  return layer;
}

/** How many signatures are nested in one another, this one included. */
export function signatureLayers(sig: NodeKeySignature): number {
  let layers = 1;
  for (let nested = sig.nested; nested !== null; nested = nested.nested) layers++;
  return layers;
}
