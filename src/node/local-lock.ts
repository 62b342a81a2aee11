/**
 * The node's own copy of the lock: the chain it has verified, and nothing that was only told.
 *
 * Rule [Z23]: a lock that was turned off on this node is passed over without a word as long as the control plane stands at the same head; at
 *             another, its genesis is looked at again, since that may be another lock's.
 */

import {
  TkaError,
  authorityAfter,
  authorizeNodeKey,
  bootstrap,
  compact,
  decodeAum,
  makeSyncOffer,
  missingAums,
  prepare,
  resumeAuthority,
  parseSyncOffer,
  prepareSealed,
  refuseDoubleSigners,
  refuseRepublished,
  sealAum,
  validDisablement,
  type Aum,
  type AumHash,
  type Authority,
  type Chonk,
  type DisablementKdf,
  type NodeKey,
  type Prepared,
  type SignatureVerifier,
  type State,
  type SyncOffer,
  type VerifiedAum,
} from "../tka/index.ts";
import { AgentError } from "./errors.ts";

export interface LockPorts {
  readonly chonk: Chonk;
  readonly verifier: SignatureVerifier;
  readonly kdf: DisablementKdf;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** The name of a chain among those that a node may refuse to follow. */
export function stateIdOf(state: State): string {
  return `${state.stateId1}:${state.stateId2}`;
}

export class LocalLock {
  readonly #ports: LockPorts;
  #authority: Authority | null;
  #passedOver: AumHash | null = null;

  /** Opens what the Chonk holds. Throws `state_corrupt` where that is no chain. */
  constructor(ports: LockPorts) {
    this.#ports = ports;
    try {
      this.#authority = ports.chonk.head() === null ? null : resumeAuthority(ports.chonk);
    } catch (error) {
      if (!(error instanceof TkaError)) throw error;
      throw new AgentError("state_corrupt", `the stored chain of the lock cannot be opened: ${error.message}`);
    }
  }

  /** Null while there is no lock. */
  get authority(): Authority | null {
    return this.#authority;
  }

  /** The authority. Throws `lock_off`. */
  require(): Authority {
    // Off for all, or turned off on this node alone: the status tells.
    if (this.#authority === null)
      throw new AgentError("lock_off", "tailnet lock is not enabled on this node", "see `tailward lock status`");
    return this.#authority;
  }

  /** True if an attacker-controlled signature proves the node key under our own chain. Without a lock, nothing is proven. */
  authorizes(nodeKey: NodeKey, signature: Uint8Array): boolean {
    if (this.#authority === null || signature.length === 0) return false;
    try {
      authorizeNodeKey(this.#authority.state, nodeKey, signature, this.#ports.verifier);
      return true;
    } catch (error) {
      if (error instanceof TkaError) return false;
      throw error;
    }
  }

  /** Begins with a genesis from the control plane. Throws TkaError, or `lock_disallowed`. */
  bootstrap(genesis: Uint8Array, disallowed: readonly string[]): void {
    const { chonk, verifier, now } = this.#ports;
    const aum = decodeAum(genesis);
    this.#passedOver = null;
    if (aum.state !== null && disallowed.includes(stateIdOf(aum.state)))
      throw new AgentError("lock_disallowed", "this chain was turned off on this node");
    refuseDoubleSigners(aum);
    this.#authority = bootstrap(chonk, aum, verifier, now());
  }

  /** Takes in updates, all of them or none [P3][P4]. Throws TkaError. */
  inform(updates: readonly Aum[]): void {
    const { chonk, verifier, now } = this.#ports;
    const sealed = updates.map(sealAum);
    refuseRepublished(chonk, sealed);
    const prepared = prepareSealed(chonk, this.require(), sealed, verifier);
    chonk.commit(prepared, now());
    this.#authority = authorityAfter(prepared);
  }

  /** What taking in updates would lead to. Throws TkaError. */
  rehearse(updates: readonly Aum[]): Prepared {
    const { chonk, verifier } = this.#ports;
    return prepare(chonk, this.require(), updates, verifier);
  }

  /** The head at which a lock that this node does not follow was found, or null. */
  get passedOver(): AumHash | null {
    return this.#passedOver;
  }

  /** Remembers that at this head there is a lock that this node does not follow [Z23]. */
  passOver(head: AumHash): void {
    this.#passedOver = head;
  }

  offer(): SyncOffer {
    return makeSyncOffer(this.#ports.chonk, this.require());
  }

  /** What another side lacks that stands so. Throws TkaError. */
  missing(head: string, ancestors: readonly string[]): VerifiedAum[] {
    return missingAums(this.#ports.chonk, this.require(), parseSyncOffer(head, ancestors));
  }

  /** Forgets what is old. Where that cannot be done, nothing is forgotten. */
  compact(): void {
    const { chonk, now } = this.#ports;
    try {
      this.#authority = compact(chonk, this.require(), now());
    } catch (error) {
      if (!(error instanceof TkaError && error.code === "compaction_impossible")) throw error;
    }
  }

  /** True if the secret turns this lock off. */
  isSecret(secret: Uint8Array): boolean {
    return validDisablement(this.require().state, secret, this.#ports.kdf);
  }

  /** Ends the lock if the secret is one of its own; false where it is not. */
  disable(secret: Uint8Array): boolean {
    if (!this.isSecret(secret)) return false;
    this.drop();
    return true;
  }

  /** Forgets the chain: by a secret, or because the node's owner says so. */
  drop(): void {
    this.#ports.chonk.removeAll();
    this.#authority = null;
  }

  /** True if the AUM is on the active chain, as far as that is stored. */
  isActive(hash: AumHash): boolean {
    const { chonk } = this.#ports;
    let cursor = this.#authority === null ? null : chonk.aum(this.#authority.head);
    while (cursor !== null && cursor.hash !== hash) cursor = cursor.parent === null ? null : chonk.aum(cursor.parent);
    return cursor !== null;
  }

  /** The newest AUMs of the active chain, the newest first, `limit` at most. */
  log(limit: number): VerifiedAum[] {
    const out: VerifiedAum[] = [];
    let cursor = this.#ports.chonk.aum(this.require().head);
    while (cursor !== null && out.length < limit) {
      out.push(cursor);
      cursor = cursor.parent === null ? null : this.#ports.chonk.aum(cursor.parent);
    }
    return out;
  }

  /** For building updates. */
  get chonk(): Chonk {
    return this.#ports.chonk;
  }
}
