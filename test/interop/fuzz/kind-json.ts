/** What `lock log --json` and `lock status --json` print, byte for byte. */

import { encodeAum, encodeNodeKeySignature, formatLockKeyJson } from "../../../src/tka/index.ts";
import { encodeBase32 } from "../../../src/tka/text-encodings.ts";
import { toBase64 } from "../../support/answer-ports.ts";
import type { Case } from "./case.ts";
import { randomAum, randomMetaMap } from "./kind-aum-bytes.ts";
import { randomSignature } from "./kind-nks-bytes.ts";
import { randomNodeKey } from "./keys.ts";
import type { Random } from "./random.ts";

/** Any AUMs that have an encoding: printing them asks no more. */
export function lockLog(random: Random): Case {
  const aums = Array.from({ length: random.below(4) }, () => toBase64(encodeAum(randomAum(random))));
  return { request: { op: "json.log", aums } };
}

const NAMES = ["host.example.ts.net.", "", '<a>&"b\\', "é\u2028\u2029", "日本", "tab\t\u0001\u007f", "😀"];
const ADDRESSES = ["100.64.0.1", "fd7a:115c:a1e0::1", "::ffff:1.2.3.4", "100.127.255.254"];

function signatureOrNull(random: Random): string | null {
  if (random.chance(0.3)) return null;
  return toBase64(encodeNodeKeySignature(randomSignature(random, random.between(1, 3))));
}

function peer(random: Random): object {
  return {
    name: random.pick(NAMES),
    id: random.below(1000),
    stableId: random.pick(["nABC123CNTRL", "", "<n>"]),
    ips: random.some(ADDRESSES, 0.4),
    nodeKey: randomNodeKey(random),
    sig: signatureOrNull(random),
  };
}

function trustedKey(random: Random): object {
  const meta = randomMetaMap(random);
  return {
    kind: random.chance(0.9) ? 1 : random.pick([0, 2, 255]),
    votes: random.pick([0, 1, 2, 4096, 2 ** 53 - 1]),
    public: toBase64(random.bytes(32)),
    meta: meta === null ? null : Object.fromEntries(meta),
  };
}

function listOf<T>(random: Random, make: (random: Random) => T): T[] {
  return Array.from({ length: random.below(3) }, () => make(random));
}

export function lockStatus(random: Random): Case {
  const maybe = <T>(make: () => T): T | null => (random.chance(0.7) ? make() : null);
  const zero = random.chance(0.1);
  const status = {
    enabled: random.chance(0.8),
    publicKey: maybe(() => formatLockKeyJson(zero ? new Uint8Array(32) : random.bytes(32))),
    nodeKey: maybe(() => randomNodeKey(random)),
    head: maybe(() => encodeBase32(random.bytes(32))),
    nodeKeySigned: random.chance(0.5),
    nodeKeySignature: signatureOrNull(random),
    trustedKeys: listOf(random, trustedKey),
    visiblePeers: listOf(random, peer),
    filteredPeers: listOf(random, peer),
    stateId: random.chance(0.2) ? "0" : random.u64().toString(),
  };
  return { request: { op: "json.status", status } };
}
