/** Node keys that nobody must talk to any more: [O1] rotated out, [O2] cloned, [O3] but not those from auth keys. */

import { describe, expect, test } from "vitest";
import {
  SIG_KIND,
  TkaError,
  authorizeNodeKey,
  makeNodeKeySignature,
  nodeKeyFromRaw,
  obsoleteNodeKeys,
  rotateSignature,
  signByCredential,
  type NodeKey,
  type RotatedPeer,
} from "../../src/tka/index.ts";
import { idOf, lockKey, nodeKey, stateOf } from "../support/chains-keys.ts";
import { fastVerifier } from "../support/host-crypto.ts";
import { credential, direct, encoded } from "./node-key-fixtures.ts";

const key = (number: number): NodeKey => nodeKeyFromRaw(new Uint8Array(32).fill(number));

/** A peer that goes back to a signature of that kind wrapping one byte, and used these keys before. */
function peer(number: number, kind: number, wraps: number | null, ...previous: readonly number[]): RotatedPeer {
  const wrappingPubkey = wraps === null ? null : Uint8Array.of(wraps);
  const initial = makeNodeKeySignature(kind, { wrappingPubkey });
  return { nodeKey: key(number), rotation: { previousNodeKeys: previous.map(key), initial } };
}

const { direct: DIRECT, credential: CREDENTIAL } = SIG_KIND;

describe("among peers", () => {
  test.each<[string, RotatedPeer[], number[]]>([
    ["none: nothing", [], []],
    ["[O1] one: its earlier key", [peer(1, DIRECT, 9, 2)], [2]],
    [
      "[O1] several: all their earlier keys, though one of them is a peer",
      [peer(1, DIRECT, 9, 2), peer(3, DIRECT, 8, 4), peer(2, DIRECT, 9, 3, 4)],
      [2, 3, 4],
    ],
    [
      "[O2] of one wrapped key: the longest stays",
      [peer(2, DIRECT, 9, 1), peer(3, DIRECT, 9, 1, 2), peer(4, DIRECT, 9, 1, 2), peer(5, DIRECT, 9, 1, 2, 3)],
      [1, 2, 3, 4],
    ],
    [
      "[O2] of one wrapped key, two equally long: all go",
      [peer(2, DIRECT, 9, 1), peer(3, DIRECT, 9, 1, 2), peer(4, DIRECT, 9, 1, 2), peer(5, DIRECT, 9, 1, 2)],
      [1, 2, 3, 4, 5],
    ],
    [
      "[O2] of one wrapped key, the others rotated out already: who names them stays",
      [peer(2, DIRECT, 9, 1), peer(3, DIRECT, 9, 1, 2), peer(4, DIRECT, 9, 1, 2, 3), peer(5, DIRECT, 9, 4)],
      [1, 2, 3, 4],
    ],
    ["[O2] of different wrapped keys: both stay", [peer(1, DIRECT, 9, 3), peer(2, DIRECT, 8, 4)], [3, 4]],
    [
      "[O2] that wrap no key: they count as one group",
      [peer(1, DIRECT, null, 3), peer(2, DIRECT, null, 4)],
      [1, 2, 3, 4],
    ],
    ["[O3] of one credential: both stay", [peer(1, CREDENTIAL, 9), peer(2, CREDENTIAL, 9)], []],
    [
      "[O3] of one credential, rotated: their earlier keys go",
      [peer(1, CREDENTIAL, 9, 3), peer(2, CREDENTIAL, 9, 4)],
      [3, 4],
    ],
  ])("%s", (_, peers, obsolete) => {
    for (const order of [peers, [...peers].reverse()])
      expect([...obsoleteNodeKeys(order)].sort()).toEqual(obsolete.map(key).sort());
  });
});

describe("a netmap, filtered as a client does", () => {
  const STATE = stateOf({ alice: 2 });

  interface Listed {
    readonly node: string;
    readonly signature: Uint8Array;
  }

  function visible(peers: readonly Listed[]): string[] {
    const admitted: { node: string; peer: RotatedPeer | null }[] = [];
    for (const { node, signature } of peers) {
      try {
        const { rotation } = authorizeNodeKey(STATE, nodeKey(node), signature, fastVerifier);
        admitted.push({ node, peer: rotation === null ? null : { nodeKey: nodeKey(node), rotation } });
      } catch (error) {
        if (!(error instanceof TkaError)) throw error;
      }
    }
    const obsolete = obsoleteNodeKeys(admitted.flatMap(({ peer: rotated }) => (rotated === null ? [] : [rotated])));
    return admitted.map(({ node }) => node).filter((node) => !obsolete.has(nodeKey(node)));
  }

  const signed = (node: string): Listed => ({ node, signature: encoded(direct(node, null)) });
  const rotated = (node: string, old: Uint8Array): Listed => ({
    node,
    signature: rotateSignature(old, nodeKey(node), lockKey("lock")),
  });

  const good = signed("good");
  const first: Listed = { node: "first", signature: encoded(direct("first", "lock")) };
  const second = rotated("second", first.signature);

  test("shows the signed, the rotated to, and all who came by one auth key", () => {
    const byKey = (node: string): Listed => ({
      node,
      signature: signByCredential(credential("throwaway"), lockKey("throwaway"), nodeKey(node), idOf(`lock ${node}`)),
    });
    const peers = [
      good,
      { node: "unsigned", signature: new Uint8Array(0) },
      { node: "borrower", signature: good.signature },
      { node: "forger", signature: encoded({ ...direct("forger", null), signature: new Uint8Array(64) }) },
      first,
      second,
      byKey("six"),
      byKey("seven"),
    ];
    expect(visible(peers)).toEqual(["good", "second", "six", "seven"]);
  });

  test("[O2] shows neither of two clones", () => {
    const clones = [rotated("third", second.signature), rotated("other", second.signature)];
    expect(visible([good, first, second, ...clones])).toEqual(["good"]);
  });

  test("shows the newest of many rotations, trimmed or not", () => {
    let [last, before] = [second, first];
    for (let i = 0; i < 100; i++) [last, before] = [rotated(`n${i}`, last.signature), last];
    expect(visible([good, before, last])).toEqual(["good", last.node]);
  });
});
