/** Node-key signatures byte for byte, and what can be read of them without proof: rules [N1] to [N5]. */

import { describe, expect, test } from "vitest";
import {
  MAX_SIGNATURE_LAYERS,
  SIG_KIND,
  decodeNodeKeySignature,
  encodeHex,
  encodeNodeKeySignature,
  initialSignature,
  makeNodeKeySignature,
  signatureKindText,
  signatureLayers,
  unverifiedAuthorizingKeyId,
  unverifiedWrappingKey,
  type NodeKeySignature,
} from "../../src/tka/index.ts";
import { nodeKeySigHash } from "../../src/tka/node-key-signature.ts";
import { codeOf, verdictOf } from "../support/expect-code.ts";

const run = (value: number, count: number): number[] => Array.from({ length: count }, () => value);
const bytesOf = (value: number, count: number): Uint8Array => Uint8Array.from(run(value, count));

const DIRECT = makeNodeKeySignature(SIG_KIND.direct, {
  pubkey: Uint8Array.of(0x6e, 0x70, ...run(0xaa, 32)),
  keyId: bytesOf(0xbb, 32),
  signature: bytesOf(0xcc, 64),
  wrappingPubkey: bytesOf(0xdd, 32),
});
const CREDENTIAL = makeNodeKeySignature(SIG_KIND.credential, {
  keyId: Uint8Array.of(0xbb),
  signature: Uint8Array.of(0xcc),
  wrappingPubkey: Uint8Array.of(0xdd),
});

interface Vector {
  readonly name: string;
  readonly sig: NodeKeySignature;
  readonly bytes: readonly number[];
  readonly sigHash: string;
}

const VECTORS: readonly Vector[] = [
  {
    name: "[N1] direct, with a key to rotate with",
    sig: DIRECT,
    bytes: [
      0xa5, // map of 5 pairs
      0x01, // | 1: the kind
      0x01, // | | direct
      0x02, // | 2: the node key
      0x58, // | | bytes, their number in the next byte
      0x22, // | | | 34
      0x6e, // | | | n
      0x70, // | | | p
      ...run(0xaa, 32),
      0x03, // | 3: the ID of the trusted key
      0x58, // | | bytes, their number in the next byte
      0x20, // | | | 32
      ...run(0xbb, 32),
      0x04, // | 4: the signature
      0x58, // | | bytes, their number in the next byte
      0x40, // | | | 64
      ...run(0xcc, 64),
      0x06, // | 6: the key that it wraps
      0x58, // | | bytes, their number in the next byte
      0x20, // | | | 32
      ...run(0xdd, 32),
    ],
    sigHash: "1fec6dbc98bd6187bcb6c8bdddeb445a2b4d15520ec4c2fb1a561ee4295da6bf",
  },
  {
    name: "[N3] credential",
    sig: CREDENTIAL,
    bytes: [
      0xa4, // map of 4 pairs
      0x01, // | 1: the kind
      0x03, // | | credential
      0x03, // | 3: the ID of the trusted key
      0x41, // | | 1 byte
      0xbb,
      0x04, // | 4: the signature
      0x41, // | | 1 byte
      0xcc,
      0x06, // | 6: the key that it wraps
      0x41, // | | 1 byte
      0xdd,
    ],
    sigHash: "4fe3601c60a1f636db3827da3673e6dd1658f85532ef1f9127ca8e5c929f6e72",
  },
  {
    name: "[N2] rotation of a credential",
    sig: makeNodeKeySignature(SIG_KIND.rotation, {
      pubkey: Uint8Array.of(0xaa),
      signature: Uint8Array.of(0xee),
      nested: CREDENTIAL,
    }),
    bytes: [
      0xa4, // map of 4 pairs
      0x01, // | 1: the kind
      0x02, // | | rotation
      0x02, // | 2: the node key
      0x41, // | | 1 byte
      0xaa,
      0x04, // | 4: the signature
      0x41, // | | 1 byte
      0xee,
      0x05, // | 5: the nested signature
      0xa4, // | | map of 4 pairs
      0x01, // | | | 1: the kind
      0x03, // | | | | credential
      0x03, // | | | 3: the ID of the trusted key
      0x41, // | | | | 1 byte
      0xbb,
      0x04, // | | | 4: the signature, which stays when the outer one is left out
      0x41, // | | | | 1 byte
      0xcc,
      0x06, // | | | 6: the key that it wraps
      0x41, // | | | | 1 byte
      0xdd,
    ],
    sigHash: "dbdf813e970e579d15bfaadd7cf729d6d7ac7c69525c0884f81b400bf017826f",
  },
  {
    name: "[N5] a signature without any field",
    sig: makeNodeKeySignature(0, {}),
    bytes: [
      0xa1, // map of 1 pair
      0x01, // | 1: the kind
      0x00, // | | none
    ],
    sigHash: "a9c114302f85301f25b031f44ad50e64ee7bfe3b7c069ab422a62308df09822a",
  },
];

