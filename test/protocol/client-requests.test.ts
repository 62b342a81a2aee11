/** Requests as Tailscale's clients write them (Go's encoding/json of `tailcfg.RegisterRequest` and `MapRequest`): zero values and long lists included. */

import { describe, expect, test } from "vitest";
import { mapRequest, parseJson, registerRequest } from "../../src/protocol/index.ts";

const NODE_KEY = `nodekey:${"1a".repeat(32)}`;
const ZERO = "0".repeat(64);
const HOSTINFO = { IPNVersion: "1.104.5-t0", OS: "linux", Hostname: "box", Services: [{ Proto: "peerapi4", Port: 1 }] };

function registers(fields: object): ReturnType<typeof registerRequest> {
  const body = {
    Version: 148,
    NodeKey: NODE_KEY,
    OldNodeKey: `nodekey:${ZERO}`,
    NLKey: `nlpub:${"2b".repeat(32)}`,
    Expiry: "0001-01-01T00:00:00Z",
    Followup: "",
    Hostinfo: HOSTINFO,
    Timestamp: "2026-11-25T10:00:00Z",
    ...fields,
  };
  return parseJson(JSON.stringify(body), registerRequest, "body");
}

describe("a registration", () => {
  test("is read whole", () => {
    expect(registers({})).toMatchObject({
      Version: 148,
      OldNodeKey: null,
      NLKey: new Uint8Array(32).fill(0x2b),
      Hostinfo: {
        Hostname: "box",
        OS: "linux",
        IPNVersion: "1.104.5-t0",
        Services: [{ Proto: "peerapi4", Port: 1, Description: "" }],
        RequestTags: [],
        NetInfo: null,
      },
      Auth: null,
    });
  });

  test("with the zero lock key names none: a signature that names it to rotate with would be anybody's to rotate", () => {
    expect(registers({ NLKey: `nlpub:${ZERO}` }).NLKey).toBeNull();
    expect(registers({ NLKey: null }).NLKey).toBeNull();
  });
});

describe("a map request", () => {
  test("is taken from a host with however many addresses", () => {
    const Endpoints = Array.from({ length: 400 }, (_, i) => `10.0.${i >> 8}.${i & 255}:41641`);
    const EndpointTypes = Endpoints.map(() => 1);
    const body = {
      Version: 148,
      KeepAlive: true,
      NodeKey: NODE_KEY,
      DiscoKey: `discokey:${"3c".repeat(32)}`,
      Stream: true,
      Hostinfo: HOSTINFO,
      Endpoints,
      EndpointTypes,
      TKAHead: "A".repeat(52),
      DebugFlags: null,
      Compress: "zstd",
    };
    const { NodeKey, Stream, TKAHead, OmitPeers, ReadOnly } = parseJson(JSON.stringify(body), mapRequest, "body");
    expect({ NodeKey, Stream, TKAHead, OmitPeers, ReadOnly }).toEqual({
      NodeKey: NODE_KEY,
      Stream: true,
      TKAHead: "A".repeat(52),
      OmitPeers: false,
      ReadOnly: false,
    });
  });
});
