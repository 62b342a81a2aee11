/**
 * AUMs byte for byte: what each kind looks like on the wire, and its hashes as Go's tka (v1.104.5) gives them.
 * Every vector decodes to its value and encodes to its bytes [A1], and hashes to what is written here [A2].
 */

import { describe, expect, test } from "vitest";
import {
  AUM_KIND,
  KEY_25519,
  aumHash,
  aumParent,
  aumSigHash,
  decodeAum,
  encodeAum,
  encodeHex,
  makeAum,
  type Aum,
} from "../../src/tka/index.ts";

interface Vector {
  readonly name: string;
  readonly aum: Aum;
  readonly bytes: readonly number[];
  readonly hash: string;
  readonly sigHash: string;
}

const run = (value: number, count: number): number[] => Array.from({ length: count }, () => value);
const bytesOf = (value: number, count: number): Uint8Array => Uint8Array.from(run(value, count));

const VECTORS: readonly Vector[] = [
  {
    name: "AddKey without a parent",
    aum: makeAum(AUM_KIND.addKey, { key: { kind: KEY_25519, votes: 2n, publicKey: bytesOf(0xaa, 32), meta: null } }),
    bytes: [
      0xa3, // map of 3 pairs
      0x01, // | 1: the kind
      0x01, // | | AddKey
      0x02, // | 2: the parent's hash
      0xf6, // | | null, not an empty string
      0x03, // | 3: the key
      0xa3, // | | map of 3 pairs: there is no metadata
      0x01, // | | | 1: the key's kind
      0x01, // | | | | 25519
      0x02, // | | | 2: votes
      0x02, // | | | | 2
      0x03, // | | | 3: the public key
      0x58, // | | | | bytes, their number in the next byte
      0x20, // | | | | | 32
      ...run(0xaa, 32),
    ],
    hash: "ZFZNWVETNLDMSVDVVFGCIW7L5Z44KH3XF5M6KXB5FXBRJDSUMOFQ",
    sigHash: "c972db54936ac6c95475a94c245bebee79c51f772f59e55c3d2dc3148e54638b",
  },
  {
    name: "RemoveKey with a parent",
    aum: makeAum(AUM_KIND.removeKey, { prevAumHash: bytesOf(0x11, 32), keyId: Uint8Array.of(0xbb, 0xcc) }),
    bytes: [
      0xa3, // map of 3 pairs
      0x01, // | 1: the kind
      0x02, // | | RemoveKey
      0x02, // | 2: the parent's hash
      0x58, // | | bytes, their number in the next byte
      0x20, // | | | 32
      ...run(0x11, 32),
      0x04, // | 4: the key's ID
      0x42, // | | 2 bytes
      0xbb,
      0xcc,
    ],
    hash: "UF4AUIBCMBAGIFNWCIIKYIK7GHOIBBQXUQM2UOHN7KYFKDOEUS2Q",
    sigHash: "a1780a202260406415b61210ac215f31dc808617a419aa38edfab0550dc4a4b5",
  },
  {
    name: "UpdateKey of votes and metadata, the shorter name first",
    aum: makeAum(AUM_KIND.updateKey, {
      keyId: Uint8Array.of(0xbb),
      votes: 300n,
      meta: new Map([
        ["ab", "x"],
        ["c", ""],
      ]),
    }),
    bytes: [
      0xa5, // map of 5 pairs
      0x01, // | 1: the kind
      0x04, // | | UpdateKey
      0x02, // | 2: the parent's hash
      0xf6, // | | null
      0x04, // | 4: the key's ID
      0x41, // | | 1 byte
      0xbb,
      0x06, // | 6: votes
      0x19, // | | an integer of 2 bytes
      0x01, // | | | 300, its high byte
      0x2c, // | | | and its low one
      0x07, // | 7: metadata
      0xa2, // | | map of 2 pairs
      0x61, // | | | text of 1 byte: shorter names come first
      0x63, // | | | | c
      0x60, // | | | | empty text
      0x62, // | | | text of 2 bytes
      0x61, // | | | | a
      0x62, // | | | | b
      0x61, // | | | | text of 1 byte
      0x78, // | | | | | x
    ],
    hash: "3Q4LMVYEOIPFCM3H7DBIQX5CZ37JR7V37ILPWZJK2QK45UW46I4Q",
    sigHash: "dc38b65704721e513367f8c2885fa2cefe98febbfa16fb652ad415ced2dcf239",
  },
  {
    name: "NoOp with a signature",
    aum: makeAum(AUM_KIND.noOp, {
      prevAumHash: bytesOf(0x11, 32),
      signatures: [{ keyId: Uint8Array.of(0xbb), signature: bytesOf(0x22, 64) }],
    }),
    bytes: [
      0xa3, // map of 3 pairs
      0x01, // | 1: the kind
      0x03, // | | NoOp
      0x02, // | 2: the parent's hash
      0x58, // | | bytes, their number in the next byte
      0x20, // | | | 32
      ...run(0x11, 32),
      0x17, // | 23: signatures
      0x81, // | | a list of one
      0xa2, // | | | map of 2 pairs
      0x01, // | | | | 1: the signer's ID
      0x41, // | | | | | 1 byte
      0xbb,
      0x02, // | | | | 2: the signature
      0x58, // | | | | | bytes, their number in the next byte
      0x40, // | | | | | | 64
      ...run(0x22, 64),
    ],
    hash: "JQAB5I6LNO4SEBQIJSVAYF65QSKK6HJTLBS42OXT3E75WHI3IOKA",
    sigHash: "bafb8d6e6289ba7991eb887f1adbfdb4ae422ce048cf1a32641de7d97b0e6444",
  },
  {
    name: "Checkpoint with one key and both state IDs",
    aum: makeAum(AUM_KIND.checkpoint, {
      state: {
        lastAumHash: null,
        disablementValues: [bytesOf(0x33, 32)],
        keys: [{ kind: KEY_25519, votes: 1n, publicKey: bytesOf(0xaa, 32), meta: new Map([["a", "b"]]) }],
        stateId1: 24n,
        stateId2: 0xffff_ffff_ffff_ffffn,
      },
    }),
    bytes: [
      0xa3, // map of 3 pairs
      0x01, // | 1: the kind
      0x05, // | | Checkpoint
      0x02, // | 2: the parent's hash
      0xf6, // | | null: this is a genesis
      0x05, // | 5: the state
      0xa5, // | | map of 5 pairs
      0x01, // | | | 1: the last AUM's hash
      0xf6, // | | | | null, as it must be here
      0x02, // | | | 2: disablement values
      0x81, // | | | | a list of one
      0x58, // | | | | | bytes, their number in the next byte
      0x20, // | | | | | | 32
      ...run(0x33, 32),
      0x03, // | | | 3: keys
      0x81, // | | | | a list of one
      0xa4, // | | | | | map of 4 pairs
      0x01, // | | | | | | 1: the key's kind
      0x01, // | | | | | | | 25519
      0x02, // | | | | | | 2: votes
      0x01, // | | | | | | | 1
      0x03, // | | | | | | 3: the public key
      0x58, // | | | | | | | bytes, their number in the next byte
      0x20, // | | | | | | | | 32
      ...run(0xaa, 32),
      0x0c, // | | | | | | 12: metadata
      0xa1, // | | | | | | | map of 1 pair
      0x61, // | | | | | | | | text of 1 byte
      0x61, // | | | | | | | | | a
      0x61, // | | | | | | | | text of 1 byte
      0x62, // | | | | | | | | | b
      0x04, // | | | 4: the first state ID
      0x18, // | | | | an integer of 1 byte
      0x18, // | | | | | 24, the first number that does not fit the head
      0x05, // | | | 5: the second state ID
      0x1b, // | | | | an integer of 8 bytes
      ...run(0xff, 8),
    ],
    hash: "7UUD5XP2BZDLKJWAIUSVJ4VAO3DVCZZJHFJW3GHYIZ4JEFQTHYNQ",
    sigHash: "fd283eddfa0e46b526c0452554f2a076c751672939536d98f846789216133e1b",
  },
  {
    name: "Checkpoint with an empty state, state IDs left out",
    aum: makeAum(AUM_KIND.checkpoint, {
      state: { lastAumHash: null, disablementValues: null, keys: [], stateId1: 0n, stateId2: 0n },
    }),
    bytes: [
      0xa3, // map of 3 pairs
      0x01, // | 1: the kind
      0x05, // | | Checkpoint
      0x02, // | 2: the parent's hash
      0xf6, // | | null
      0x05, // | 5: the state
      0xa3, // | | map of 3 pairs
      0x01, // | | | 1: the last AUM's hash
      0xf6, // | | | | null
      0x02, // | | | 2: disablement values
      0xf6, // | | | | nil
      0x03, // | | | 3: keys
      0x80, // | | | | an empty list, which is not nil
    ],
    hash: "RCYYZJ37G7J7E6JWH3ZARP55IT65LUZVYZH7LERBHNNXOH5YYAAA",
    sigHash: "88b18ca77f37d3f279363ef208bfbd44fdd5d335c64ff592213b5b771fb8c000",
  },
  {
    name: "a kind of the future",
    aum: makeAum(200, { prevAumHash: bytesOf(0x11, 31) }),
    bytes: [
      0xa2, // map of 2 pairs
      0x01, // | 1: the kind
      0x18, // | | an integer of 1 byte
      0xc8, // | | | 200
      0x02, // | 2: the parent's hash
      0x58, // | | bytes, their number in the next byte
      0x1f, // | | | 31: it is kept as it is
      ...run(0x11, 31),
    ],
    hash: "M6G5QZT6575JJGKFOYJIRG4Z7UIAJBWJ7MEW65RVOWYVNCT4HYZQ",
    sigHash: "678dd8667eeffa9499457612889b99fd100486c9fb096f763575b1568a7c3e33",
  },
];

