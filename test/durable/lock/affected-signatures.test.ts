/** The list of what rests on a key, for clients that read only so much of an answer (Go's `ipn/ipnlocal/tailnet-lock.go` before v1.104). */

import { expect, test } from "vitest";
import { LARGE_ANSWERS, MAX_OLD_ANSWER_BYTES, affectedSigsResponse } from "../../../src/protocol/index.ts";
import { sql } from "../../support/workerd/control.ts";
import { crowd } from "../../support/workerd/crowd.ts";
import { lockedScene } from "../../support/workerd/locked.ts";
import { refused } from "../../support/workerd/refused.ts";
import { accepted } from "../../support/workerd/test-node.ts";

test("a list that an old client could not read is refused whole, with the way out, and never cut", async () => {
  const { tailnet, alice } = await lockedScene();
  const ask = (Version: number) => alice.tka("affectedSigs", { Version, KeyID: alice.lockKey.publicKey });
  const old = LARGE_ANSWERS - 1;
  const before = accepted(await ask(old), affectedSigsResponse).Signatures;
  // 150 bytes are 200 in base64, 203 in the list.
  const room = Math.floor((MAX_OLD_ANSWER_BYTES - JSON.stringify(before).length * 3) / 203);
  const give =
    "UPDATE nodes SET signed_by = (SELECT signed_by FROM nodes WHERE signed_by IS NOT NULL LIMIT 1) WHERE signed_by IS NULL";
  await crowd(tailnet, room, 150);
  await sql(tailnet, give);
  const most = await ask(old);
  expect(JSON.stringify(most.json).length).toBeLessThanOrEqual(MAX_OLD_ANSWER_BYTES);
  expect(accepted(most, affectedSigsResponse).Signatures).toHaveLength(before.length + room);
  await sql(tailnet, "UPDATE nodes SET key_signature = zeroblob(156) WHERE key_signature = zeroblob(150)");
  expect(refused(await ask(old), "client_too_old").message).toContain("update Tailscale here to v1.104 or later");
  expect(accepted(await ask(LARGE_ANSWERS), affectedSigsResponse).Signatures).toHaveLength(before.length + room);
});
