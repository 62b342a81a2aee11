/** The part of a tailnet's object that is the lock's own API for admins: each method is one act, as in TailnetAuthority. */

import type { Outcome } from "../../protocol/index.ts";
import type { AumHash } from "../../tka/index.ts";
import type { By } from "../audit/events.ts";
import {
  lockKeys,
  lockLog,
  retiredChains,
  type LockKeys,
  type LogPage,
  type LogWanted,
  type RetiredChain,
} from "../lock/chain.ts";
import { submitForNode, type SignedNode } from "../lock/sign.ts";
import { takeUpdates, type Updates } from "../lock/sync.ts";
import { PeopleAuthority } from "./people.ts";

export class LockAuthority extends PeopleAuthority {
  lockKeys(): Promise<Outcome<LockKeys>> {
    return this.acts.living(lockKeys);
  }

  lockLog(wanted: LogWanted): Promise<Outcome<LogPage>> {
    return this.acts.living((tailnet) => lockLog(tailnet, wanted));
  }

  retiredChains(): Promise<Outcome<RetiredChain[]>> {
    return this.acts.living(retiredChains);
  }

  /** Stores a signature that was made elsewhere [G7]; the same one again is a success. */
  submitSignature(by: By, signature: Uint8Array): Promise<Outcome<SignedNode>> {
    return this.acts.living((tailnet, now) => submitForNode(tailnet, by, signature, now));
  }

  /** Takes AUMs that were signed elsewhere, under the rules of those that nodes send [Y1][Y2]. */
  submitUpdates(by: By, updates: Updates): Promise<Outcome<{ readonly head: AumHash }>> {
    return this.acts.living((tailnet, now) => ({ head: takeUpdates(tailnet, by, updates, now).authority.head }));
  }
}
