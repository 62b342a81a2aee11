/** Who is visible under a lock [Z11] [Z12] [Z13]: stories of a control plane that would like to slip somebody in. */

import { describe, expect, test } from "vitest";
import { PeerFilter } from "../../src/node/peer-filter.ts";
import type { MapNode } from "../../src/protocol/index.ts";
import { rotateSignature, signDirect, type State } from "../../src/tka/index.ts";
import { lockKey, nodeKey, stateOf } from "../support/chains-keys.ts";
import { fastVerifier } from "../support/host-crypto.ts";
import { mapNode } from "./support/fake-control.ts";

const state = stateOf({ alice: 1, bob: 1 });

function signed(id: number, name: string, by = "alice"): MapNode {
  const key = nodeKey(name);
  return mapNode(id, name, key, signDirect(key, lockKey(`${name}'s`).publicKey, lockKey(by)));
}

/** Names of the peers that are visible. */
function visible(filter: PeerFilter, peers: readonly MapNode[], under: State | null = state): string[] {
  return filter.apply(under, peers).visible.map(({ Name }) => Name.replace(".example.", ""));
}

const fresh = (): PeerFilter => new PeerFilter(fastVerifier);

describe("without a lock", () => {
  test("all peers are visible", () => {
    expect(visible(fresh(), [mapNode(1, "a", nodeKey("a")), signed(2, "b", "mallory")], null)).toEqual(["a", "b"]);
  });
});

describe("under a lock [Z11]", () => {
  test("signed peers are visible", () => {
    expect(visible(fresh(), [signed(1, "a"), signed(2, "b", "bob")])).toEqual(["a", "b"]);
  });

  const unsigned = mapNode(2, "m", nodeKey("m"));
  test.each<[string, MapNode]>([
    ["an unsigned one", unsigned],
    ["an unsigned one that is said to need none", { ...unsigned, UnsignedPeerAPIOnly: true }],
    ["one signed by a stranger", signed(2, "m", "mallory")],
    ["one signed by a stranger and said to need none", { ...signed(2, "m", "mallory"), UnsignedPeerAPIOnly: true }],
    ["one with another node's signature", { ...unsigned, KeySignature: signed(3, "a").KeySignature }],
    ["one whose key was swapped under its signature", { ...signed(2, "m"), Key: nodeKey("other") }],
    ["one with garbage for a signature", { ...unsigned, KeySignature: Uint8Array.of(0xff, 1, 2) }],
    ["one signed well but for a flipped bit", flipped(signed(2, "m"))],
  ])("%s is not, and it is said why", (_what, mallory) => {
    const { visible: seen, filtered } = fresh().apply(state, [signed(1, "a"), mallory]);
    expect(seen.map(({ ID }) => ID)).toEqual([1]);
    expect(filtered.map(({ peer }) => peer.ID)).toEqual([2]);
    expect(filtered[0]?.why).not.toBe("");
  });

  test("nobody is, where the chain trusts other keys", () => {
    expect(visible(fresh(), [signed(1, "a"), signed(2, "b")], stateOf({ carol: 1 }))).toEqual([]);
  });
});

function flipped(node: MapNode): MapNode {
  const KeySignature = node.KeySignature.slice();
  KeySignature[KeySignature.length - 40] = (KeySignature[KeySignature.length - 40] ?? 0) ^ 1;
  return { ...node, KeySignature };
}

describe("what was proven before is not believed for ever [Z13]", () => {
  test("a signer that is no longer trusted takes its nodes with it, and brings them back", () => {
    const filter = fresh();
    const peers = [signed(1, "a"), signed(2, "b", "bob")];
    expect(visible(filter, peers)).toEqual(["a", "b"]);
    expect(visible(filter, peers, stateOf({ alice: 1 }))).toEqual(["a"]);
    expect(visible(filter, peers, stateOf({ bob: 1 }))).toEqual(["b"]);
    expect(visible(filter, peers)).toEqual(["a", "b"]);
  });

  test("a peer whose signature goes is locked out, though its key was proven", () => {
    const filter = fresh();
    expect(visible(filter, [signed(1, "a")])).toEqual(["a"]);
    expect(visible(filter, [{ ...signed(1, "a"), KeySignature: new Uint8Array(0) }])).toEqual([]);
  });
});

describe("rotated keys and clones [Z12]", () => {
  const first = signed(1, "a");
  const rotated = (name: string, from: Uint8Array, id = 2): MapNode =>
    mapNode(id, name, nodeKey(name), rotateSignature(from, nodeKey(name), lockKey("a's")));

  test("a key that was rotated out is not visible any more, whatever node has it", () => {
    expect(visible(fresh(), [first, rotated("a2", first.KeySignature)])).toEqual(["a2"]);
  });

  test("also when the rotation comes by itself, as a delta brings it", () => {
    const filter = fresh();
    expect(visible(filter, [first])).toEqual(["a"]);
    expect(visible(filter, [first, rotated("a2", first.KeySignature)])).toEqual(["a2"]);
  });

  test("two clones of one node: both go, since nobody can tell which is which", () => {
    const clones = [rotated("x", first.KeySignature, 2), rotated("y", first.KeySignature, 3)];
    expect(visible(fresh(), [signed(4, "b"), ...clones])).toEqual(["b"]);
  });

  test("of two, the one that rotated more often stays", () => {
    const x = rotated("x", first.KeySignature, 2);
    expect(visible(fresh(), [rotated("y", first.KeySignature, 3), rotated("x2", x.KeySignature, 4)])).toEqual(["x2"]);
  });

  test("an invalid rotation makes nobody obsolete", () => {
    const forged = rotateSignatureBy("mallory", first.KeySignature);
    expect(visible(fresh(), [first, mapNode(2, "m", nodeKey("m"), forged)])).toEqual(["a"]);
  });
});

/** A rotation of `old` for the node key "m", signed by a key that it does not wrap. */
function rotateSignatureBy(name: string, old: Uint8Array): Uint8Array {
  const impostor = { publicKey: lockKey("a's").publicKey, sign: (message: Uint8Array) => lockKey(name).sign(message) };
  return rotateSignature(old, nodeKey("m"), impostor);
}

test("the node's own signature is judged by the same rule", () => {
  expect(fresh().isAuthorized(state, signed(1, "a"))).toBe(true);
  expect(fresh().isAuthorized(state, signed(1, "a", "mallory"))).toBe(false);
  expect(fresh().isAuthorized(state, mapNode(1, "a", nodeKey("a")))).toBe(false);
});
