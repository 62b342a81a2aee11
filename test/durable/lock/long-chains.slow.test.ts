/** Chains at the limits of a walk: what is taken today can be opened tomorrow. */

import { evictDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";
import { MAX_BATCH, syncSendResponse } from "../../../src/protocol/index.ts";
import {
  AUM_KIND,
  MAX_SCAN,
  aumHash,
  hashToBytes,
  makeAum,
  signAum,
  type Aum,
  type AumHash,
  type Signer,
} from "../../../src/tka/index.ts";
import { authorityOf, stored } from "../../support/workerd/control.ts";
import { lockedScene, send } from "../../support/workerd/locked.ts";
import { refused } from "../../support/workerd/refused.ts";
import { accepted } from "../../support/workerd/test-node.ts";

/** So many updates that do nothing, after `head`. */
function nothings(count: number, head: AumHash, signer: Signer): Aum[] {
  const out: Aum[] = [];
  for (let at = head; out.length < count; at = aumHash(out.at(-1) as Aum))
    out.push(signAum(makeAum(AUM_KIND.noOp, { prevAumHash: hashToBytes(at) }), signer));
  return out;
}

test("a batch as long as may be is taken; one after which the chain could not be opened again is not", async () => {
  const { tailnet, alice, bob, genesis } = await lockedScene();
  const batch = nothings(MAX_BATCH, aumHash(genesis), alice.lockKey);
  const { Head } = accepted(await send(alice, batch), syncSendResponse);
  const before = await stored(tailnet);
  const more = nothings(MAX_SCAN - MAX_BATCH + 1, Head as AumHash, alice.lockKey);
  expect(refused(await send(alice, more), "chain_too_long").head).toBe(Head);
  expect(await stored(tailnet)).toEqual(before);
  await evictDurableObject(authorityOf(tailnet));
  expect((await bob.map()).TKAInfo?.Head).toBe(Head);
}, 20_000);
