/** Nodes without an auth key: they wait, an admin settles it, and the authority decides [G2][G11][G13]. */

import { runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { describe, expect, onTestFinished, test } from "vitest";
import { LOGINS_BUCKET, type Directory } from "../../../src/durable/index.ts";
import {
  LOGIN_MS,
  MAX_LOGINS,
  MAX_LOGINS_OF_MACHINE,
  formatAuthKey,
  registerResponse,
} from "../../../src/protocol/index.ts";
import { later } from "../../support/workerd/clock.ts";
import { admin, authorityOf, join, makeAuthKey, makeTailnet } from "../../support/workerd/control.ts";
import { inItForThisTest } from "../../support/workerd/for-this-test.ts";
import { refused } from "../../support/workerd/refused.ts";
import { BY_TEST, stableIdOf } from "../../support/workerd/sharing.ts";
import { ORIGIN } from "../../support/workerd/signed-request.ts";
import { TestNode, accepted, fetchWorker, type Answer } from "../../support/workerd/test-node.ts";

function logins(): DurableObjectStub<Directory> {
  return env.DIRECTORY.get(env.DIRECTORY.idFromName(LOGINS_BUCKET));
}

/** Has questions that wait answered at once. */
async function withoutWaiting<T>(body: () => Promise<T>): Promise<T> {
  await inItForThisTest(logins(), (object) => object, { holdMs: 1 });
  return body();
}

async function askedFor(node: TestNode, fields: object = {}): Promise<string> {
  const { AuthURL } = accepted(await node.register("", { Auth: null, ...fields }), registerResponse);
  expect(AuthURL).toMatch(new RegExp(`^${ORIGIN}/login/[0-9A-Za-z]{24}$`));
  return AuthURL;
}

function idOf(url: string): string {
  return url.slice(`${ORIGIN}/login/`.length);
}

function settle(tailnet: string, url: string, word: "approve" | "deny"): Promise<Answer> {
  return admin("POST", `/api/v2/tailnet/${tailnet}/logins/${idOf(url)}/${word}`, {});
}

/** What the node is told that follows up. */
function followUp(node: TestNode, Followup: string): Promise<Answer> {
  return withoutWaiting(() => node.register("", { Auth: null, Followup }));
}

describe("a node without an auth key", () => {
  test("is told where to be let in, the same each time, and comes in once it was approved", async () => {
    const [tailnet, node] = [await makeTailnet(), new TestNode("dave")];
    const url = await askedFor(node);
    expect(await askedFor(node)).toBe(url);
    expect(accepted(await followUp(node, url), registerResponse).AuthURL).toBe(url);
    refused(await node.poll(), "unknown_node");
    const { json } = await admin("GET", "/api/v2/logins");
    expect(json["logins"]).toContainEqual(
      expect.objectContaining({ id: idOf(url), hostname: "dave", nodeKey: node.nodeKey, tailnet: "" }),
    );
    for (let i = 0; i < 2; i++) expect((await settle(tailnet, url, "approve")).status).toBe(200);
    const answer = accepted(await followUp(node, url), registerResponse);
    expect([answer.AuthURL, answer.MachineAuthorized]).toEqual(["", true]);
    expect((await node.map()).Node?.Key).toBe(node.nodeKey);
    expect((await admin("GET", "/api/v2/logins")).json["logins"]).not.toContainEqual(
      expect.objectContaining({ id: idOf(url) }),
    );
    // A lost answer is normal.
    expect(accepted(await followUp(node, url), registerResponse).MachineAuthorized).toBe(true);
  });

  test("that waits is answered as soon as it is approved", async () => {
    const [tailnet, node] = [await makeTailnet(), new TestNode("dave")];
    const url = await askedFor(node);
    await inItForThisTest(logins(), (object) => object, { holdMs: 600_000 });
    const waiting = node.register("", { Auth: null, Followup: url });
    await new Promise((resolve) => setTimeout(resolve, 100));
    await settle(tailnet, url, "approve");
    expect(accepted(await waiting, registerResponse).MachineAuthorized).toBe(true);
  });

  test("is told where an admin says no, and stays out", async () => {
    const [tailnet, node] = [await makeTailnet(), new TestNode("dave")];
    const url = await askedFor(node);
    expect((await settle(tailnet, url, "deny")).status).toBe(200);
    expect(accepted(await followUp(node, url), registerResponse).Error).toContain("did not let");
    refused(await node.poll(), "unknown_node");
    refused(await settle(tailnet, url, "approve"), "unknown_login");
  });

  test("cannot come in by another's approval, nor by one that was for another key [G11]", async () => {
    const [tailnet, node, eve] = [await makeTailnet(), new TestNode("dave"), new TestNode("eve")];
    const url = await askedFor(node);
    await settle(tailnet, url, "approve");
    const stolen = accepted(await followUp(eve, url), registerResponse);
    expect(stolen.AuthURL).not.toBe("");
    expect(stolen.AuthURL).not.toBe(url);
    refused(await eve.poll(), "unknown_node");
    const key = node.nodeKey;
    node.nodeKey = new TestNode("").nodeKey;
    expect(accepted(await followUp(node, url), registerResponse).AuthURL).not.toBe("");
    node.nodeKey = key;
    expect(accepted(await followUp(node, url), registerResponse).AuthURL).toBe("");
  });

  test("is not let in by an approval whose answer was lost, once an admin has said no after all [G11]", async () => {
    const [tailnet, node] = [await makeTailnet(), new TestNode("dave")];
    const url = await askedFor(node);
    const login = await logins().login(idOf(url));
    if (login === null) throw new Error("no login");
    expect(await authorityOf(tailnet).settleLogin(BY_TEST, login, "approved")).toEqual({ ok: true, value: null });
    expect((await settle(tailnet, url, "deny")).status).toBe(200);
    const named = formatAuthKey({ tailnet, keyId: "k0000000000", secret: "0".repeat(32) });
    refused(await node.register(named), "bad_auth_key");
  });

  test("may still come in by an auth key while it waits", async () => {
    const [tailnet, node] = [await makeTailnet(), new TestNode("dave")];
    await askedFor(node);
    expect(accepted(await node.register(await makeAuthKey(tailnet)), registerResponse).AuthURL).toBe("");
  });

  test("asks anew once its login has expired; an approval that nobody took has expired too", async () => {
    const [tailnet, node] = [await makeTailnet(), new TestNode("dave")];
    const url = await askedFor(node);
    await settle(tailnet, url, "approve");
    await later(LOGIN_MS + 1, async () => {
      const again = accepted(await followUp(node, url), registerResponse).AuthURL;
      expect(again).not.toBe("");
      expect(again).not.toBe(url);
      refused(await settle(tailnet, url, "approve"), "unknown_login");
    });
  });

  test("whose followup leads nowhere is told where anew", async () => {
    const node = new TestNode("dave");
    for (const Followup of ["x", `${ORIGIN}/login/`, `${ORIGIN}/login/${"a".repeat(24)}`, "https://evil.test/login/x"])
      expect(accepted(await followUp(node, Followup), registerResponse).AuthURL).toMatch(/\/login\/\w{24}$/);
  });

  test("may not ask for more than a few at a time, and all together not without end [G13]", async () => {
    const node = new TestNode("flood");
    for (let i = 0; i < MAX_LOGINS_OF_MACHINE; i++) {
      node.nodeKey = new TestNode("").nodeKey;
      await askedFor(node);
    }
    node.nodeKey = new TestNode("").nodeKey;
    const answer = await node.register("", { Auth: null });
    refused(answer, "too_many_requests");
    expect(answer.status).toBe(429);
    // All tests' logins are there.
    onTestFinished(() => runInDurableObject(logins(), (_, { storage }) => void storage.sql.exec("DELETE FROM logins")));
    await runInDurableObject(logins(), (_, { storage }) => {
      for (let i = 0; i < MAX_LOGINS; i++)
        storage.sql.exec(
          "INSERT INTO logins VALUES (?, ?, ?, '', '', 0, ?, 'waiting', NULL, '[]')",
          `flood${i}`,
          `mkey:${i}`,
          `nodekey:${i}`,
          Date.now() + LOGIN_MS,
        );
    });
    refused(await new TestNode("late").register("", { Auth: null }), "too_many_requests");
    // One that was let in before is not kept out by strangers.
    const [member, tailnet] = [new TestNode("member"), await makeTailnet()];
    await join(tailnet, member);
    await authorityOf(tailnet).changeDevice(BY_TEST, await stableIdOf(member), { kind: "expire" });
    const OldNodeKey = member.nodeKey;
    member.nodeKey = new TestNode("").nodeKey;
    await askedFor(member, { OldNodeKey });
    await later(LOGIN_MS + 1, () => askedFor(new TestNode("later")));
  });

  test("has a page that names no node and no secret", async () => {
    const node = new TestNode("<script>");
    const url = await askedFor(node);
    const page = await fetchWorker(new Request(url));
    expect([page.status, page.headers.get("content-type")]).toEqual([200, expect.stringContaining("text/html")]);
    const text = await (await exports.default.fetch(new Request(url))).text();
    expect(text).toContain("login approve");
    expect(text).not.toContain(node.nodeKey);
    expect(text).not.toMatch(/<script/);
    expect((await fetchWorker(new Request(`${ORIGIN}/login/${"b".repeat(24)}`))).status).toBe(404);
  });
});
