/** Updates, statuses and signatures with everything in them that the stable JSON and the text forms can show. */

import { lockStatus, type LockPeer, type LockStatus } from "../../src/protocol/index.ts";
import {
  AUM_KIND,
  SIG_KIND,
  encodeNodeKeySignature,
  makeAum,
  makeNodeKeySignature,
  nodeKeyToBinary,
  rotateSignature,
  sealAum,
  signAum,
  signDirect,
  type Aum,
  type SealedAum,
} from "../../src/tka/index.ts";
import { lockKey, nodeKey, stateOf, trusted } from "../support/chains-keys.ts";

const META = new Map([
  ["9", "nine"],
  ["10", "<ten> & \u2028"],
  ["purpose", "pre-auth key"],
  ["\u{1f642}", "\uff5e"],
]);
const state = stateOf({ alice: 1, bob: 4096 }, { stateId1: 18446744073709551615n });
const parent = new Uint8Array(32).fill(7);

const AUMS: readonly Aum[] = [
  makeAum(AUM_KIND.checkpoint, { state }),
  makeAum(AUM_KIND.checkpoint, { prevAumHash: parent, state: { ...state, keys: [trusted("carol", 2, { a: "b" })] } }),
  makeAum(AUM_KIND.checkpoint, { state: { ...state, keys: null, disablementValues: null, stateId1: 0n } }),
  makeAum(AUM_KIND.checkpoint, {
    state: { lastAumHash: null, keys: null, disablementValues: null, stateId1: 0n, stateId2: 0n },
  }),
  makeAum(AUM_KIND.addKey, { prevAumHash: parent, key: { ...trusted("dave", 3), meta: META } }),
  makeAum(AUM_KIND.addKey, { prevAumHash: parent, key: { kind: 9, votes: 0n, publicKey: null, meta: null } }),
  makeAum(AUM_KIND.removeKey, { prevAumHash: parent, keyId: lockKey("bob").publicKey }),
  makeAum(AUM_KIND.updateKey, { prevAumHash: parent, keyId: lockKey("bob").publicKey, votes: 2n, meta: META }),
  makeAum(AUM_KIND.updateKey, { prevAumHash: parent, keyId: lockKey("bob").publicKey, votes: 0n }),
  makeAum(AUM_KIND.noOp, { prevAumHash: Uint8Array.of(1, 2, 3) }),
  makeAum(200, { prevAumHash: parent }),
];

/** One of every kind, signed by two keys. */
export const UPDATES: readonly SealedAum[] = AUMS.map((aum) =>
  sealAum(signAum(signAum(aum, lockKey("alice")), lockKey("bob"))),
);

const own = lockKey("own").publicKey;
const direct = signDirect(nodeKey("one"), own, lockKey("alice"));
const rotation = rotateSignature(direct, nodeKey("two"), lockKey("own"));

/** Encoded signatures by what they are. */
export const SIGNATURES: Readonly<Record<string, Uint8Array>> = {
  direct,
  "direct, without a rotation key": signDirect(nodeKey("one"), null, lockKey("alice")),
  rotation,
  "rotation of a rotation": rotateSignature(rotation, nodeKey("three"), lockKey("own")),
  "of an unknown kind": encodeNodeKeySignature(makeNodeKeySignature(99, {})),
  empty: encodeNodeKeySignature(makeNodeKeySignature(SIG_KIND.invalid, {})),
  "with keys of odd lengths": encodeNodeKeySignature(
    makeNodeKeySignature(SIG_KIND.credential, {
      keyId: Uint8Array.of(1, 2),
      wrappingPubkey: new Uint8Array(40).fill(3),
      signature: Uint8Array.of(4),
    }),
  ),
  "for a node key of another form": encodeNodeKeySignature(
    makeNodeKeySignature(SIG_KIND.direct, { pubkey: Uint8Array.of(1, 2, 3) }),
  ),
  "for a node key cut short": encodeNodeKeySignature(
    makeNodeKeySignature(SIG_KIND.direct, { pubkey: nodeKeyToBinary(nodeKey("one")).subarray(0, 20) }),
  ),
  "for the zero node key": encodeNodeKeySignature(
    makeNodeKeySignature(SIG_KIND.direct, { pubkey: Uint8Array.of(0x6e, 0x70, ...new Uint8Array(32)) }),
  ),
};

function peer(id: number, name: string, signature: Uint8Array, ips: readonly string[]): LockPeer {
  return {
    ID: id,
    StableID: `n${id}`,
    Name: `${name}.example.`,
    TailscaleIPs: [...ips],
    NodeKey: nodeKey(name),
    NodeKeySignature: signature,
  };
}

const zero = lockStatus({ Enabled: false, NodeKeySigned: false, StateID: "0" }, "status");
const preAuth = new Map([
  ["purpose", "pre-auth key"],
  ["authkey_stableid", "kX"],
]);

/** Statuses by what they are. */
export const STATUSES: Readonly<Record<string, LockStatus>> = {
  "off, without keys": zero,
  off: { ...zero, PublicKey: own, NodeKey: nodeKey("self") },
  "on, locked out, no peers": {
    ...zero,
    Enabled: true,
    Head: UPDATES[0]?.hash ?? null,
    PublicKey: own,
    NodeKey: nodeKey("self"),
    NodeKeySignature: SIGNATURES["empty"] ?? null,
  },
  "on, signed, with peers": {
    Enabled: true,
    Head: UPDATES[1]?.hash ?? null,
    PublicKey: own,
    NodeKey: nodeKey("self"),
    NodeKeySigned: true,
    NodeKeySignature: SIGNATURES["rotation of a rotation"] ?? null,
    TrustedKeys: [
      { Kind: "25519", Key: lockKey("alice").publicKey, Votes: 1n, Metadata: null },
      { Kind: "25519", Key: own, Votes: 4096n, Metadata: META },
      { Kind: "25519", Key: lockKey("bob").publicKey, Votes: 2n, Metadata: preAuth },
    ],
    VisiblePeers: [
      peer(1, "one", direct, ["100.64.0.1", "fd7a:115c:a1e0::1"]),
      peer(2, "two", SIGNATURES["rotation"] ?? direct, []),
    ],
    FilteredPeers: [peer(3, "three", new Uint8Array(0), ["100.64.0.3"])],
    StateID: 18446744073709551615n,
  },
};
