/** The map as full responses and deltas make it [M4] [M5]. */

import { describe, expect, test } from "vitest";
import { EMPTY_NETMAP, applyMapResponse, isKeepAlive, type Netmap } from "../../src/node/netmap.ts";
import { mapResponse, type MapResponse } from "../../src/protocol/index.ts";
import { nodeKey } from "../support/chains-keys.ts";
import { mapNode } from "./support/fake-control.ts";

const [a, b, c] = ["a", "b", "c"].map((name, i) => mapNode(i + 1, name, nodeKey(name)));
if (a === undefined || b === undefined || c === undefined) throw new Error("no nodes");
const HEAD = "A".repeat(52);

function response(fields: Partial<MapResponse>): MapResponse {
  return { ...mapResponse({}, "map"), ...fields };
}

function ids(map: Netmap): number[] {
  return [...map.peers.keys()];
}

const info = mapResponse({ TKAInfo: { Head: HEAD } }, "map").TKAInfo;
const full = response({ MapSessionHandle: "s1", Seq: 3, Node: a, Peers: [b, c], Domain: "d", TKAInfo: info });
const begun = applyMapResponse(EMPTY_NETMAP, full);

describe("a full response", () => {
  test("begins the session", () => {
    expect(begun).toMatchObject({ self: a, domain: "d", handle: "s1", seq: 3, lock: info });
    expect(ids(begun)).toEqual([2, 3]);
  });

  test("of another session replaces all peers, also by none", () => {
    expect(ids(applyMapResponse(begun, response({ MapSessionHandle: "s2", Seq: 1, Peers: [c] })))).toEqual([3]);
    expect(ids(applyMapResponse(begun, response({ MapSessionHandle: "s2", Peers: [] })))).toEqual([]);
    expect(ids(applyMapResponse(begun, response({ MapSessionHandle: "s2" })))).toEqual([]);
  });

  test("begins counting anew", () => {
    expect(applyMapResponse(begun, response({ MapSessionHandle: "s2", Seq: 1 })).seq).toBe(1);
  });
});

describe("a delta", () => {
  test("changes, adds and removes peers, and leaves the rest", () => {
    const renamed = { ...b, Name: "new.example." };
    const after = applyMapResponse(begun, response({ Seq: 4, PeersChanged: [renamed], PeersRemoved: [3] }));
    expect([...after.peers.values()]).toEqual([renamed]);
    expect(after).toMatchObject({ seq: 4, handle: "s1", self: a, domain: "d", lock: info });
  });

  test("that removes what it changes removes it", () => {
    expect(ids(applyMapResponse(begun, response({ PeersChanged: [b], PeersRemoved: [2] })))).toEqual([3]);
  });

  test("with an empty list of peers clears nothing", () => {
    expect(ids(applyMapResponse(begun, response({ Peers: [] })))).toEqual([2, 3]);
  });

  test("with a list of peers that is not empty is taken for all of them", () => {
    expect(ids(applyMapResponse(begun, response({ Peers: [c], PeersChanged: [b] })))).toEqual([3]);
  });

  test("leaves the map before it as it was", () => {
    applyMapResponse(begun, response({ PeersRemoved: [2, 3] }));
    expect(ids(begun)).toEqual([2, 3]);
  });
});

describe("TKAInfo [M5]", () => {
  test("that is absent is unchanged, in a session and in the next", () => {
    expect(applyMapResponse(begun, response({ Seq: 4 })).lock).toEqual(info);
    expect(applyMapResponse(begun, response({ MapSessionHandle: "s2" })).lock).toEqual(info);
  });
});

describe("a keep-alive", () => {
  test("changes nothing", () => {
    expect(applyMapResponse(begun, response({ KeepAlive: true }))).toEqual(begun);
  });

  test("is one only where nothing else is said", () => {
    expect(isKeepAlive(response({ KeepAlive: true }))).toBe(true);
    expect(isKeepAlive(response({ KeepAlive: true, PeersRemoved: [1] }))).toBe(false);
    expect(isKeepAlive(response({}))).toBe(false);
  });
});
