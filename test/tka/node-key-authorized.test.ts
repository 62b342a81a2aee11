/** Which signatures let a node key in: rules [N1] to [N3] and [N6] to [N8], and what a rotation tells besides. */

import { describe, expect, test } from "vitest";
import {
  KEY_25519,
  SIG_KIND,
  authorizeNodeKey,
  decodeHex,
  encodeNodeKeySignature,
  makeNodeKeySignature,
  nodeKeyToBinary,
  pureVerifier,
  type NodeKeySignature,
  type Signer,
  type State,
} from "../../src/tka/index.ts";
import { nodeKeySigHash } from "../../src/tka/node-key-signature.ts";
import { signNodeKeySignature } from "../../src/tka/rotation.ts";
import { idOf, lockKey, nodeKey, stateOf, trusted } from "../support/chains-keys.ts";
import { verdictOf } from "../support/expect-code.ts";
import { fastVerifier } from "../support/host-crypto.ts";
import { credential, direct, encoded, rotation, rotations } from "./node-key-fixtures.ts";

const STATE = stateOf({ alice: 1, bob: 1 });

function verdict(sig: NodeKeySignature, node = "n", state: State = STATE): string {
  const verdicts = [fastVerifier, pureVerifier].map((verifier) =>
    verdictOf(() => authorizeNodeKey(state, nodeKey(node), encoded(sig), verifier)),
  );
  expect(verdicts[0]).toBe(verdicts[1]);
  return verdicts[0] ?? "";
}

/** The signature with one bit of its signature changed. */
function spoiled(sig: NodeKeySignature): NodeKeySignature {
  const signature = Uint8Array.from(sig.signature ?? []);
  signature[40] = (signature[40] ?? 0) ^ 1;
  return { ...sig, signature };
}

describe("what lets a node in", () => {
  test.each<[string, NodeKeySignature]>([
    ["[N1] a direct signature", direct("n", null)],
    ["[N1] a direct signature with a key to rotate with", direct("n", "lock")],
    ["[N1] a direct signature by another trusted key", direct("n", null, "bob")],
    ["[N2] a rotation", rotation("n", direct("old", "lock"), "lock")],
    ["[N2] a rotation of a rotation", rotation("n", rotation("mid", direct("old", "lock"), "lock"), "lock")],
    ["[N2] a rotation to the same node key", rotation("n", direct("n", "lock"), "lock")],
    ["[N3] a rotation of a credential", rotation("n", credential("throwaway"), "throwaway")],
    [
      "[N4] rotations that pass the right to rotate on",
      rotation("n", rotation("mid", direct("old", "one"), "one", "two"), "two"),
    ],
    [
      "[N4] a credential, passed on to the node's own key",
      rotation("n", rotation("old", credential("throwaway"), "throwaway", "lock"), "lock"),
    ],
    ["16 layers of direct and rotations", rotation("n", rotations("r", 14, direct("old", "lock"), "lock"), "lock")],
  ])("%s", (_, sig) => {
    expect(verdict(sig)).toBe("ok");
  });

  test("says which trusted key it rests on", () => {
    const sig = encoded(rotation("n", direct("old", "lock", "bob"), "lock"));
    expect(authorizeNodeKey(STATE, nodeKey("n"), sig, fastVerifier).authorizedBy).toBe(STATE.keys?.[1]);
  });

  test("[N7] ignores the key ID on a rotation", () => {
    const unsigned = { ...rotation("n", direct("old", "lock"), "lock"), keyId: idOf("mallory") };
    expect(verdict(signNodeKeySignature(unsigned, lockKey("lock")))).toBe("ok");
  });
});

