/**
 * The stable JSON, version 1, of `lock log` and `lock status`. Source: Go's `cmd/tailscale/tslockjsonv1` and `feature/tailnetlock/tslockjsonv1`.
 *
 * Rule [J3]: what is nil is left out or null as there; what is empty is not.
 */

import {
  TkaError,
  aumKindText,
  decodeNodeKeySignature,
  encodeBase32,
  encodeHex,
  formatLockKey,
  keyKindText,
  makeNodeKeySignature,
  signatureKindText,
  type Aum,
  type Key,
  type NodeKeySignature,
  type SealedAum,
  type State,
} from "../tka/index.ts";
import { encodeBase64Url } from "./base64.ts";
import { encodeGoJson, goMap, goObject, type GoJson, type GoObject } from "./go-json.ts";
import type { LockPeer, LockStatus, TrustedKeyStatus } from "./lock-status.ts";

const NO_BYTES = new Uint8Array(0);

function given(bytes: Uint8Array | null): bytes is Uint8Array {
  return bytes !== null && bytes.length > 0;
}

/** A key of any length: Go prints its bytes as they are. */
function keyText(bytes: Uint8Array | null): string {
  return `tlpub:${encodeHex(bytes ?? NO_BYTES)}`;
}

/** Go's slices that are filled by appending: nil where nothing was. */
function appended(items: readonly GoJson[]): GoJson {
  return items.length === 0 ? null : items;
}

function keyObject(key: Key): GoObject {
  return goObject([
    ["Kind", keyKindText(key.kind)],
    ["Votes", key.votes],
    ["Public", keyText(key.publicKey)],
    ["Meta", key.meta === null ? undefined : goMap(key.meta)],
  ]);
}

function isZero(state: State): boolean {
  const { lastAumHash, disablementValues, keys, stateId1, stateId2 } = state;
  const lists = (disablementValues ?? []).length + (keys ?? []).length;
  return lastAumHash === null && lists === 0 && stateId1 === 0n && stateId2 === 0n;
}

function stateObject(state: State): GoObject {
  return goObject([
    ["LastAUMHash", state.lastAumHash ?? undefined],
    ["DisablementValues", appended((state.disablementValues ?? []).map((value) => encodeHex(value ?? NO_BYTES)))],
    ["Keys", appended((state.keys ?? []).map(keyObject))],
    ["StateID1", state.stateId1],
    ["StateID2", state.stateId2],
  ]);
}

function aumObject(aum: Aum): GoObject {
  const signatures = (aum.signatures ?? []).map(({ keyId, signature }) =>
    goObject([
      ["KeyID", keyText(keyId)],
      ["Signature", encodeBase64Url(signature ?? NO_BYTES)],
    ]),
  );
  return goObject([
    ["MessageKind", aumKindText(aum.kind)],
    ["PrevAUMHash", given(aum.prevAumHash) ? encodeBase32(aum.prevAumHash) : undefined],
    ["Key", aum.key === null ? undefined : keyObject(aum.key)],
    ["KeyID", aum.keyId === null ? undefined : keyText(aum.keyId)],
    ["State", aum.state === null || isZero(aum.state) ? undefined : stateObject(aum.state)],
    ["Votes", aum.votes === null || aum.votes === 0n ? undefined : aum.votes],
    ["Meta", aum.meta === null ? undefined : goMap(aum.meta)],
    ["Signatures", signatures.length === 0 ? undefined : signatures],
  ]);
}

/** What `lock log --json` prints, for updates in the order given (the newest first). */
export function lockLogJson(updates: readonly SealedAum[]): string {
  const messages = updates.map(({ hash, aum, bytes }) =>
    goObject([
      ["Hash", hash],
      ["AUM", aumObject(aum)],
      ["Raw", encodeBase64Url(bytes)],
    ]),
  );
  return encodeGoJson(
    goObject([
      ["SchemaVersion", "1"],
      ["Messages", messages],
    ]),
  );
}

function signatureObject(sig: NodeKeySignature): GoObject {
  return goObject([
    ["SigKind", signatureKindText(sig.kind)],
    ["PublicKey", given(sig.pubkey) ? keyText(sig.pubkey) : undefined],
    ["KeyID", given(sig.keyId) ? keyText(sig.keyId) : undefined],
    ["Signature", encodeBase64Url(sig.signature ?? NO_BYTES)],
    ["Nested", sig.nested === null ? undefined : signatureObject(sig.nested)],
    ["WrappingPublicKey", given(sig.wrappingPubkey) ? keyText(sig.wrappingPubkey) : undefined],
  ]);
}

/** A signature that does not decode is shown as one of kind 0, as Go shows its zero value. */
function encodedSignatureObject(encoded: Uint8Array): GoObject {
  try {
    return signatureObject(decodeNodeKeySignature(encoded));
  } catch (error) {
    if (!(error instanceof TkaError)) throw error;
    return signatureObject(makeNodeKeySignature(0, {}));
  }
}

function trustedKeyObject(key: TrustedKeyStatus): GoObject {
  return goObject([
    ["Kind", key.Kind === "" ? undefined : key.Kind],
    ["Votes", key.Votes],
    ["Public", formatLockKey(key.Key)],
    ["Meta", key.Metadata === null ? undefined : goMap(key.Metadata)],
  ]);
}

function peerFields(peer: LockPeer): [string, GoJson][] {
  return [
    ["ID", peer.StableID],
    ["DNSName", peer.Name],
    ["TailscaleIPs", appended(peer.TailscaleIPs)],
    ["NodeKey", peer.NodeKey],
  ];
}

function trustedPeerObject(peer: LockPeer): GoObject {
  return goObject([...peerFields(peer), ["NodeKeySignature", encodedSignatureObject(peer.NodeKeySignature)]]);
}

function isZeroKey(publicKey: Uint8Array | null): boolean {
  return publicKey === null || publicKey.every((byte) => byte === 0);
}

/** What `lock status --json` prints. */
export function lockStatusJson(status: LockStatus): string {
  const { PublicKey, NodeKeySignature, StateID } = status;
  const always: [string, GoJson | undefined][] = [
    ["SchemaVersion", "1"],
    ["Enabled", status.Enabled],
    ["PublicKey", PublicKey === null || isZeroKey(PublicKey) ? undefined : formatLockKey(PublicKey)],
    ["NodeKey", status.NodeKey ?? undefined],
  ];
  if (!status.Enabled) return encodeGoJson(goObject(always));
  return encodeGoJson(
    goObject([
      ...always,
      ["Head", status.Head ?? undefined],
      ["NodeKeySigned", status.NodeKeySigned],
      ["NodeKeySignature", NodeKeySignature === null ? undefined : encodedSignatureObject(NodeKeySignature)],
      ["TrustedKeys", status.TrustedKeys.map(trustedKeyObject)],
      ["VisiblePeers", status.VisiblePeers.map(trustedPeerObject)],
      ["FilteredPeers", status.FilteredPeers.map((peer) => goObject(peerFields(peer)))],
      ["State", StateID === 0n ? undefined : StateID],
    ]),
  );
}
