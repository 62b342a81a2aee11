/** Members that ask without end: what they say of themselves, and the secrets that they try, are bounded [W15]. */

import { runInDurableObject } from "cloudflare:test";
import { describe, expect, test, vi } from "vitest";
import { NEWS, SECRETS, newsOfWhom } from "../../../src/durable/authority/allowance.ts";
import { BY_SYSTEM } from "../../../src/durable/audit/events.ts";
import { Nodes, byNode, nodeTarget } from "../../../src/durable/nodes/nodes.ts";
import { Store } from "../../../src/durable/store.ts";
import { MAP_CLOSE, emptyResponse } from "../../../src/protocol/index.ts";
import { nodeKeyFromRaw } from "../../../src/tka/index.ts";
import { later } from "../../support/workerd/clock.ts";
import { authorityOf, sql } from "../../support/workerd/control.ts";
import { crowd } from "../../support/workerd/crowd.ts";
import { lockedScene, unlockedScene } from "../../support/workerd/locked.ts";
import { refused } from "../../support/workerd/refused.ts";
import { eventsOf } from "../../support/workerd/sharing.ts";
import { randomBytes } from "../../support/workerd/signed-request.ts";
import { accepted, type Answer } from "../../support/workerd/test-node.ts";

/** Asks so often, and gives the answer to the last time. */
async function asked(times: number, ask: (i: number) => Promise<Answer>): Promise<Answer> {
  let answer = await ask(0);
  for (let i = 1; i < times; i++) answer = await ask(i);
  return answer;
}

/** Names that a host may call itself at once: each renames the device too, and so makes two events. */
const RENAMES = NEWS.atOnce / 2;

describe("a node that says something else of itself each time", () => {
  test("moves everybody's map so many times, and is then refused; it goes on after a while, and nobody else is kept from it", async () => {
    const { tailnet, alice, bob } = await unlockedScene();
    const rename = (i: number): Promise<Answer> => bob.poll({ OmitPeers: true, Hostinfo: { Hostname: `b${i}` } });
    expect((await asked(RENAMES, rename)).status).toBe(200);
    const events = (await eventsOf(tailnet)).length;
    refused(await asked(5, (i) => rename(1000 + i)), "too_many_requests");
    expect(await eventsOf(tailnet)).toHaveLength(events);
    // What is no news is answered.
    expect((await bob.map()).Node?.Hostinfo?.Hostname).toBe(`b${RENAMES - 1}`);
    expect((await alice.poll({ OmitPeers: true, Hostinfo: { Hostname: "anna" } })).status).toBe(200);
    await later(2 * NEWS.eachMs + 1000, async () => {
      expect((await rename(2000)).status).toBe(200);
      refused(await rename(2001), "too_many_requests");
    });
  });

  test("is refused new keys too, and on its WebSocket is cut off", async () => {
    const { bob } = await unlockedScene();
    const rekey = (): Promise<Answer> => {
      const OldNodeKey = bob.nodeKey;
      bob.nodeKey = nodeKeyFromRaw(randomBytes(32));
      return bob.register("", { OldNodeKey });
    };
    expect((await asked(NEWS.atOnce, rekey)).status).toBe(200);
    const last = bob.nodeKey;
    refused(await rekey(), "too_many_requests");
    bob.nodeKey = last;
    const socket = await bob.listen();
    await socket.next();
    socket.say({ Hostinfo: { Hostname: "loud" } });
    expect((await socket.closed).code).toBe(MAP_CLOSE.tooMany);
  });

  test.each(["node.expiry", "node.reported"] as const)("is counted where it is a %s of its own alone", (kind) => {
    const node = { stableId: "n1", name: "a" };
    const [own, others] = [nodeTarget(node), nodeTarget({ ...node, stableId: "n2" })];
    expect(newsOfWhom(byNode(node), { kind, target: own })).toBe(node.stableId);
    expect(newsOfWhom(byNode(node), { kind, target: others })).toBeNull();
    expect(newsOfWhom(BY_SYSTEM, { kind, target: own })).toBeNull();
  });

  test("has its signature changed by the admin API so often, whoever asks", () => {
    const target = nodeTarget({ stableId: "n1", name: "a" }, "TKA");
    const by = { actor: { type: "USER", id: "u1", name: "U" }, origin: "CONFIG_API", group: "" } as const;
    expect(newsOfWhom(by, { kind: "node.signed", target })).toBe("signature n1");
    expect(newsOfWhom(by, { kind: "node.renamed", target })).toBeNull();
  });

  test("is refused where it follows the lock and ignores it by turns", async () => {
    const { carol } = await lockedScene();
    const head = (await carol.map()).TKAInfo?.Head ?? "";
    const turn = (i: number): Promise<Answer> => carol.poll({ OmitPeers: true, TKAHead: i % 2 === 0 ? head : "" });
    refused(await asked(NEWS.atOnce + 6, turn), "too_many_requests");
  });
});

describe("a node that tries disablement secrets", () => {
  test("is refused after some, and the right one of another node still works", async () => {
    const { alice, carol, secrets } = await lockedScene();
    const guess = (): Promise<Answer> => carol.tka("disable", { DisablementSecret: randomBytes(32) });
    refused(await asked(SECRETS.atOnce, guess), "incorrect_secret");
    refused(await guess(), "too_many_requests");
    refused(await carol.tka("disable", { DisablementSecret: secrets[0] }), "too_many_requests");
    accepted(await alice.tka("disable", { DisablementSecret: secrets[0] }), emptyResponse);
  }, 60_000);
});

describe("nodes that all call themselves the same", () => {
  test("get their names in a few steps each", async () => {
    const { tailnet } = await unlockedScene();
    await crowd(tailnet, 3000, 0);
    await sql(
      tailnet,
      "UPDATE nodes SET name = 'same' || CASE hostname WHEN 'c1' THEN '' ELSE '-' || (id - 4) END WHERE hostname GLOB 'c[0-9]*'",
    );
    await runInDurableObject(authorityOf(tailnet), (_, { storage }) => {
      const looks = vi.spyOn(Store.prototype, "row");
      const name = new Nodes(new Store(storage)).freeName("same");
      expect(looks.mock.calls.length).toBeLessThan(30);
      looks.mockRestore();
      expect(name).toBe("same-3000");
    });
  });
});
