/** Nodes that sign their own next keys: [R1] refused where it cannot hold, [R2] never too deep, [R3] trimmed so that it still verifies. */

import { describe, expect, test } from "vitest";
import {
  MAX_SIGNATURE_LAYERS,
  authorizeNodeKey,
  decodeNodeKeySignature,
  encodeNodeKeySignature,
  initialSignature,
  pureVerifier,
  rotateSignature,
  signByCredential,
  signDirect,
  signatureLayers,
  unverifiedWrappingKey,
  type Authorization,
} from "../../src/tka/index.ts";
import { idOf, lockKey, nodeKey, stateOf } from "../support/chains-keys.ts";
import { codeOf, verdictOf } from "../support/expect-code.ts";
import { fastVerifier } from "../support/host-crypto.ts";
import { credential, direct, encoded, rotation, rotations } from "./node-key-fixtures.ts";

const STATE = stateOf({ alice: 1 });

function authorize(node: string, signature: Uint8Array): Authorization {
  return authorizeNodeKey(STATE, nodeKey(node), signature, fastVerifier);
}

const layers = (signature: Uint8Array): number => signatureLayers(decodeNodeKeySignature(signature));
const rotate = (old: Uint8Array, node: string, by = "lock"): Uint8Array =>
  rotateSignature(old, nodeKey(node), lockKey(by));

/** Rotates to node keys n1 to n<count>; every one must be let in. Gives the newest signature. */
function rotateOften(start: Uint8Array, count: number, by = "lock"): Uint8Array {
  let signature = start;
  for (let i = 1; i <= count; i++) {
    signature = rotate(signature, `n${i}`, by);
    authorize(`n${i}`, signature);
  }
  return signature;
}

const previous = (node: string, signature: Uint8Array): readonly string[] =>
  authorize(node, signature).rotation?.previousNodeKeys ?? [];

/** Node keys n<from> down to n<to>. */
const down = (from: number, to: number): string[] =>
  Array.from({ length: from - to + 1 }, (_, i) => nodeKey(`n${from - i}`));

describe("signing directly", () => {
  test("lets the node in, with a key to rotate or without", () => {
    const withKey = signDirect(nodeKey("n"), idOf("lock"), lockKey("alice"));
    const without = signDirect(nodeKey("n"), null, lockKey("alice"));
    expect(withKey).toEqual(encoded(direct("n", "lock")));
    expect(without).toEqual(encoded(direct("n", null)));
    expect(authorize("n", withKey).rotation).toBeNull();
    expect(authorize("n", without).rotation).toBeNull();
  });
});

describe("rotating", () => {
  test("wraps the old signature in one by the node's lock key", () => {
    const rotated = rotate(encoded(direct("old", "lock")), "n");
    expect(rotated).toEqual(encoded(rotation("n", direct("old", "lock"), "lock")));
    expect(previous("n", rotated)).toEqual([nodeKey("old")]);
    expect(previous("m", rotate(rotated, "m"))).toEqual([nodeKey("n"), nodeKey("old")]);
  });

  test("verifies without a host's verifier as well", () => {
    const rotated = rotate(encoded(direct("old", "lock")), "n");
    expect(authorizeNodeKey(STATE, nodeKey("n"), rotated, pureVerifier).rotation?.previousNodeKeys).toHaveLength(1);
  });

  test("gives back what is for the node key already, whoever asks", () => {
    const signature = encoded(direct("n", "lock"));
    expect(rotate(signature, "n")).toBe(signature);
    expect(rotate(signature, "n", "mallory")).toBe(signature);
  });

  test("malformed_cbor for what is no signature", () => {
    expect(codeOf(() => rotate(new Uint8Array(0), "n"))).toBe("malformed_cbor");
  });
});

describe("[R1] rotation_not_ours", () => {
  test.each([
    ["another key is wrapped", encoded(direct("old", "other"))],
    ["no key is wrapped", encoded(direct("old", null))],
    ["the right was passed on", encoded(rotation("old", direct("older", "lock"), "lock", "other"))],
    [
      "Go let the node in by an auth key and named no key",
      encoded(rotation("old", credential("throwaway"), "throwaway")),
    ],
  ])("where %s", (_, old) => {
    expect(codeOf(() => rotate(old, "n"))).toBe("rotation_not_ours");
  });
});

describe("[R2] forty rotations", () => {
  test("from a direct signature: the newest 14 keys and the first are named", () => {
    const signature = rotateOften(encoded(direct("old", "lock")), 40);
    expect(layers(signature)).toBe(MAX_SIGNATURE_LAYERS);
    expect(previous("n40", signature)).toEqual([...down(39, 26), nodeKey("old")]);
  });

  test("from a credential, the throw-away key's one rotation kept", () => {
    const first = signByCredential(credential("throwaway"), lockKey("throwaway"), nodeKey("first"), idOf("lock"));
    const signature = rotateOften(first, 40);
    expect(layers(signature)).toBe(MAX_SIGNATURE_LAYERS);
    expect(previous("n40", signature)).toEqual([...down(39, 27), nodeKey("first")]);
    expect(initialSignature(decodeNodeKeySignature(signature))).toEqual(credential("throwaway"));
  });

  test("by the second key, after the first has passed its right on", () => {
    const passed = rotation("b", rotation("a", direct("old", "one"), "one"), "one", "lock");
    const signature = rotateOften(encoded(passed), 40);
    expect(layers(signature)).toBe(MAX_SIGNATURE_LAYERS);
    expect(previous("n40", signature)).toEqual([...down(39, 28), ...["b", "a", "old"].map(nodeKey)]);
  });

  test("by the third of three keys, each named by the one before", () => {
    const chain = rotation("c", rotation("b", rotation("a", direct("old", "one"), "one", "two"), "two", "three"), "three", "lock"); // prettier-ignore
    const signature = rotateOften(encoded(chain), 40);
    expect(layers(signature)).toBe(MAX_SIGNATURE_LAYERS);
    expect(previous("n40", signature).slice(-4)).toEqual(["c", "b", "a", "old"].map(nodeKey));
  });

  test("where the right came back to our key after it was with another", () => {
    const back = rotation(
      "c",
      rotation("b", rotation("a", direct("old", "lock"), "lock", "two"), "two", "lock"),
      "lock",
    );
    const signature = rotateOften(encoded(back), 40);
    expect(layers(signature)).toBe(MAX_SIGNATURE_LAYERS);
    expect(previous("n40", signature).slice(-3)).toEqual(["b", "a", "old"].map(nodeKey));
  });

  test("a hundred more change nothing in depth", () => {
    expect(layers(rotateOften(encoded(direct("old", "lock")), 140))).toBe(MAX_SIGNATURE_LAYERS);
  });
});