describe.each(VECTORS)("$name", ({ aum, bytes, hash, sigHash }) => {
  const wire = Uint8Array.from(bytes);

  test("encodes to these bytes", () => {
    expect([...encodeAum(aum)]).toEqual([...wire]);
  });

  test("decodes to this value", () => {
    expect(decodeAum(wire)).toEqual(aum);
  });

  test("hashes as in Go", () => {
    expect(aumHash(aum)).toBe(hash);
    expect(encodeHex(aumSigHash(aum))).toBe(sigHash);
  });
});

describe("[A1] nil and empty", () => {
  test.each([
    ["a parent", makeAum(AUM_KIND.noOp), makeAum(AUM_KIND.noOp, { prevAumHash: new Uint8Array(0) })],
    [
      "a public key",
      makeAum(AUM_KIND.addKey, { key: { kind: KEY_25519, votes: 1n, publicKey: null, meta: null } }),
      makeAum(AUM_KIND.addKey, { key: { kind: KEY_25519, votes: 1n, publicKey: new Uint8Array(0), meta: null } }),
    ],
  ])("differ for %s", (_, nil, empty) => {
    expect(aumHash(nil)).not.toBe(aumHash(empty));
    expect(decodeAum(encodeAum(nil))).toEqual(nil);
    expect(decodeAum(encodeAum(empty))).toEqual(empty);
  });

  test.each([
    ["a key ID", { keyId: new Uint8Array(0) }],
    ["metadata", { meta: new Map<string, string>() }],
    ["signatures", { signatures: [] }],
  ])("are left out alike for %s", (_, empty) => {
    expect(aumHash(makeAum(AUM_KIND.noOp, empty))).toBe(aumHash(makeAum(AUM_KIND.noOp)));
  });
});

