/** Nodes that sync with a control plane, for stories. What they say to one another is what Tailscale's client and control say. */

import {
  MemoryChonk,
  UpdateBuilder,
  authorityAfter,
  bootstrap,
  inform,
  makeSyncOffer,
  missingAums,
  prepare,
  type Aum,
  type Authority,
  type SyncOffer,
} from "../../src/tka/index.ts";
import { lockKey, namesOf } from "./chains-keys.ts";
import { fastVerifier } from "./host-crypto.ts";

/** Commit times of stories: they never matter there. */
const NOW = 1_800_000_000_000;

/** What a control plane answers to an offer: its own offer, and what it thinks the node lacks. */
export interface SyncAnswer {
  readonly offer: SyncOffer;
  readonly missing: readonly Aum[];
}

export class StoryNode {
  readonly name: string;
  readonly chonk = new MemoryChonk();
  authority: Authority;

  constructor(name: string, genesis: Aum) {
    this.name = name;
    this.authority = bootstrap(this.chonk, genesis, fastVerifier, NOW);
  }

  get head(): string {
    return this.authority.head;
  }

  /** The names of the keys trusted at the head. */
  get trusts(): string[] {
    return namesOf(this.authority.state);
  }

  offer(): SyncOffer {
    return makeSyncOffer(this.chonk, this.authority);
  }

  missingFor(offer: SyncOffer): Aum[] {
    return missingAums(this.chonk, this.authority, offer).map(({ aum }) => aum);
  }

  /** Throws what `prepare` throws; nothing is changed then. */
  inform(updates: readonly Aum[]): void {
    this.authority = inform(this.chonk, this.authority, updates, fastVerifier, NOW);
  }

  /** Makes changes with the lock key `signer`, takes them in, and gives them. */
  change(signer: string, edit: (builder: UpdateBuilder) => unknown): readonly Aum[] {
    const builder = new UpdateBuilder(this.authority, lockKey(signer));
    edit(builder);
    const updates = builder.finalize(this.chonk);
    this.inform(updates);
    return updates;
  }

  /** What would become of a batch, which is not taken in. */
  foresee(updates: readonly Aum[]): Authority {
    return authorityAfter(prepare(this.chonk, this.authority, updates, fastVerifier));
  }

  /** One round with the control plane: asks, takes in what it lacks, sends what control lacks. */
  sync(control: StoryControl): void {
    const answer = control.answer(this.offer());
    if (answer.missing.length > 0) this.inform(answer.missing);
    control.receive(this.missingFor(answer.offer));
  }
}

export class StoryControl extends StoryNode {
  answer(offer: SyncOffer): SyncAnswer {
    return { offer: this.offer(), missing: this.missingFor(offer) };
  }

  receive(updates: readonly Aum[]): void {
    if (updates.length > 0) this.inform(updates);
  }
}