describe("[R3] trimming", () => {
  test("begins at the sixteenth layer, not before", () => {
    const fifteen = encoded(rotations("r", 14, direct("old", "lock"), "lock"));
    expect(layers(rotate(fifteen, "n"))).toBe(16);
    expect(previous("n", rotate(fifteen, "n"))).toHaveLength(15);
    const sixteen = encoded(rotations("r", 15, direct("old", "lock"), "lock"));
    expect(layers(rotate(sixteen, "n"))).toBe(16);
    const kept = Array.from({ length: 14 }, (_, i) => nodeKey(`r${15 - i}`));
    expect(previous("n", rotate(sixteen, "n"))).toEqual([...kept, nodeKey("old")]);
  });

  test("keeps the right to rotate: our key stays the one that is wrapped", () => {
    const sixteen = encoded(rotations("r", 15, direct("old", "lock"), "lock"));
    expect(unverifiedWrappingKey(decodeNodeKeySignature(rotate(sixteen, "n")))).toEqual(idOf("lock"));
  });

  test("drops nothing that other keys signed, and makes room among our own", () => {
    const others = rotation("x", rotations("o", 13, direct("old", "other"), "other"), "other", "lock");
    const full = encoded(rotation("n1", others, "lock"));
    expect(layers(full)).toBe(16);
    const rotated = rotate(full, "n2");
    expect(layers(rotated)).toBe(16);
    expect(previous("n2", rotated).slice(0, 2)).toEqual([nodeKey("x"), nodeKey("o13")]);
    expect(layers(rotateOften(rotated, 20))).toBe(16);
  });

  test("rotation_chain_full where other keys' layers leave no room", () => {
    const full = encoded(rotation("x", rotations("o", 14, direct("old", "other"), "other"), "other", "lock"));
    expect(layers(full)).toBe(16);
    authorize("x", full);
    expect(codeOf(() => rotate(full, "n"))).toBe("rotation_chain_full");
  });

  test("trims what Go has made: a chain that wraps our key anew in each layer", () => {
    let sig = direct("old", "lock");
    for (let i = 1; i <= 15; i++) sig = rotation(`r${i}`, sig, "lock", "lock");
    const rotated = rotate(encoded(sig), "n");
    expect(layers(rotated)).toBe(16);
    expect(previous("n", rotated)).toHaveLength(15);
  });
});

describe("joining by a credential", () => {
  test("names the node's own lock key, which may rotate from there", () => {
    const signature = signByCredential(credential("throwaway"), lockKey("throwaway"), nodeKey("n"), idOf("lock"));
    expect(signature).toEqual(encoded(rotation("n", credential("throwaway"), "throwaway", "lock")));
    expect(authorize("n", signature).rotation?.initial).toEqual(credential("throwaway"));
    authorize("m", rotate(signature, "m"));
  });

  test("one credential brings in many nodes, each with its own right", () => {
    const join = (node: string, lock: string): Uint8Array =>
      signByCredential(credential("throwaway"), lockKey("throwaway"), nodeKey(node), idOf(lock));
    authorize("m1", rotate(join("n1", "lock1"), "m1", "lock1"));
    expect(codeOf(() => rotate(join("n1", "lock1"), "m1", "lock2"))).toBe("rotation_not_ours");
  });

  test.each([
    ["what is no credential", direct("n", "throwaway"), "throwaway"],
    ["the credential of another key", credential("other"), "throwaway"],
  ])("bad_credential: %s", (_, sig, key) => {
    expect(codeOf(() => signByCredential(sig, lockKey(key), nodeKey("n"), idOf("lock")))).toBe("bad_credential");
  });
});

describe("an old signature from whoever hands it to us [R3]", () => {
  /** The direct signature for the victim, and on it layers that nobody has signed, all for one node key. */
  function forged(layers: number): Uint8Array {
    let sig = direct("victim", "lock");
    for (let i = 0; i < layers; i++)
      sig = { ...rotation("rogue", sig, "lock"), signature: new Uint8Array(64).fill(i + 1) };
    return encoded(sig);
  }

  test.each([1, 5, 14, 15])("%i layers that we never signed are not signed anew for somebody else", (count) => {
    const made = verdictOf(() => rotate(forged(count), "next"));
    expect(made).toBe(count === 15 ? "rotation_chain_full" : "ok");
    if (made !== "ok") return;
    let layer = decodeNodeKeySignature(rotate(forged(count), "next")).nested;
    for (; layer !== null; layer = layer.nested) {
      const inner = encodeNodeKeySignature(layer);
      expect(verdictOf(() => authorize("rogue", inner))).not.toBe("ok");
    }
  });
});
