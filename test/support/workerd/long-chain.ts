/** Long chains in a tailnet's object, grown as time passes. */

import { MAX_BATCH, syncSendResponse } from "../../../src/protocol/index.ts";
import type { Aum, AumHash } from "../../../src/tka/index.ts";
import { runInDurableObject } from "cloudflare:test";
import { idle, type Tip } from "../idle-chain.ts";
import { authorityOf } from "./control.ts";
import { send } from "./locked.ts";
import { accepted, type TestNode } from "./test-node.ts";

export { idle, type Tip };

export const DAY = 24 * 60 * 60 * 1000;
/** Has the control plane take updates in batches, of the node's own accord. Gives the head that it answers last. */
export async function sendAll(node: TestNode, updates: readonly Aum[]): Promise<AumHash> {
  let head = "";
  for (let from = 0; from < updates.length; from += MAX_BATCH) {
    const answer = await send(node, updates.slice(from, from + MAX_BATCH), false);
    head = accepted(answer, syncSendResponse).Head;
  }
  return head as AumHash;
}

/** Makes everything that the object has taken so many milliseconds older: time passes. */
export function passTime(tailnet: string, ms: number): Promise<void> {
  return runInDurableObject(authorityOf(tailnet), (_, { storage }) => {
    storage.sql.exec("UPDATE aums SET committed = committed - ?", ms).toArray();
  });
}

/** Grows the chain by `count` AUMs, 1,000 every 15 days. Gives all of them. */
export async function grow(tailnet: string, node: TestNode, count: number, tip: Tip): Promise<Aum[]> {
  const updates = idle(count, tip, node.lockKey);
  for (let from = 0; from < count; from += 1000) {
    await sendAll(node, updates.slice(from, from + 1000));
    await passTime(tailnet, 15 * DAY);
  }
  return updates;
}
