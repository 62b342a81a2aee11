/**
 * AUMs that come again with the same content under other signatures. Go's authority takes them, and here is a hole of its consensus: an AUM's
 * hash covers its signatures, so a copy with a signature written twice, or two in another order, is a sibling of the original with the same
 * weight, and the lower hash wins. Whoever can pass AUMs on, without any key, can try copies until one wins, and all that followed the
 * original falls off the chain: a revoked key is trusted again. Departure from Go, for security (docs/decisions/).
 *
 * Rule [P3]: no key signs an AUM twice.
 * Rule [P4]: beside a stored AUM, no other of the same content is taken; but a checkpoint is, if somebody has signed it who has not signed that
 *            one. Recoveries are checkpoints, and gather signatures; whatever else a builder makes is signed once.
 *
 * Asked by whoever takes updates from others, before `prepare`: the object, and the agent.
 */

import { AUM_KIND, aumSigHash, type Aum } from "./aum.ts";
import { equalBytes } from "./bytes.ts";
import type { ChonkReader } from "./chonk.ts";
import { TkaError } from "./errors.ts";
import type { AumHash } from "./hash.ts";
import { encodeHex } from "./text-encodings.ts";
import type { SealedAum } from "./verify.ts";

function signersOf(aum: Aum): Set<string> {
  return new Set((aum.signatures ?? []).map(({ keyId }) => encodeHex(keyId ?? new Uint8Array(0))));
}

/** Throws `republished` where a key has signed the AUM twice [P3]. */
export function refuseDoubleSigners(aum: Aum): void {
  if (signersOf(aum).size < (aum.signatures ?? []).length)
    throw new TkaError("republished", "the same key has signed the AUM twice");
}

/** True if both say the same, and `copy` brings no signer that it may bring. */
function repeats(copy: Aum, original: Aum): boolean {
  const known = signersOf(original);
  const adds = copy.kind === AUM_KIND.checkpoint && [...signersOf(copy)].some((signer) => !known.has(signer));
  if (copy.kind !== original.kind || adds) return false;
  return equalBytes(aumSigHash(copy), aumSigHash(original));
}

/**
 * Throws `republished`, with the AUM's index, where attacker-controlled `updates` hold what [P3] or [P4] forbids. An AUM that is stored as it
 * is passes. Proves nothing else of them.
 */
export function refuseRepublished(chonk: ChonkReader, updates: readonly SealedAum[]): void {
  const taken = new Map<AumHash, Aum[]>();
  updates.forEach(({ aum, hash, parent }, index) => {
    refuseDoubleSigners(aum);
    if (parent === null || chonk.aum(hash) !== null) return;
    const earlier = taken.get(parent) ?? [];
    const siblings = [...chonk.children(parent).map((sibling) => sibling.aum), ...earlier];
    if (siblings.some((sibling) => repeats(aum, sibling)))
      throw new TkaError("republished", `update ${index} is stored already, signed otherwise`, {
        index,
        subject: hash,
      });
    taken.set(parent, [...earlier, aum]);
  });
}
