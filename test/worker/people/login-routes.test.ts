/** The page of a waiting node: a person who has signed in takes it in as their own [H37]. */

import { describe, expect, test } from "vitest";
import { registerResponse } from "../../../src/protocol/index.ts";
import { Browser } from "../../support/workerd/browser.ts";
import { admin, makeTailnet } from "../../support/workerd/control.ts";
import { eventsOf, newLogin, suspend, tailnetWith } from "../../support/workerd/signing-in.ts";
import { addPerson } from "../../support/workerd/people.ts";
import { ORIGIN } from "../../support/workerd/signed-request.ts";
import { TestNode, accepted } from "../../support/workerd/test-node.ts";

/** A node that waits, with the address that it shows. */
async function waiting(hostname: string, fields: object = {}): Promise<{ node: TestNode; path: string; url: string }> {
  const node = new TestNode(hostname);
  const url = accepted(await node.register("", { Auth: null, ...fields }), registerResponse).AuthURL;
  return { node, url, path: new URL(url).pathname };
}

/** What the node is told that follows up. */
async function followUp(node: TestNode, Followup: string, fields: object = {}) {
  return accepted(await node.register("", { Auth: null, Followup, ...fields }), registerResponse);
}

async function devicesOf(tailnet: string): Promise<Record<string, unknown>[]> {
  const { json } = await admin("GET", `/api/v2/tailnet/${tailnet}/devices`);
  return json["devices"] as Record<string, unknown>[];
}

/** As a browser sends the page's form. */
function connect(browser: Browser, path: string, tailnet: string) {
  return browser.submit(new URL(ORIGIN), path, { tailnet });
}

async function signedIn(login: string): Promise<Browser> {
  const browser = new Browser();
  await browser.signIn(login);
  return browser;
}

