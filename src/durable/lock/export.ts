/** The chain and the signatures as they are stored, for whoever wants to verify them elsewhere. */

import type { NodeKey } from "../../tka/index.ts";
import type { Tailnet } from "../authority/tailnet.ts";

export interface LockExport {
  readonly aums: readonly Uint8Array[];
  readonly nodes: readonly { readonly nodeKey: NodeKey; readonly signature: Uint8Array | null }[];
}

/** Throws `lock_not_enabled`. */
export function exportLock(tailnet: Tailnet): LockExport {
  return {
    aums: tailnet.lock.export(tailnet.lock.require()),
    nodes: tailnet.nodes.all().map(({ nodeKey, keySignature }) => ({ nodeKey, signature: keySignature })),
  };
}
