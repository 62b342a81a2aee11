/** What a client shows of its peers: those let in, without rotated-out and cloned ones. Go's whole client answers, so few of these are made. */

import { SIG_KIND, type NodeKey, type NodeKeySignature } from "../../../src/tka/index.ts";
import type { Case } from "./case.ts";
import { randomNodeKey, signerAt } from "./keys.ts";
import type { Random } from "./random.ts";
import { TRUSTED, encoded, initial, nodeSigner, plainTrust, rotated } from "./signatures.ts";

interface Peer {
  readonly nodeKey: NodeKey;
  readonly sig: NodeKeySignature | null;
}

/** All stages of one node's life, the newest last; a clone may branch off at any. */
function life(random: Random): Peer[] {
  const nodeKey = randomNodeKey(random);
  const signer = signerAt(random.chance(0.95) ? random.pick(TRUSTED) : 5);
  const kind = random.chance(0.7) ? SIG_KIND.direct : SIG_KIND.credential;
  const first = initial(kind, kind === SIG_KIND.direct ? nodeKey : null, nodeSigner(random).publicKey, signer);
  const stages: Peer[] = [{ nodeKey, sig: first }];
  for (let i = random.below(6); i > 0; i--) {
    const next = randomNodeKey(random);
    const from = random.chance(0.8) ? (stages.at(-1) as Peer) : random.pick(stages);
    if (from.sig !== null) stages.push({ nodeKey: next, sig: rotated(from.sig, next, random) });
  }
  return stages;
}

/** One netmap of peers, whole or as a delta. Every node key stands once: where two have the same, Go's verdict depends on chance. */
export function peers(random: Random): Case {
  const lives = Array.from({ length: random.between(1, 6) }, () => life(random)).flat();
  const strangers = Array.from({ length: random.below(3) }, () => ({ nodeKey: randomNodeKey(random), sig: null }));
  const present = random.shuffled([...random.some(lives, 0.6), ...strangers]);
  const steps = (["full", "delta"] as const).map((mode) => ({
    do: "peers",
    node: "a",
    mode,
    peers: present.map(({ nodeKey, sig }, index) => ({
      id: index + 1,
      nodeKey,
      sig: sig === null ? null : encoded(sig),
    })),
  }));
  return { request: { op: "play", steps: [plainTrust(), ...random.shuffled(steps).slice(0, random.between(1, 2))] } };
}
