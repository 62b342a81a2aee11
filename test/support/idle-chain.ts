/** Long chains of updates that change nothing, for any host. */

import {
  AUM_KIND,
  CHECKPOINT_EVERY,
  aumHash,
  hashToBytes,
  makeAum,
  signAum,
  type Aum,
  type AumHash,
  type Signer,
  type State,
} from "../../src/tka/index.ts";

/** Where a chain stands: its head, and what is trusted there. */
export interface Tip {
  readonly head: AumHash;
  readonly state: State;
}

/** So many updates that change nothing after `tip`, every 50th of them a checkpoint. */
export function idle(count: number, { head, state }: Tip, signer: Signer, mark = 0n): Aum[] {
  const out: Aum[] = [];
  for (let at = head; out.length < count; at = aumHash(out.at(-1) as Aum)) {
    const prevAumHash = hashToBytes(at);
    const isCheckpoint = out.length % CHECKPOINT_EVERY === CHECKPOINT_EVERY - 1;
    const fields = isCheckpoint ? { state: { ...state, lastAumHash: null } } : { votes: mark };
    out.push(signAum(makeAum(isCheckpoint ? AUM_KIND.checkpoint : AUM_KIND.noOp, { prevAumHash, ...fields }), signer));
  }
  return out;
}