describe.each(VECTORS)("$name", ({ sig, bytes, sigHash }) => {
  test("encodes to these bytes", () => {
    expect([...encodeNodeKeySignature(sig)]).toEqual([...bytes]);
  });

  test("decodes to this value", () => {
    expect(decodeNodeKeySignature(Uint8Array.from(bytes))).toEqual(sig);
  });

  test("is signed over what Go signs", () => {
    expect(encodeHex(nodeKeySigHash(sig))).toBe(sigHash);
  });
});

/** A rotation around each signature, `count` deep. */
function rotated(sig: NodeKeySignature, count: number): NodeKeySignature {
  let out = sig;
  for (let i = 0; i < count; i++) out = makeNodeKeySignature(SIG_KIND.rotation, { nested: out });
  return out;
}

describe("encoding", () => {
  test("[N5] leaves empty fields out, as it does nil ones", () => {
    const empty = new Uint8Array(0);
    const full = { pubkey: empty, keyId: empty, signature: empty, wrappingPubkey: empty };
    const sig = makeNodeKeySignature(SIG_KIND.direct, full);
    expect(encodeNodeKeySignature(sig)).toEqual(encodeNodeKeySignature(makeNodeKeySignature(SIG_KIND.direct, {})));
  });

  test("takes null as a whole signature, and as a nested one", () => {
    expect(decodeNodeKeySignature(Uint8Array.of(0xf6))).toEqual(makeNodeKeySignature(0, {}));
    expect(decodeNodeKeySignature(Uint8Array.of(0xa1, 0x05, 0xf6))).toEqual(makeNodeKeySignature(0, {}));
    expect(decodeNodeKeySignature(Uint8Array.of(0xa1, 0x05, 0xa0)).nested).toEqual(makeNodeKeySignature(0, {}));
  });

  test(`decodes ${MAX_SIGNATURE_LAYERS} layers, and no more`, () => {
    const deep = (layers: number): Uint8Array => encodeNodeKeySignature(rotated(CREDENTIAL, layers - 1));
    expect(signatureLayers(decodeNodeKeySignature(deep(MAX_SIGNATURE_LAYERS)))).toBe(MAX_SIGNATURE_LAYERS);
    expect(codeOf(() => decodeNodeKeySignature(deep(MAX_SIGNATURE_LAYERS + 1)))).toBe("malformed_cbor");
  });

  test.each([
    ["no bytes", []],
    ["a kind past 255", [0xa1, 0x01, 0x19, 0x01, 0x00]],
    ["a list for a nested signature", [0xa1, 0x05, 0x80]],
    ["a field twice", [0xa2, 0x01, 0x01, 0x01, 0x01]],
  ])("malformed_cbor: %s", (_, bytes) => {
    expect(codeOf(() => decodeNodeKeySignature(Uint8Array.from(bytes)))).toBe("malformed_cbor");
  });

  test("the digest leaves out the outermost signature only", () => {
    const around = (signature: Uint8Array | null, nested: NodeKeySignature): NodeKeySignature =>
      makeNodeKeySignature(SIG_KIND.rotation, { signature, nested });
    expect(nodeKeySigHash(around(bytesOf(1, 64), DIRECT))).toEqual(nodeKeySigHash(around(null, DIRECT)));
    expect(nodeKeySigHash(around(null, { ...DIRECT, signature: null }))).not.toEqual(
      nodeKeySigHash(around(null, DIRECT)),
    );
  });
});