describe("a waiting node's page", () => {
  test("shows a stranger nothing of it, and the way to sign in and back", async () => {
    const { login } = await tailnetWith();
    const { node, path } = await waiting("shown-to-users");
    const stranger = new Browser();
    const before = await stranger.go(path);
    expect(before.text).not.toContain("shown-to-users");
    expect(before.text).not.toContain(node.nodeKey);
    const start = /href="([^"]+oidc[^"]+)"/.exec(before.text)?.[1]?.replaceAll("&amp;", "&") ?? "";
    const after = await stranger.signInAt(await stranger.go(start), login);
    expect(after.url.pathname).toBe(path);
    for (const text of ["shown-to-users", node.nodeKey, login]) expect(after.text).toContain(text);
  });

  test("lets a member take it in as their own", async () => {
    const { tailnet, login, user } = await tailnetWith("member");
    const { node, url, path } = await waiting("own");
    const done = await connect(await signedIn(login), path, tailnet);
    expect([done.status, done.text.includes("was let in")]).toEqual([200, true]);
    expect((await followUp(node, url)).MachineAuthorized).toBe(true);
    expect(await devicesOf(tailnet)).toEqual([expect.objectContaining({ hostname: "own", user: login })]);
    const [event] = await eventsOf(tailnet, "login.approved");
    expect([event?.origin, JSON.parse(event?.actor ?? "{}")]).toEqual([
      "ADMIN_CONSOLE",
      expect.objectContaining({ id: user }),
    ]);
  });

  test("is no way past device approval for a member, and is one for an admin", async () => {
    for (const [role, isIn] of [
      ["member", false],
      ["network-admin", false],
      ["it-admin", true],
    ] as const) {
      const { tailnet, login } = await tailnetWith(role);
      await admin("PATCH", `/api/v2/tailnet/${tailnet}/settings`, { devicesApprovalOn: true });
      const { node, url, path } = await waiting("asked");
      await connect(await signedIn(login), path, tailnet);
      expect([role, (await followUp(node, url)).MachineAuthorized]).toEqual([role, isIn]);
    }
  });

  test("gives the tags that the person owns, and no others [G17]", async () => {
    const { tailnet, login } = await tailnetWith("member");
    const policy = JSON.stringify({ tagOwners: { "tag:mine": [login], "tag:theirs": ["autogroup:admin"] }, acls: [] });
    expect((await admin("POST", `/api/v2/tailnet/${tailnet}/acl`, JSON.parse(policy))).status).toBe(200);
    const browser = await signedIn(login);
    for (const [tag, isIn] of [
      ["tag:mine", true],
      ["tag:theirs", false],
    ] as const) {
      const Hostinfo = { Hostname: `asks-${tag.slice(4)}`, OS: "linux", RequestTags: [tag] };
      const { node, url, path } = await waiting("x", { Hostinfo });
      expect((await browser.go(path)).text).toContain(tag);
      await connect(browser, path, tailnet);
      const answer = await node.register("", { Auth: null, Followup: url, Hostinfo });
      expect([tag, answer.status]).toEqual([tag, isIn ? 200 : 403]);
    }
    expect(await devicesOf(tailnet)).toEqual([expect.objectContaining({ tags: ["tag:mine"] })]);
  });

  test("lets in nobody's node by whoever is no user of that tailnet, or no longer one", async () => {
    const { tailnet, login, user } = await tailnetWith("member");
    const other = await makeTailnet();
    const { node, url, path } = await waiting("kept-out");
    const browser = await signedIn(login);
    for (const named of [other, "T0000000000", "x", ""]) expect((await connect(browser, path, named)).status).toBe(403);
    expect((await connect(new Browser(), path, tailnet)).status).toBe(403);
    await suspend(user);
    expect((await connect(browser, path, tailnet)).status).toBe(403);
    await suspend(user, "restore");
    const forged = await browser.go(path, {
      method: "POST",
      body: `tailnet=${tailnet}`,
      headers: { origin: "https://evil.test" },
    });
    expect(forged.status).toBe(403);
    expect([await devicesOf(tailnet), await devicesOf(other)]).toEqual([[], []]);
    await connect(browser, path, tailnet);
    expect((await followUp(node, url)).MachineAuthorized).toBe(true);
  });

  test("is nothing worth where the person is suspended before the node comes back", async () => {
    const { tailnet, login, user } = await tailnetWith("member");
    const { node, url, path } = await waiting("late");
    await connect(await signedIn(login), path, tailnet);
    await suspend(user);
    expect((await followUp(node, url)).AuthURL).not.toBe("");
    expect(await devicesOf(tailnet)).toEqual([]);
  });

  test("asks whoever is in several tailnets which one, and may be answered again", async () => {
    const one = await tailnetWith();
    const two = await makeTailnet();
    await addPerson(two, one.login, "member");
    const { node, url, path } = await waiting("where");
    const browser = await signedIn(one.login);
    const { text } = await browser.go(path);
    for (const tailnet of [one.tailnet, two]) expect(text).toContain(`type="radio" name="tailnet" value="${tailnet}"`);
    for (let i = 0; i < 2; i++) expect((await connect(browser, path, two)).text).toContain("was let in");
    expect((await followUp(node, url)).MachineAuthorized).toBe(true);
    expect([await devicesOf(one.tailnet), (await devicesOf(two)).length]).toEqual([[], 1]);
  });

  test("shows what a node says of itself as text", async () => {
    const { login } = await tailnetWith();
    const Hostinfo = { Hostname: "<script>alert(1)</script>", OS: '"><img src=x>', RequestTags: [] };
    const { path } = await waiting("x", { Hostinfo });
    const { text } = await (await signedIn(login)).go(path);
    expect(text).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
    expect(text).not.toMatch(/<script>alert|<img/);
  });

  test("that leads nowhere says so", async () => {
    const { login } = await tailnetWith();
    for (const browser of [new Browser(), await signedIn(login)])
      for (const id of ["a".repeat(24), "x", newLogin()]) expect((await browser.go(`/login/${id}`)).status).toBe(404);
  });
});
