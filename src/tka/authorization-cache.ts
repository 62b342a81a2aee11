/**
 * Remembers which signatures were proven, so that a change of one peer, or of the chain, does not cost a verification of every peer.
 *
 * Rule [N9]: that a signature verifies for a node key under a certain trusted key never changes. Whether that key is still trusted is asked
 *            anew each time. So what is remembered needs no invalidation, and a refusal is never remembered.
 */

import { equalBytes } from "./bytes.ts";
import type { SignatureVerifier } from "./ed25519.ts";
import type { Key } from "./key.ts";
import type { NodeKey } from "./key-text.ts";
import { authorizeNodeKey, type Authorization } from "./node-key-authorized.ts";
import { requireKey, type State } from "./state.ts";

interface Proven {
  readonly signature: Uint8Array;
  readonly authorization: Authorization;
  /** The state in which the authorizing key was last seen to be trusted. */
  trustedIn: readonly Key[] | null;
}

export class AuthorizationCache {
  readonly #proven = new Map<NodeKey, Proven>();
  readonly #verifier: SignatureVerifier;

  constructor(verifier: SignatureVerifier) {
    this.#verifier = verifier;
  }

  /** As `authorizeNodeKey`, and throws the same. */
  authorize(state: State, nodeKey: NodeKey, signature: Uint8Array): Authorization {
    const proven = this.#proven.get(nodeKey);
    if (proven === undefined || !equalBytes(proven.signature, signature)) return this.#prove(state, nodeKey, signature);
    if (proven.trustedIn !== state.keys) {
      const trusted = requireKey(state, proven.authorization.authorizedBy.publicKey);
      if (trusted.kind !== proven.authorization.authorizedBy.kind) return this.#prove(state, nodeKey, signature);
      proven.trustedIn = state.keys;
    }
    return proven.authorization;
  }

  #prove(state: State, nodeKey: NodeKey, signature: Uint8Array): Authorization {
    const authorization = authorizeNodeKey(state, nodeKey, signature, this.#verifier);
    this.#proven.set(nodeKey, { signature: signature.slice(), authorization, trustedIn: state.keys });
    return authorization;
  }

  /** Forgets all node keys but these: those of the peers that there still are. */
  retain(nodeKeys: ReadonlySet<NodeKey>): void {
    for (const nodeKey of this.#proven.keys()) if (!nodeKeys.has(nodeKey)) this.#proven.delete(nodeKey);
  }
}