describe("[N4] the wrapped key", () => {
  const inner = bytesOf(1, 32);
  const outer = bytesOf(2, 32);

  test("is the signature's own", () => {
    expect(unverifiedWrappingKey(DIRECT)).toEqual(DIRECT.wrappingPubkey);
    expect(unverifiedWrappingKey({ ...rotated(DIRECT, 1), wrappingPubkey: outer })).toBe(outer);
  });

  test("is that of the nearest layer with one, for rotations without", () => {
    expect(unverifiedWrappingKey(rotated(DIRECT, 3))).toEqual(DIRECT.wrappingPubkey);
    const changed = { ...rotated({ ...DIRECT, wrappingPubkey: inner }, 1), wrappingPubkey: outer };
    expect(unverifiedWrappingKey(rotated(changed, 2))).toBe(outer);
  });

  test("may be none", () => {
    const bare = { ...DIRECT, wrappingPubkey: null };
    expect(unverifiedWrappingKey(bare)).toBeNull();
    expect(unverifiedWrappingKey({ ...bare, wrappingPubkey: new Uint8Array(0) })).toBeNull();
    expect(unverifiedWrappingKey(rotated(bare, 2))).toBeNull();
    expect(unverifiedWrappingKey(makeNodeKeySignature(SIG_KIND.rotation, {}))).toBeNull();
  });

  test("is not looked for beneath what is no rotation", () => {
    expect(unverifiedWrappingKey(makeNodeKeySignature(SIG_KIND.direct, { nested: DIRECT }))).toBeNull();
  });
});

describe("the authorizing key", () => {
  test("is that of the innermost layer", () => {
    expect(unverifiedAuthorizingKeyId(DIRECT)).toEqual(DIRECT.keyId);
    expect(unverifiedAuthorizingKeyId(rotated(CREDENTIAL, 5))).toEqual(CREDENTIAL.keyId);
    expect(unverifiedAuthorizingKeyId({ ...rotated(DIRECT, 1), keyId: bytesOf(9, 32) })).toEqual(DIRECT.keyId);
  });

  test.each<[string, NodeKeySignature]>([
    ["a rotation of nothing", makeNodeKeySignature(SIG_KIND.rotation, {})],
    ["kind 0", makeNodeKeySignature(SIG_KIND.invalid, { keyId: bytesOf(1, 32) })],
    ["an unknown kind", makeNodeKeySignature(9, { keyId: bytesOf(1, 32) })],
    ["a rotation of an unknown kind", rotated(makeNodeKeySignature(9, { keyId: bytesOf(1, 32) }), 1)],
    ["no key named", makeNodeKeySignature(SIG_KIND.direct, {})],
    ["an empty key named", makeNodeKeySignature(SIG_KIND.credential, { keyId: new Uint8Array(0) })],
  ])("not_authorized: %s", (_, sig) => {
    expect(verdictOf(() => unverifiedAuthorizingKeyId(sig))).toBe("not_authorized");
  });
});

describe("layers", () => {
  test("are counted from the outermost to the innermost", () => {
    expect([signatureLayers(DIRECT), signatureLayers(rotated(DIRECT, 4))]).toEqual([1, 5]);
  });

  test("end at the initial signature", () => {
    expect(initialSignature(rotated(DIRECT, 4))).toBe(DIRECT);
    expect(initialSignature(DIRECT)).toBe(DIRECT);
    const alone = makeNodeKeySignature(SIG_KIND.rotation, {});
    expect(initialSignature(rotated(alone, 2))).toBe(alone);
  });

  test.each([
    [0, "invalid"],
    [1, "direct"],
    [2, "rotation"],
    [3, "credential"],
    [4, "Sig?<4>"],
  ])("of kind %d are called %s", (kind, text) => {
    expect(signatureKindText(kind)).toBe(text);
  });
});
