/** Whether signatures let node keys in: chains of rotations from direct signatures and credentials, right and wrong in many ways. */

import { SIG_KIND, type NodeKey, type NodeKeySignature } from "../../../src/tka/index.ts";
import { encodeNodeKeySignature } from "../../../src/tka/index.ts";
import { toBase64 } from "../../support/answer-ports.ts";
import type { Case } from "./case.ts";
import { mutateBytes, mutateTree } from "./cbor-mutate.ts";
import { decodeTree, encodeTree } from "./cbor-tree.ts";
import { randomNodeKey, signerAt } from "./keys.ts";
import { withTorsion } from "./odd-signers.ts";
import type { PlayStep } from "./kind-web.ts";
import type { Random } from "./random.ts";
import { TRUSTED, encoded, initial, nodeSigner, rotated, trustingStep } from "./signatures.ts";

interface Held {
  readonly nodeKey: NodeKey;
  readonly sig: NodeKeySignature;
}

function oddWrapping(random: Random): Uint8Array | null {
  return random.pick([null, new Uint8Array(0), random.bytes(31), random.bytes(33), random.bytes(32)]);
}

function firstLayer(nodeKey: NodeKey, random: Random): NodeKeySignature {
  const signer = random.chance(0.95) ? signerAt(random.pick(TRUSTED)) : nodeSigner(random);
  const wrapping = random.chance(0.92) ? nodeSigner(random).publicKey : oddWrapping(random);
  const kind = random.chance(0.7)
    ? SIG_KIND.direct
    : random.chance(0.95)
      ? SIG_KIND.credential
      : random.pick([0, 4, 255]);
  const by = random.chance(0.03) ? withTorsion(signer) : signer;
  return initial(kind, kind === SIG_KIND.credential && random.chance(0.9) ? null : nodeKey, wrapping, by);
}

function rotationChanges(random: Random): Partial<NodeKeySignature> {
  if (random.chance(0.75)) return {};
  if (random.chance(0.6))
    return { wrappingPubkey: random.chance(0.85) ? nodeSigner(random).publicKey : oddWrapping(random) };
  if (random.chance(0.4)) return { keyId: random.bytes(32) };
  return random.pick([{ pubkey: null }, { pubkey: random.bytes(34) }, { kind: SIG_KIND.direct }, { kind: 7 }]);
}

function heldChain(random: Random): Held {
  let nodeKey = randomNodeKey(random);
  let sig = firstLayer(nodeKey, random);
  const rotations = random.chance(0.3) ? 0 : random.chance(0.85) ? random.between(1, 4) : random.between(5, 17);
  for (let i = 0; i < rotations; i++) {
    nodeKey = randomNodeKey(random);
    sig = rotated(sig, nodeKey, random, random.chance(2 / (rotations + 2)) ? rotationChanges(random) : {});
  }
  return { nodeKey, sig };
}

/** The chain with a layer of it missing, or with one that does not belong. */
function cut(sig: NodeKeySignature, random: Random): NodeKeySignature {
  if (sig.nested !== null && random.chance(0.6)) return { ...sig, nested: cut(sig.nested, random) };
  return random.pick([
    { ...sig, nested: null },
    { ...sig, nested: sig },
    { ...sig, nested: sig.nested?.nested ?? null },
    { ...sig, signature: null },
  ]);
}

function bytesOf({ sig }: Held, random: Random): string {
  const kind = random.below(20);
  if (kind === 0) return encoded(cut(sig, random));
  const bytes = encodeNodeKeySignature(sig);
  if (kind === 1) return toBase64(encodeTree(mutateTree(decodeTree(bytes), random)));
  return kind === 2 ? toBase64(mutateBytes(bytes, random)) : toBase64(bytes);
}

/** A lock, and some node keys that want in. */
export function nodeKeys(random: Random): Case {
  const steps: PlayStep[] = [trustingStep(random)];
  for (let i = random.between(1, 3); i > 0; i--) {
    const held = heldChain(random);
    const nodeKey = random.chance(0.94) ? held.nodeKey : randomNodeKey(random);
    steps.push({ do: "authorized", node: "a", nodeKey, sig: bytesOf(held, random) });
  }
  return { request: { op: "play", steps } };
}