describe("what lets nobody in", () => {
  const old = direct("old", "lock");
  const oddKey = (publicKey: Uint8Array | null): State => ({
    ...STATE,
    keys: [{ kind: KEY_25519, votes: 1n, publicKey, meta: null }],
  });

  test.each<[string, string, NodeKeySignature]>([
    ["not_authorized", "[N8] a credential alone", credential("throwaway")],
    [
      "not_authorized",
      "[N8] a credential that names the node key, too",
      signNodeKeySignature({ ...credential("t"), pubkey: nodeKeyToBinary(nodeKey("n")) }, lockKey("alice")),
    ],
    ["not_authorized", "[N6] a signature for another node key", direct("other", "lock")],
    ["not_authorized", "[N6] a rotation for another node key", rotation("other", old, "lock")],
    ["not_authorized", "a signature that is off by a bit", spoiled(direct("n", null))],
    ["not_authorized", "a rotation that is off by a bit", spoiled(rotation("n", old, "lock"))],
    ["not_authorized", "a rotation of a signature that is off by a bit", rotation("n", spoiled(old), "lock")],
    ["not_authorized", "a rotation of a credential that is off by a bit", rotation("n", spoiled(credential("t")), "t")],
    ["not_authorized", "no signature", { ...direct("n", null), signature: null }],
    ["not_authorized", "a signature of 63 bytes", { ...direct("n", null), signature: new Uint8Array(63) }],
    ["not_authorized", "[N2] a rotation by a key that was not wrapped", rotation("n", old, "mallory")],
    ["not_authorized", "[N2] a rotation by the trusted key itself", rotation("n", old, "alice")],
    ["not_authorized", "[N2] a rotation of what wraps nothing", rotation("n", direct("old", null), "lock")],
    ["not_authorized", "[N2] a rotation of nothing", rotation("n", null, "lock")],
    [
      "not_authorized",
      "[N4] a rotation by a key whose right was passed on",
      rotation("n", rotation("mid", old, "lock", "two"), "lock"),
    ],
    [
      "not_authorized",
      "[N7] Go's second rotation of a credential, signed by the node's lock key that nobody named",
      rotation("n", rotation("old", credential("throwaway"), "throwaway"), "lock"),
    ],
    ["not_authorized", "[N8] a direct signature that nests another", signNodeKeySignature({ ...direct("n", null), nested: old }, lockKey("alice"))], // prettier-ignore
    ["not_authorized", "[N8] a credential that nests another", rotation("n", signNodeKeySignature({ ...credential("t"), nested: old }, lockKey("alice")), "t")], // prettier-ignore
    ["not_authorized", "a signature of kind 0", signNodeKeySignature({ ...direct("n", null), kind: 0 }, lockKey("alice"))], // prettier-ignore
    ["not_authorized", "a signature of unknown kind", signNodeKeySignature({ ...direct("n", null), kind: 7 }, lockKey("alice"))], // prettier-ignore
    ["not_authorized", "a rotation of an unknown kind", rotation("n", signNodeKeySignature({ ...old, kind: 7 }, lockKey("alice")), "lock")], // prettier-ignore
    ["unknown_key", "a stranger's signature", direct("n", null, "mallory")],
    ["unknown_key", "a rotation of a stranger's signature", rotation("n", direct("old", "lock", "mallory"), "lock")],
    ["malformed_text", "[N6] a rotation of a signature for no node key", rotation("n", signNodeKeySignature({ ...old, pubkey: null }, lockKey("alice")), "lock")], // prettier-ignore
  ])("%s: %s", (code, _, sig) => {
    expect(verdict(sig)).toBe(code);
  });

  test("[N1] a signature by a key that says it is another", () => {
    const unsigned = { ...direct("n", null), keyId: idOf("bob") };
    expect(verdict(signNodeKeySignature(unsigned, lockKey("alice")))).toBe("not_authorized");
  });

  test("unknown_key: what rests on a key that was removed since", () => {
    const sig = rotation("n", direct("old", "lock", "bob"), "lock");
    expect([verdict(sig), verdict(sig, "n", stateOf({ alice: 1 }))]).toEqual(["ok", "unknown_key"]);
  });

  test.each([31, 33, 0])("not_authorized: [K2] a trusted key of %d bytes verifies nothing", (length) => {
    const id = new Uint8Array(length).fill(1);
    const sig = { ...direct("n", null), keyId: length === 0 ? new Uint8Array(0) : id };
    const code = verdictOf(() => authorizeNodeKey(oddKey(id), nodeKey("n"), encoded(sig), fastVerifier));
    expect(code).toBe("not_authorized");
  });

  test.each([31, 33])("not_authorized: a wrapped key of %d bytes, where Go's verifier panics", (length) => {
    const unsigned = { ...direct("old", null), wrappingPubkey: new Uint8Array(length).fill(1) };
    const nested = signNodeKeySignature(unsigned, lockKey("alice"));
    expect(verdict(rotation("n", nested, "lock"))).toBe("not_authorized");
  });

  test("malformed_cbor: bytes that are no signature, and a chain too deep to decode", () => {
    const deep = rotation("n", rotations("r", 15, direct("old", "lock"), "lock"), "lock");
    expect(verdict(deep)).toBe("malformed_cbor");
    const empty = (): unknown => authorizeNodeKey(STATE, nodeKey("n"), new Uint8Array(0), fastVerifier);
    expect(verdictOf(empty)).toBe("malformed_cbor");
  });

  test("a signature keeps working when it is encoded otherwise: what counts is the canonical encoding", () => {
    const sig = encoded(direct("n", null));
    const padded = Uint8Array.of(0xa5, ...sig.subarray(1), 0x18, 0x63, 0x00);
    expect(verdictOf(() => authorizeNodeKey(STATE, nodeKey("n"), padded, fastVerifier))).toBe("ok");
  });
});

