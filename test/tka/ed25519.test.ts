/** Both rules of verification, [V1] to [V4], over the published edge cases: by the pure verifier and over the host's alike. */

import { Point } from "@noble/ed25519";
import { sha512 } from "@noble/hashes/sha2.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeHex, encodeHex, pureVerifier, signerFromSeed, type SignatureVerifier } from "../../src/tka/index.ts";
import { hostVerifier } from "../../src/tka/index.ts";
import { lockKey } from "../support/chains-keys.ts";
import { fastVerifier, hostEd25519 } from "../support/host-crypto.ts";
import { EDGE_CASES, SMALL_ORDER_ENCODINGS, STANDARD_TAKES } from "./ed25519-edge-cases.ts";

const VERIFIERS: readonly [string, SignatureVerifier][] = [
  ["the pure verifier", pureVerifier],
  ["the host's verifier", fastVerifier],
];

const hex = (text: string): Uint8Array => decodeHex(text) ?? new Uint8Array(0);
const ORDER = Point.CURVE().n;
const MESSAGE = new TextEncoder().encode("Zcash");

function toNumber(bytes: Uint8Array): bigint {
  return [...bytes].reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

function toBytes(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
}

interface Signed {
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

/** A signature (R, 0) for each pair of encodings of small-order points. */
const SMALL_ORDER_CASES = SMALL_ORDER_ENCODINGS.flatMap((a, i) =>
  SMALL_ORDER_ENCODINGS.map((r, j) => ({
    publicKey: hex(a),
    message: MESSAGE,
    signature: Uint8Array.of(...hex(r), ...new Uint8Array(32)),
    standard: STANDARD_TAKES.some(([x, y]) => x === i && y === j),
  })),
);

/** Signs with a public key and an R that are off by small-order points: [8] makes them good again, nothing else does for sure. */
function signOff(scalar: bigint, nonce: bigint, keyOff: number, nonceOff: number, message: Uint8Array): Signed {
  const torsion = Point.fromHex(SMALL_ORDER_ENCODINGS[4]);
  const times = (count: number): Point => (count === 0 ? Point.ZERO : torsion.multiplyUnsafe(BigInt(count)));
  const publicKey = Point.BASE.multiply(scalar).add(times(keyOff)).toBytes();
  const r = Point.BASE.multiply(nonce).add(times(nonceOff)).toBytes();
  const challenge = toNumber(sha512(Uint8Array.of(...r, ...publicKey, ...message))) % ORDER;
  const s = (nonce + challenge * scalar) % ORDER;
  return { publicKey, message, signature: Uint8Array.of(...r, ...toBytes(s)) };
}

describe.each(VERIFIERS)("%s", (_, verifier) => {
  const both = ({ publicKey, message, signature }: Signed): [boolean, boolean] => [
    verifier.zip215(publicKey, message, signature),
    verifier.standard(publicKey, message, signature),
  ];

  test("[V1][V2] takes an honest signature", () => {
    const key = lockKey("alice");
    expect(both({ publicKey: key.publicKey, message: MESSAGE, signature: key.sign(MESSAGE) })).toEqual([true, true]);
  });

  test("[V1] takes all 196 signatures of ZIP-215's test set", () => {
    expect(SMALL_ORDER_CASES).toHaveLength(196);
    const refused = SMALL_ORDER_CASES.filter((c) => !verifier.zip215(c.publicKey, c.message, c.signature));
    expect(refused).toEqual([]);
  });

  test("[V2] takes just the 12 of them that Go's standard library takes", () => {
    const taken = SMALL_ORDER_CASES.map((c) => verifier.standard(c.publicKey, c.message, c.signature));
    expect(taken).toEqual(SMALL_ORDER_CASES.map(({ standard }) => standard));
  });

  test.each(EDGE_CASES)("[V1][V2] agrees with Go on $name", ({ message, publicKey, signature, zip215, standard }) => {
    const signed = { publicKey: hex(publicKey), message: hex(message), signature: hex(signature) };
    expect(both(signed)).toEqual([zip215, standard]);
  });

  test("[V3] refuses S + L for a good S", () => {
    const key = lockKey("alice");
    const good = key.sign(MESSAGE);
    const raised = toBytes(toNumber(good.subarray(32)) + ORDER);
    const signature = Uint8Array.of(...good.subarray(0, 32), ...raised);
    expect(both({ publicKey: key.publicKey, message: MESSAGE, signature })).toEqual([false, false]);
  });

  test.each([
    ["S = L, where S = 0 would do", ORDER],
    ["S = 2^256 - 1", 2n ** 256n - 1n],
  ])("[V3] refuses %s", (name, s) => {
    const identity = hex(SMALL_ORDER_ENCODINGS[0]);
    const signature = Uint8Array.of(...identity, ...toBytes(s));
    expect([name, ...both({ publicKey: identity, message: MESSAGE, signature })]).toEqual([name, false, false]);
  });

  test("refuses points that are not on the curve", () => {
    const key = lockKey("alice");
    const off = toBytes(2n);
    expect(both({ publicKey: off, message: MESSAGE, signature: key.sign(MESSAGE) })).toEqual([false, false]);
    const signature = Uint8Array.of(...off, ...key.sign(MESSAGE).subarray(32));
    expect(both({ publicKey: key.publicKey, message: MESSAGE, signature })).toEqual([false, false]);
  });

  test.each([
    [0, 64],
    [31, 64],
    [33, 64],
    [32, 0],
    [32, 63],
    [32, 65],
  ])("refuses a key of %d bytes with a signature of %d", (keyLength, signatureLength) => {
    const key = lockKey("alice");
    const publicKey = Uint8Array.from({ length: keyLength }, (_, i) => key.publicKey[i] ?? 0);
    const signature = Uint8Array.from({ length: signatureLength }, (_, i) => key.sign(MESSAGE)[i] ?? 0);
    expect(both({ publicKey, message: MESSAGE, signature })).toEqual([false, false]);
  });

  test("refuses a signature with any one bit changed", () => {
    const key = lockKey("alice");
    const good = key.sign(MESSAGE);
    for (const at of [0, 31, 32, 63]) {
      const signature = good.slice();
      signature[at] = (signature[at] ?? 0) ^ 1;
      expect(both({ publicKey: key.publicKey, message: MESSAGE, signature })).toEqual([false, false]);
    }
  });

  test("[V1][V2] the cofactor forgives small-order parts, the standard rule only where they cancel", () => {
    const part = fc.integer({ min: 0, max: 7 });
    const scalar = fc.bigInt({ min: 1n, max: ORDER - 1n });
    fc.assert(
      fc.property(scalar, scalar, part, part, fc.uint8Array(), (a, r, keyOff, nonceOff, message) => {
        const signed = signOff(a, r, keyOff, nonceOff, message);
        const challenge =
          toNumber(sha512(Uint8Array.of(...signed.signature.subarray(0, 32), ...signed.publicKey, ...message))) % ORDER;
        // R + kA = SB in the small part: both are multiples of one point of order 8.
        const cancels = (BigInt(nonceOff) + challenge * BigInt(keyOff)) % 8n === 0n;
        expect(both(signed)).toEqual([true, cancels]);
      }),
      { seed: 20261103, numRuns: 40 },
    );
  });
});

describe("[V4] a native verifier", () => {
  test("says yes only where the standard rule does", () => {
    const edge = EDGE_CASES.map((c) => [hex(c.publicKey), hex(c.message), hex(c.signature)] as const);
    const small = SMALL_ORDER_CASES.map((c) => [c.publicKey, c.message, c.signature] as const);
    const nativeYes = [...edge, ...small].filter(([publicKey, message, signature]) => {
      try {
        const spki = Uint8Array.of(...hex("302a300506032b6570032100"), ...publicKey);
        return hostEd25519.verify(hostEd25519.importKey(spki), message, signature);
      } catch {
        return false;
      }
    });
    expect(nativeYes.filter((signed) => !pureVerifier.standard(...signed))).toEqual([]);
  });

  test("that always says no, or throws, changes no verdict", () => {
    const refuses = hostVerifier({ importKey: () => null, verify: () => false });
    const throws = hostVerifier({
      importKey: () => {
        throw new Error("no such key");
      },
      verify: () => true,
    });
    for (const { publicKey, message, signature, zip215, standard } of EDGE_CASES) {
      for (const verifier of [refuses, throws]) {
        expect(verifier.zip215(hex(publicKey), hex(message), hex(signature))).toBe(zip215);
        expect(verifier.standard(hex(publicKey), hex(message), hex(signature))).toBe(standard);
      }
    }
  });

  test("is not asked about wrong lengths", () => {
    const eager = hostVerifier({ importKey: () => null, verify: () => true });
    expect(eager.zip215(new Uint8Array(31), MESSAGE, new Uint8Array(64))).toBe(false);
    expect(eager.standard(new Uint8Array(32), MESSAGE, new Uint8Array(65))).toBe(false);
  });

  test("imports a key once, until another one takes its place", () => {
    const imported: string[] = [];
    const verifier = hostVerifier({ importKey: (spki) => imported.push(encodeHex(spki)), verify: () => true });
    const use = (...start: readonly number[]): boolean =>
      verifier.zip215(
        Uint8Array.from({ length: 32 }, (_, i) => start[i] ?? 0),
        MESSAGE,
        new Uint8Array(64),
      );
    const [one, meetsOne, other] = [
      [1, 2],
      [1, 2, 3],
      [2, 2],
    ];
    for (const start of [one, other, one, other]) use(...start);
    expect(imported).toHaveLength(2);
    for (const start of [meetsOne, other, one]) use(...start);
    expect(imported).toHaveLength(4);
  });

  test("takes no key for another that meets it in its place", () => {
    const [alice, mallory] = [lockKey("alice"), lockKey("mallory")];
    const meets = Uint8Array.of(...alice.publicKey.subarray(0, 2), ...mallory.publicKey.subarray(2));
    const verifier = hostVerifier(hostEd25519);
    const signature = alice.sign(MESSAGE);
    for (const [publicKey, good] of [
      [alice.publicKey, true],
      [meets, false],
      [alice.publicKey, true],
    ] as const)
      expect(verifier.zip215(publicKey, MESSAGE, signature)).toBe(good);
  });

  test("is given keys that a caller may change afterwards", () => {
    const verifier = hostVerifier(hostEd25519);
    const publicKey = lockKey("alice").publicKey.slice();
    expect(verifier.zip215(publicKey, MESSAGE, lockKey("alice").sign(MESSAGE))).toBe(true);
    publicKey[31] = (publicKey[31] ?? 0) ^ 1;
    expect(verifier.zip215(publicKey, MESSAGE, lockKey("alice").sign(MESSAGE))).toBe(false);
  });
});

describe("a signer from a seed", () => {
  test("makes the first test vector of RFC 8032, section 7.1", () => {
    const signer = signerFromSeed(hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"));
    expect(encodeHex(signer.publicKey)).toBe("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    expect(encodeHex(signer.sign(new Uint8Array(0)))).toBe(
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    );
  });

  test("signs as the host does", () => {
    const key = lockKey("alice");
    expect(signerFromSeed(key.seed).sign(MESSAGE)).toEqual(key.sign(MESSAGE));
  });
});
