/** Single questions that are asked less often: weights, secrets, whether a key is trusted. */

import { AUM_KIND, encodeAum, makeAum, type State } from "../../../src/tka/index.ts";
import { toBase64 } from "../../support/answer-ports.ts";
import type { Case } from "./case.ts";
import { signerAt } from "./keys.ts";
import { randomAum } from "./kind-aum-bytes.ts";
import type { Random } from "./random.ts";
import { plainTrust } from "./signatures.ts";
import { randomKeyFor } from "./web-fields.ts";

/** What an AUM weighs in a state, its signers repeated, unknown or of odd length. */
export function weight(random: Random): Case {
  const ids = Array.from(
    { length: random.between(1, 5) },
    (_, i) => signerAt(random.chance(0.9) ? i : random.below(3)).publicKey,
  );
  const keys = ids.map((id) => ({
    ...randomKeyFor(random.chance(0.95) ? id : random.bytes(random.below(40)), random),
    kind: random.chance(0.97) ? 1 : 2,
  }));
  const state: State = { lastAumHash: null, disablementValues: null, keys, stateId1: 0n, stateId2: 0n };
  const signatures = Array.from({ length: random.below(6) }, () => ({
    keyId: random.chance(0.96) ? signerAt(random.below(6)).publicKey : random.bytes(random.below(40)),
    signature: null,
  }));
  const aum = { ...randomAum(random), signatures };
  const checkpoint = makeAum(AUM_KIND.checkpoint, { state });
  return { request: { op: "weight", aum: toBase64(encodeAum(aum)), checkpoint: toBase64(encodeAum(checkpoint)) } };
}

export function trusted(random: Random): Case {
  const id = (): Uint8Array =>
    random.chance(0.8) ? signerAt(random.below(5)).publicKey : random.bytes(random.below(40));
  const steps = Array.from({ length: 4 }, () => ({ do: "trusted", node: "a", keyId: toBase64(id()) }));
  return { request: { op: "play", steps: [plainTrust(), ...steps] } };
}

/** The dearest operation there is: a few of these are many. */
export function kdf(random: Random): Case {
  return { request: { op: "kdf", secret: toBase64(random.bytes(random.chance(0.7) ? 32 : random.below(80))) } };
}
