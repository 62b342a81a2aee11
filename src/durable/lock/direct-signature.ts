/**
 * Nodes that will lose their signature at the next change of their key, told of in time, with the command that mends it. Sources: Go's
 * `SignByCredential` and `ResignNKS`, whose faults docs/compatibility.md lists.
 *
 * Rule [G12]: a node whose stored signature it cannot rotate, or soon cannot, is reported from the moment the signature is stored.
 */

import {
  MAX_SIGNATURE_LAYERS,
  SIG_KIND,
  decodeNodeKeySignature,
  equalBytes,
  initialSignature,
  signatureLayers,
  unverifiedWrappingKey,
  type NodeKeySignature,
} from "../../tka/index.ts";
import { BY_SYSTEM } from "../audit/events.ts";
import { signCommand } from "./standing.ts";
import { nodeTarget, type NodeRecord } from "../nodes/nodes.ts";
import type { Tailnet } from "../authority/tailnet.ts";

/** Layers that are left when a node is called near its end: some rotations, so months. */
const NEAR_END = 4;
/** How our own agent calls itself: it trims all that it has signed itself (src/tka/rotation.ts). */
const OUR_CLIENT = "tailward";

const CANNOT_ROTATE = "the node cannot rotate its signature: it is locked out once its node key changes";
const NEARLY_FULL = "the node can rotate its signature only a few times more: it is locked out after that";

/** Layers that no trimming can take away: those from the initial signature up to the last one that names a key of its own to rotate with. */
function fixedLayers(sig: NodeKeySignature): number {
  return sig.wrappingPubkey !== null || sig.nested === null ? signatureLayers(sig) : fixedLayers(sig.nested);
}

function nearsEnd(sig: NodeKeySignature, clientVersion: string): boolean {
  const fixed = fixedLayers(sig);
  // Go trims well what goes back to one direct signature; it nests a credential too deep, and drops keys in between.
  const isPlain = fixed === 1 && initialSignature(sig).kind === SIG_KIND.direct;
  const willTrim = isPlain || clientVersion.startsWith(OUR_CLIENT);
  return (willTrim ? fixed : signatureLayers(sig)) >= MAX_SIGNATURE_LAYERS - NEAR_END;
}

/** Why the node is to be signed directly, in words, or null where it need not be. */
export function whyDirectly({ keySignature, lockKey, clientVersion }: NodeRecord): string | null {
  if (keySignature === null || lockKey === null) return null;
  const sig = decodeNodeKeySignature(keySignature);
  const wrapped = unverifiedWrappingKey(sig);
  if (wrapped === null || !equalBytes(wrapped, lockKey)) return CANNOT_ROTATE;
  return nearsEnd(sig, clientVersion) ? NEARLY_FULL : null;
}

/** Records that a node whose signature was just stored is to be signed directly, where that is so [G12]. */
export function noteDirectSignature(tailnet: Tailnet, signed: NodeRecord, now: number): void {
  const node = tailnet.nodes.byId(signed.id);
  const why = node === null ? null : whyDirectly(node);
  if (node === null || why === null) return;
  const event = { kind: "node.needs_direct_signature", target: nodeTarget(node, "TKA") } as const;
  tailnet.record(BY_SYSTEM, { ...event, new: { nodeKey: node.nodeKey, why, command: signCommand(node) } }, now);
}
