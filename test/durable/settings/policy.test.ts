/** What a policy means in the tailnet's object. */

import { runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { Store } from "../../../src/durable/store.ts";
import { admin, authorityOf, join, makeTailnet } from "../../support/workerd/control.ts";
import { rename } from "../../support/workerd/news.ts";
import { setPolicy } from "../../support/workerd/policy.ts";
import { stableIdOf } from "../../support/workerd/sharing.ts";
import { TestNode } from "../../support/workerd/test-node.ts";

function policySeq(tailnet: string): Promise<readonly [policySeq: number, seq: number]> {
  return runInDurableObject(authorityOf(tailnet), (_, { storage }) => {
    const row = new Store(storage).row("SELECT policy_seq, seq FROM tailnet");
    return [row?.integer("policy_seq") ?? -1, row?.integer("seq") ?? -1] as const;
  });
}

const TO_WEB = `{"tagOwners": {"tag:web": []}, "acls": [{"action": "accept", "src": ["autogroup:member"], "dst": ["tag:web:22"]}]}`;

describe("the seq of what a policy gives [F14]", () => {
  test("rises with what may change it, and with nothing else", async () => {
    const tailnet = await makeTailnet();
    const [alice, bob] = [new TestNode("alice"), new TestNode("bob")];
    await join(tailnet, alice);
    expect((await policySeq(tailnet))[0]).toBe(0);
    const set = await setPolicy(tailnet, TO_WEB);
    expect(await policySeq(tailnet)).toEqual([set, set]);

    await rename(alice, "carol");
    const [still, later] = await policySeq(tailnet);
    expect(later).toBeGreaterThan(set);
    expect(still).toBe(set);
    // The last event of a join is that of what the node says of itself, if any.
    await join(tailnet, bob);
    const [joined] = await policySeq(tailnet);
    expect(joined).toBeGreaterThan(later);

    const id = await stableIdOf(alice);
    for (const [method, path, body] of [
      ["POST", `/api/v2/device/${id}/tags`, { tags: ["tag:web"] }],
      ["DELETE", `/api/v2/device/${id}`, null],
    ] as const) {
      expect((await admin(method, path, body)).status).toBe(200);
      const [now, seq] = await policySeq(tailnet);
      expect(now).toBe(seq);
    }
  });

  test("stays where no node matters to the policy", async () => {
    const tailnet = await makeTailnet();
    const set = await setPolicy(tailnet, `{"acls": [{"action": "accept", "src": ["*"], "dst": ["*:22"]}]}`);
    await join(tailnet, new TestNode("alice"));
    expect((await policySeq(tailnet))[0]).toBe(set);
  });
});

describe("policy files", () => {
  test("of before are kept, up to a number", async () => {
    const tailnet = await makeTailnet();
    for (let port = 1; port <= 103; port++)
      await setPolicy(tailnet, `{"acls": [{"action": "accept", "src": ["*"], "dst": ["*:${port}"]}]}`);
    await runInDurableObject(authorityOf(tailnet), (_, { storage }) => {
      const rows = new Store(storage).rows("SELECT text FROM policies ORDER BY seq");
      expect(rows).toHaveLength(100);
      expect(rows.at(-1)?.text("text")).toContain('"*:103"');
    });
  });

  test("that stand for too much are refused, as long as there is a device that they concern [F16]", async () => {
    const tailnet = await makeTailnet();
    const ports = Array.from({ length: 50_000 }, () => "1").join(",");
    const huge = `{"acls": [{"action": "accept", "src": ["*"], "dst": ["*:${ports}"]}]}`;
    const check = () => authorityOf(tailnet).checkPolicyFile(huge);
    expect((await check()).ok).toBe(true);
    await join(tailnet, new TestNode("alice"));
    expect(await check()).toMatchObject({ ok: false, error: { code: "bad_policy" } });
  });
});
