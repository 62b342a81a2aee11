/** [N9] What was proven is remembered; whether the key is still trusted is asked anew; refusals are never remembered. */

import { describe, expect, test } from "vitest";
import { AuthorizationCache, authorizeNodeKey, type SignatureVerifier, type State } from "../../src/tka/index.ts";
import { nodeKey, stateOf, trusted } from "../support/chains-keys.ts";
import { codeOf } from "../support/expect-code.ts";
import { fastVerifier } from "../support/host-crypto.ts";
import { direct, encoded, rotation } from "./node-key-fixtures.ts";

/** A cache, and how many signatures it has had verified. */
function counted(): { cache: AuthorizationCache; count: () => number } {
  let verifications = 0;
  const verifier: SignatureVerifier = {
    zip215: (...args) => {
      verifications++;
      return fastVerifier.zip215(...args);
    },
    standard: (...args) => {
      verifications++;
      return fastVerifier.standard(...args);
    },
  };
  return { cache: new AuthorizationCache(verifier), count: () => verifications };
}

const STATE = stateOf({ alice: 1, bob: 1 });
const SIGNATURE = encoded(direct("n", "lock"));

describe("[N9] what was proven", () => {
  test("is what would be proven again", () => {
    const { cache } = counted();
    const sig = encoded(rotation("n", direct("old", "lock", "bob"), "lock"));
    const proven = authorizeNodeKey(STATE, nodeKey("n"), sig, fastVerifier);
    expect(cache.authorize(STATE, nodeKey("n"), sig)).toEqual(proven);
    expect(cache.authorize(STATE, nodeKey("n"), sig)).toEqual(proven);
  });

  test("is not verified again, in the same state or in another that trusts the key", () => {
    const { cache, count } = counted();
    const states = [STATE, STATE, stateOf({ alice: 1 }), stateOf({ bob: 3, alice: 7 }), STATE];
    for (const state of states) cache.authorize(state, nodeKey("n"), SIGNATURE.slice());
    expect(count()).toBe(1);
  });

  test("falls with the trusted key, and stands again with it", () => {
    const { cache, count } = counted();
    cache.authorize(STATE, nodeKey("n"), SIGNATURE);
    const without = stateOf({ bob: 1 });
    expect(codeOf(() => cache.authorize(without, nodeKey("n"), SIGNATURE))).toBe("unknown_key");
    expect(codeOf(() => cache.authorize(without, nodeKey("n"), SIGNATURE))).toBe("unknown_key");
    expect(cache.authorize(STATE, nodeKey("n"), SIGNATURE).authorizedBy).toEqual(trusted("alice"));
    expect(count()).toBe(1);
  });

  test("is for one node key and one signature", () => {
    const { cache, count } = counted();
    cache.authorize(STATE, nodeKey("n"), SIGNATURE);
    expect(codeOf(() => cache.authorize(STATE, nodeKey("m"), SIGNATURE))).toBe("not_authorized");
    const other = encoded(direct("n", null, "bob"));
    cache.authorize(STATE, nodeKey("n"), other);
    expect(count()).toBe(2);
    cache.authorize(STATE, nodeKey("n"), other);
    expect(count()).toBe(2);
  });

  test("is kept from a caller who changes the bytes afterwards", () => {
    const { cache } = counted();
    const bytes = SIGNATURE.slice();
    cache.authorize(STATE, nodeKey("n"), bytes);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    expect(codeOf(() => cache.authorize(STATE, nodeKey("n"), bytes))).toBe("not_authorized");
    expect(cache.authorize(STATE, nodeKey("n"), SIGNATURE).rotation).toBeNull();
  });
});

describe("[N9] a refusal", () => {
  test("is made anew each time", () => {
    const { cache, count } = counted();
    const forged = encoded({ ...direct("n", null), signature: new Uint8Array(64) });
    for (let i = 0; i < 3; i++)
      expect(codeOf(() => cache.authorize(STATE, nodeKey("n"), forged))).toBe("not_authorized");
    expect(count()).toBe(3);
  });

  test("takes nothing from what was proven before", () => {
    const { cache, count } = counted();
    cache.authorize(STATE, nodeKey("n"), SIGNATURE);
    expect(codeOf(() => cache.authorize(STATE, nodeKey("n"), new Uint8Array(3)))).toBe("malformed_cbor");
    cache.authorize(STATE, nodeKey("n"), SIGNATURE);
    expect(count()).toBe(1);
  });

  test("of a key whose kind has changed is not overridden by memory", () => {
    const { cache } = counted();
    cache.authorize(STATE, nodeKey("n"), SIGNATURE);
    const odd: State = { ...STATE, keys: [{ ...trusted("alice"), kind: 2 }] };
    expect(codeOf(() => cache.authorize(odd, nodeKey("n"), SIGNATURE))).toBe("unknown_key_kind");
  });
});

test("retaining forgets the peers that are gone", () => {
  const { cache, count } = counted();
  cache.authorize(STATE, nodeKey("n"), SIGNATURE);
  cache.authorize(STATE, nodeKey("m"), encoded(direct("m", null)));
  cache.retain(new Set([nodeKey("m")]));
  cache.authorize(STATE, nodeKey("m"), encoded(direct("m", null)));
  expect(count()).toBe(2);
  cache.authorize(STATE, nodeKey("n"), SIGNATURE);
  expect(count()).toBe(3);
});