describe("[N7] odd points, on which the two rules part", () => {
  const identity = decodeHex("01".padEnd(64, "0")) ?? new Uint8Array(0);
  const order8 = decodeHex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05") ?? new Uint8Array(0);
  /** Signs with R the identity and S = 0: by ZIP-215 that is a signature of anything under a key of small order. */
  const nobody: Signer = { publicKey: order8, sign: () => Uint8Array.of(...identity, ...new Uint8Array(32)) };
  const STANDARD_SAYS_NO = Array.from({ length: 16 }, (_, i) => `odd${i}`);

  test("a direct signature goes by ZIP-215", () => {
    const state = { ...STATE, keys: [{ ...trusted("alice"), publicKey: order8 }] };
    const unsigned = makeNodeKeySignature(SIG_KIND.direct, { pubkey: nodeKeyToBinary(nodeKey("n")), keyId: order8 });
    const sig = encodeNodeKeySignature(signNodeKeySignature(unsigned, nobody));
    expect(verdictOf(() => authorizeNodeKey(state, nodeKey("n"), sig, fastVerifier))).toBe("ok");
    expect(verdictOf(() => authorizeNodeKey(state, nodeKey("n"), sig, pureVerifier))).toBe("ok");
  });

  test("a rotation goes by the standard rule, which takes one in eight of these", () => {
    const nested = signNodeKeySignature({ ...direct("old", null), wrappingPubkey: order8 }, lockKey("alice"));
    const results = STANDARD_SAYS_NO.map((node) => {
      const sig = rotation(node, nested, nobody);
      const message = nodeKeySigHash(sig);
      expect(pureVerifier.zip215(order8, message, nobody.sign(message))).toBe(true);
      return [
        verdict(sig, node),
        pureVerifier.standard(order8, message, nobody.sign(message)) ? "ok" : "not_authorized",
      ];
    });
    expect(results.map(([got]) => got)).toEqual(results.map(([, wanted]) => wanted));
    expect(new Set(results.map(([got]) => got))).toContain("not_authorized");
  });
});

describe("rotation details", () => {
  const details = (sig: NodeKeySignature): ReturnType<typeof authorizeNodeKey>["rotation"] =>
    authorizeNodeKey(STATE, nodeKey("n"), encoded(sig), fastVerifier).rotation;

  test("are none for a direct signature", () => {
    expect(details(direct("n", "lock"))).toBeNull();
  });

  test("name the keys before, the newest first, and what the node was let in by", () => {
    const initial = direct("first", "lock");
    const sig = rotation("n", rotation("third", rotation("second", initial, "lock"), "lock"), "lock");
    expect(details(sig)).toEqual({ previousNodeKeys: ["third", "second", "first"].map(nodeKey), initial });
  });

  test("name no key before for a node fresh from an auth key", () => {
    const initial = credential("throwaway");
    expect(details(rotation("n", initial, "throwaway"))).toEqual({ previousNodeKeys: [], initial });
    const again = rotation("n", rotation("old", initial, "throwaway", "lock"), "lock");
    expect(details(again)).toEqual({ previousNodeKeys: [nodeKey("old")], initial });
  });
});
