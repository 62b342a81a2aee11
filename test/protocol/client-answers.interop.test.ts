/**
 * The control plane's answers as Tailscale's clients decode them: Go knows every field by its name and type, and what it encodes again is what we
 * wrote, zero values left out.
 */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { dnsConfigJson } from "../../src/durable/settings/dns-settings.ts";
import {
  encodeMapMessage,
  encodeMapNode,
  encodePeerChange,
  isAddressPort,
  isPrefix,
  jsonReplacer,
  machineKeyOf,
  readDerpMap,
  type MapNode,
} from "../../src/protocol/index.ts";
import { parseAumHash, parseNodeKey } from "../../src/tka/index.ts";
import { fastSigner } from "../support/host-crypto.ts";
import { Oracle, type OracleVersion } from "../interop/oracle-client.ts";

const HEAD = parseAumHash("A".repeat(52));

const DERP_MAP = {
  Regions: {
    900: {
      RegionID: 900,
      RegionCode: "here",
      RegionName: "Here",
      Latitude: 52.5,
      Longitude: 13.4,
      Nodes: [
        {
          Name: "900a",
          RegionID: 900,
          HostName: "derp.example",
          CertName: "cert.example",
          IPv4: "192.0.2.1",
          IPv6: "none",
          STUNPort: -1,
          DERPPort: 8443,
          CanPort80: true,
        },
      ],
    },
  },
  omitDefaultRegions: true,
};

const NODE: MapNode = {
  ID: 7,
  StableID: "n1T1",
  Name: "box.example.",
  User: 1,
  Key: parseNodeKey(`nodekey:${"1a".repeat(32)}`),
  KeySignature: new Uint8Array([1, 2, 3]),
  Machine: machineKeyOf(fastSigner(new Uint8Array(32).fill(7)).publicKey),
  Addresses: ["100.64.0.7/32", "fd7a:115c:a1e0::7/128"],
  AllowedIPs: ["100.64.0.7/32", "fd7a:115c:a1e0::7/128"],
  DiscoKey: `discokey:${"2b".repeat(32)}`,
  Endpoints: ["192.0.2.7:41641", "[2001:db8::7]:41641"],
  DERP: "127.3.3.40:900",
  HomeDERP: 900,
  Hostinfo: {
    Hostname: "box",
    OS: "linux",
    IPNVersion: "1.104.5",
    OSVersion: "6.1",
    Distro: "debian",
    DistroVersion: "12",
    DeviceModel: "Model",
    App: "app",
    ShieldsUp: true,
    Services: [{ Proto: "peerapi4", Port: 1234, Description: "api" }],
    RoutableIPs: ["10.0.0.0/8"],
    RequestTags: ["tag:ci"],
    sshHostKeys: ["ssh-ed25519 AAAA"],
    PeerRelay: true,
    AppConnector: true,
    ShareeNode: true,
  },
  Created: "2026-11-25T10:00:00Z",
  Cap: 148,
  Tags: ["tag:ci"],
  LastSeen: "2026-11-25T11:00:00Z",
  Online: true,
  MachineAuthorized: true,
  Expired: true,
  KeyExpiry: "2027-05-24T10:00:00Z",
  CapMap: new Map([["https://tailscale.com/cap/tailnet-lock", null]]),
  UnsignedPeerAPIOnly: false,
  IsJailed: false,
  SelfNodeV4MasqAddrForThisPeer: "100.64.0.9",
  SelfNodeV6MasqAddrForThisPeer: "fd7a:115c:a1e0::9",
};

const BARE: MapNode = {
  ...NODE,
  KeySignature: new Uint8Array(0),
  Machine: null,
  DiscoKey: "",
  Endpoints: [],
  DERP: "",
  HomeDERP: 0,
  LastSeen: "",
  Online: false,
  Expired: false,
  Hostinfo: null,
  Created: "",
  Cap: 0,
  Tags: [],
  MachineAuthorized: false,
  KeyExpiry: "0001-01-01T00:00:00Z",
  CapMap: new Map(),
  SelfNodeV4MasqAddrForThisPeer: "",
  SelfNodeV6MasqAddrForThisPeer: "",
};

const full = encodeMapMessage({
  MapSessionHandle: "e1",
  Seq: 4,
  Domain: "example",
  Node: encodeMapNode(NODE),
  Peers: [encodeMapNode(BARE)],
  UserProfiles: [{ ID: 1, LoginName: "owner", DisplayName: "Owner" }],
  TKAInfo: { Head: HEAD, Disabled: false },
  DERPMap: readDerpMap(DERP_MAP, "map"),
  DNSConfig: dnsConfigJson("example", {
    magicDNS: true,
    nameservers: ["192.0.2.53"],
    searchPaths: ["corp.example"],
    splitDns: { "corp.example": ["192.0.2.54"] },
  }),
  PacketFilter: JSON.stringify([{ SrcIPs: ["*"], DstPorts: [{ IP: "*", Ports: { First: 0, Last: 65535 } }] }]),
  SSHPolicy: '{"rules":[]}',
  Debug: '{"DisableLogTail":true}',
});
const delta = encodeMapMessage({
  Seq: 5,
  PeersChanged: [encodeMapNode({ ...NODE, ID: 8 })],
  PeersRemoved: [3, 4],
  TKAInfo: { Head: null, Disabled: true },
});

