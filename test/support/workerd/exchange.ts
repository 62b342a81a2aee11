/** What a Tailscale client does to synchronise: offer, take in, and give what the other side lacks. Source: Go's `tkaSyncLocked`. */

import {
  bootstrapResponse,
  syncOfferResponse,
  syncSendResponse,
  type SyncOfferResponse,
} from "../../../src/protocol/index.ts";
import {
  MemoryChonk,
  bootstrap,
  decodeAum,
  encodeAum,
  inform,
  makeSyncOffer,
  missingAums,
  parseSyncOffer,
  type Aum,
  type AumHash,
  type Authority,
} from "../../../src/tka/index.ts";
import { fastVerifier } from "../host-crypto.ts";
import { accepted, type TestNode } from "./test-node.ts";

/** A node's own chain, kept over several exchanges. */
export class Follower {
  readonly node: TestNode;
  readonly chonk = new MemoryChonk();
  authority: Authority;
  /** How many AUMs each answer brought. */
  readonly batches: number[] = [];

  private constructor(node: TestNode, genesis: Aum) {
    this.node = node;
    this.authority = bootstrap(this.chonk, genesis, fastVerifier, 0);
  }

  /** Begins as a newcomer does. */
  static async join(node: TestNode): Promise<Follower> {
    const { GenesisAUM } = accepted(await node.tka("bootstrap"), bootstrapResponse);
    return new Follower(node, decodeAum(GenesisAUM));
  }

  /** Takes in updates that it heard of otherwise, or made. */
  take(updates: readonly Aum[]): void {
    if (updates.length > 0) this.authority = inform(this.chonk, this.authority, updates, fastVerifier, 0);
  }

  async offer(): Promise<SyncOfferResponse> {
    const { head, ancestors } = makeSyncOffer(this.chonk, this.authority);
    return accepted(await this.node.tka("syncOffer", { Head: head, Ancestors: ancestors }), syncOfferResponse);
  }

  /** One exchange. Gives the control plane's head. */
  async exchange(): Promise<AumHash> {
    const answer = await this.offer();
    if (answer.Head === this.authority.head) return this.authority.head;
    const lacking = missingAums(this.chonk, this.authority, parseSyncOffer(answer.Head, answer.Ancestors));
    this.batches.push(answer.MissingAUMs.length);
    this.take(answer.MissingAUMs.map(decodeAum));
    const MissingAUMs = lacking.map(({ aum }) => encodeAum(aum));
    const sent = await this.node.tka("syncSend", { Head: this.authority.head, MissingAUMs, Interactive: false });
    return accepted(sent, syncSendResponse).Head as AumHash;
  }

  /** Exchanges until it stands where the control plane does, `rounds` times at most. Gives the head. */
  async follow(rounds = 10): Promise<AumHash> {
    for (let i = 0; i < rounds; i++) if ((await this.exchange()) === this.authority.head) return this.authority.head;
    throw new Error(`not at the control plane's head after ${rounds} exchanges`);
  }
}