describe("[A2] hashes are over the canonical encoding", () => {
  const canonical = Uint8Array.of(
    0xa2, // map of 2 pairs
    0x01, // | 1: the kind
    0x03, // | | NoOp
    0x02, // | 2: the parent's hash
    0xf6, // | | null
  );

  test.each([
    ["fields in another order", [0xa2, 0x02, 0xf6, 0x01, 0x03]],
    ["a number in a longer form", [0xa2, 0x01, 0x18, 0x03, 0x02, 0xf6]],
    ["an unknown field", [0xa3, 0x01, 0x03, 0x02, 0xf6, 0x18, 0x63, 0x01]],
    ["undefined for null", [0xa2, 0x01, 0x03, 0x02, 0xf7]],
    ["a field left out", [0xa1, 0x01, 0x03]],
    ["an empty list of signatures", [0xa3, 0x01, 0x03, 0x02, 0xf6, 0x17, 0x80]],
    ["a kind as a simple value", [0xa2, 0x01, 0xe3, 0x02, 0xf6]],
  ])("%s changes no hash", (_, bytes) => {
    const aum = decodeAum(Uint8Array.from(bytes));
    expect(encodeAum(aum)).toEqual(canonical);
    expect(aumHash(aum)).toBe(aumHash(decodeAum(canonical)));
  });

  test("the signature hash leaves out all signatures, the hash leaves out none", () => {
    const bare = makeAum(AUM_KIND.noOp);
    const signed = makeAum(AUM_KIND.noOp, { signatures: [{ keyId: null, signature: null }] });
    expect(aumSigHash(signed)).toEqual(aumSigHash(bare));
    expect(aumHash(signed)).not.toBe(aumHash(bare));
  });
});

describe("the parent's hash", () => {
  test("is none where the raw hash is nil or empty", () => {
    expect(aumParent(makeAum(AUM_KIND.noOp))).toBeNull();
    expect(aumParent(makeAum(AUM_KIND.noOp, { prevAumHash: new Uint8Array(0) }))).toBeNull();
  });

  test.each([
    ["shorter than 32 bytes is filled with zeros", bytesOf(0x11, 31), [...run(0x11, 31), 0]],
    ["longer than 32 bytes is cut", bytesOf(0x11, 40), run(0x11, 32)],
  ])("%s", (_, raw, hash) => {
    const whole = makeAum(AUM_KIND.noOp, { prevAumHash: Uint8Array.from(hash) });
    expect(aumParent(makeAum(AUM_KIND.noOp, { prevAumHash: raw }))).toBe(aumParent(whole));
  });
});