const patch = encodeMapMessage({
  Seq: 6,
  PeersChangedPatch: [
    encodePeerChange({
      NodeID: 8,
      DERPRegion: 901,
      Endpoints: ["192.0.2.8:41641"],
      DiscoKey: NODE.DiscoKey,
      Online: false,
      LastSeen: "2026-11-25T11:00:00Z",
    }),
    encodePeerChange({ NodeID: 9, DERPRegion: 0, Endpoints: null, DiscoKey: "", Online: true, LastSeen: "" }),
  ],
});

const bytes = new Uint8Array([4, 5, 6]);
const answers: readonly (readonly [type: string, what: string, json: string])[] = [
  ["MapResponse", "a full map", full],
  ["MapResponse", "a delta", delta],
  ["MapResponse", "a patch", patch],
  ["MapResponse", "a keep-alive", encodeMapMessage({ KeepAlive: true })],
  ...Object.entries({
    RegisterResponse: {
      NodeKeyExpired: true,
      MachineAuthorized: true,
      AuthURL: "https://c/login/1",
      NodeKeySignature: bytes,
      Error: "no",
    },
    initBegin: { NeedSignatures: [{ NodeID: 7, NodePublic: NODE.Key, RotationPubkey: bytes }] },
    bootstrap: { GenesisAUM: bytes, DisablementSecret: bytes },
    syncOffer: { Head: HEAD, Ancestors: [HEAD], MissingAUMs: [bytes] },
    syncSend: { Head: HEAD },
    affectedSigs: { Signatures: [bytes] },
  }).map(([type, value]) => [type, "an answer", JSON.stringify(value, jsonReplacer)] as const),
];

/** What a node may say instead of an address, a prefix or a port. */
const TEXTS: readonly string[] = [
  "192.0.2.1:1",
  "192.0.2.1:65535",
  "[::]:1",
  "[2001:db8::1]:41641",
  "[2001:db8:0:0:0:0:0:1]:1",
  "[::ffff:192.0.2.1]:1",
  "192.0.2.1:0",
  "192.0.2.1:65536",
  "192.0.2.1:01",
  "192.0.2.01:1",
  "192.0.2.256:1",
  "192.0.2:1",
  "::1:1",
  "[192.0.2.1]:1",
  "[::1%eth0]:1",
  "[::1::]:1",
  "[1:2:3:4:5:6:7:8:9]:1",
  "[12345::]:1",
  "[:1::]:1",
  "[1:]:1",
  " 192.0.2.1:1",
  "host:1",
  "",
  ":1",
  "10.0.0.0/8",
  "10.0.0.1/8",
  "0.0.0.0/0",
  "::/0",
  "2001:db8::/32",
  "2001:db8::1/128",
  "::ffff:10.0.0.0/104",
  "10.0.0.0/33",
  "10.0.0.0/08",
  "10.0.0.0",
  "2001:db8::/129",
  "fe80::%eth0/64",
  "1:2:3:4:5:6:7:8::/64",
  "10.0.0/8",
];

/** Go writes these also where they are zero; we leave them out. */
const ALWAYS_WRITTEN: ReadonlySet<string> = new Set(["User", "Login", "LegacyDERPString"]);

/** The same value without what only Go writes. */
function told(json: string, ours: string): unknown {
  const known = new Set([...ours.matchAll(/"([^"]+)":/g)].map(([, name]) => name));
  return JSON.parse(json, (name, value: unknown) => (ALWAYS_WRITTEN.has(name) && !known.has(name) ? undefined : value));
}

describe.each<OracleVersion>(["v1.104", "v1.102"])("Go's %s", (version) => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await Oracle.start(version);
  });
  afterAll(() => oracle.close());

  test.each(answers)("decodes %s, %s, and encodes it as it was", async (type, _what, json) => {
    const decoded = await oracle.ask<{ json: string }>("wire.decode", { type, json });
    expect(told(decoded.json, json)).toEqual(JSON.parse(json));
  });

  test("decodes every address and prefix that is passed on, and whatever else it refuses is held back", async () => {
    const passed = { endpoints: TEXTS.filter(isAddressPort), prefixes: TEXTS.filter(isPrefix) };
    expect([passed.endpoints.length, passed.prefixes.length]).toEqual([6, 7]);
    const told = { ...NODE, Endpoints: passed.endpoints, AllowedIPs: passed.prefixes };
    const json = encodeMapMessage({ Peers: [encodeMapNode(told)] });
    await expect(oracle.ask("wire.decode", { type: "MapResponse", json })).resolves.toBeDefined();
    for (const text of TEXTS) {
      const one = encodeMapMessage({ Peers: [encodeMapNode({ ...NODE, Endpoints: [text] })] });
      const isDecoded = await oracle.ask("wire.decode", { type: "MapResponse", json: one }).then(
        () => true,
        () => false,
      );
      if (!isDecoded) expect(passed.endpoints).not.toContain(text);
    }
  });

  test("decodes nothing with a field that it does not know", async () => {
    const json = JSON.stringify({ Seq: 1, Sequel: 2 });
    await expect(oracle.ask("wire.decode", { type: "MapResponse", json })).rejects.toThrow("unknown field");
  });
});
