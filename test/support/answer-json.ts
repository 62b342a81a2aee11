/** Ours answering the oracle's questions about what the command line prints in JSON. */

import { lockLogJson, lockStatusJson, type LockPeer } from "../../src/protocol/index.ts";
import {
  decodeNodeKeySignature,
  keyKindText,
  parseAumHash,
  parseLockKey,
  parseNodeKey,
  sealAum,
} from "../../src/tka/index.ts";
import { decodeAums, type KeyShape } from "./answer-play.ts";
import { fromBase64 } from "./answer-ports.ts";

export function answerLog({ aums }: { aums: readonly string[] }): object {
  return { json: lockLogJson(decodeAums(aums).map((aum) => sealAum(aum))) };
}

interface PeerShape {
  readonly name: string;
  readonly id: number;
  readonly stableId: string;
  readonly ips: readonly string[];
  readonly nodeKey: string;
  readonly sig: string | null;
}

interface StatusShape {
  readonly enabled: boolean;
  readonly publicKey: string | null;
  readonly nodeKey: string | null;
  readonly head: string | null;
  readonly nodeKeySigned: boolean;
  readonly nodeKeySignature: string | null;
  readonly trustedKeys: readonly KeyShape[];
  readonly visiblePeers: readonly PeerShape[];
  readonly filteredPeers: readonly PeerShape[];
  readonly stateId: string;
}

/** A signature that does not decode is an error of the question. */
function signatureOf(sig: string | null): Uint8Array {
  const bytes = fromBase64(sig ?? "");
  if (sig !== null) decodeNodeKeySignature(bytes);
  return bytes;
}

function peerOf({ name, id, stableId, ips, nodeKey, sig }: PeerShape): LockPeer {
  return {
    Name: name,
    ID: id,
    StableID: stableId,
    TailscaleIPs: [...ips],
    NodeKey: parseNodeKey(nodeKey),
    NodeKeySignature: signatureOf(sig),
  };
}

function orNull<T, U>(value: T | null, of: (value: T) => U): U | null {
  return value === null ? null : of(value);
}

export function answerStatus({ status }: { status: StatusShape }): object {
  const trusted = status.trustedKeys.map(({ kind, votes, public: publicKey, meta }) => ({
    Kind: keyKindText(kind),
    Key: fromBase64(publicKey ?? ""),
    Metadata: meta == null ? null : new Map(Object.entries(meta)),
    Votes: BigInt(votes),
  }));
  const json = lockStatusJson({
    Enabled: status.enabled,
    Head: orNull(status.head, parseAumHash),
    PublicKey: orNull(status.publicKey, parseLockKey),
    NodeKey: orNull(status.nodeKey, parseNodeKey),
    NodeKeySigned: status.nodeKeySigned,
    NodeKeySignature: orNull(status.nodeKeySignature, signatureOf),
    TrustedKeys: trusted,
    VisiblePeers: status.visiblePeers.map(peerOf),
    FilteredPeers: status.filteredPeers.map(peerOf),
    StateID: BigInt(status.stateId),
  });
  return { json };
}
