/** One-time links [H31], and what a session does and does not [H30][H34]. */

import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { peopleBucket, peopleBucketNumber } from "../../../src/durable/index.ts";
import { peopleOf } from "../../../src/worker/people/memberships.ts";
import { Browser } from "../../support/workerd/browser.ts";
import { admin, authorityOf, dump } from "../../support/workerd/control.ts";
import { addPerson, ownerOf } from "../../support/workerd/people.ts";
import { refused } from "../../support/workerd/refused.ts";
import { ORIGIN } from "../../support/workerd/signed-request.ts";
import {
  COOKIE,
  HOST,
  eventsOf,
  makeLink,
  newLogin,
  secretOf,
  suspend,
  tailnetWith,
  tailnetsOf,
} from "../../support/workerd/signing-in.ts";
import { answerOf } from "../../support/workerd/test-node.ts";

describe("signing in by a one-time link [H31]", () => {
  async function follow(browser: Browser, secret: string): Promise<Response> {
    return browser.api("POST", "/sign-in/link", { secret });
  }

  test("makes a browser its user, once; the secret stands in the fragment alone", async () => {
    const { tailnet } = await tailnetWith();
    const { url, secret } = await makeLink(tailnet);
    expect(url).toBe(`${ORIGIN}/sign-in#${secret}`);
    const [browser, second] = [new Browser(), new Browser()];
    expect((await follow(browser, secret)).status).toBe(200);
    expect(await tailnetsOf(browser)).toEqual([
      expect.objectContaining({ id: tailnet, userId: await ownerOf(tailnet), role: "owner" }),
    ]);
    refused(await answerOf(await follow(second, secret)), "forbidden");
    expect((await second.api("GET", "/api/v2/tailward/me")).status).toBe(401);
  });

  test("is for one tailnet, whatever others have a user of that login", async () => {
    const { tailnet, login } = await tailnetWith();
    const other = await tailnetWith();
    await addPerson(other.tailnet, login, "owner");
    const browser = new Browser();
    await follow(browser, (await makeLink(tailnet, login)).secret);
    expect(await tailnetsOf(browser)).toEqual([expect.objectContaining({ id: tailnet, role: "member" })]);
    expect((await browser.api("GET", `/api/v2/tailnet/${other.tailnet}/devices`)).status).toBe(404);
  });

  test("is the operator's to make, for users who are there", async () => {
    const { tailnet, login, user } = await tailnetWith("owner");
    const browser = new Browser();
    await browser.signIn(login);
    const path = `/api/v2/tailnet/${tailnet}/sign-in-links`;
    expect((await browser.api("POST", path, {})).status).toBe(403);
    refused(await admin("POST", path, { login: newLogin() }), "unknown_user");
    const { secret } = await makeLink(tailnet, login);
    await suspend(user);
    refused(await admin("POST", path, { login }), "forbidden");
    refused(await answerOf(await follow(new Browser(), secret)), "forbidden");
  });

  test("is on the record, without its secret", async () => {
    const { tailnet, login, user } = await tailnetWith();
    const { secret } = await makeLink(tailnet, login);
    await follow(new Browser(), secret);
    const page = await authorityOf(tailnet).recordPage("events", 0, 100);
    const text = JSON.stringify(page);
    expect(text).toContain("person.link_made");
    expect(text).toContain("person.signed_in");
    expect(text).toContain(user);
    expect(text).not.toContain(secret.slice(2));
  });

  test.each(["", "x", "99".padEnd(45, "A"), "00".padEnd(45, "A"), "00".padEnd(46, "A")])(
    "takes no secret %j",
    async (secret) => {
      refused(await answerOf(await follow(new Browser(), secret)), "forbidden");
    },
  );
});

describe("what a session changes", () => {
  test.each([
    ["another origin", { origin: "https://evil.test", "sec-fetch-site": "cross-site" }],
    ["another origin of the same site", { origin: "https://evil.control.test", "sec-fetch-site": "same-site" }],
    ["an origin that says so of itself alone", { origin: ORIGIN, "sec-fetch-site": "cross-site" }],
    ["no origin", {}],
    ["an origin that is none", { origin: "null" }],
  ])("is not asked for by %s [H34]", async (_, headers) => {
    const { tailnet, login } = await tailnetWith("owner");
    const browser = new Browser();
    await browser.signIn(login);
    const send = (path: string, body: string): Promise<Response> =>
      browser.ask(new URL(path, ORIGIN), {
        method: "POST",
        headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
        body,
      });
    expect((await send("/sign-out", "")).status).toBe(403);
    refused(await answerOf(await send(`/api/v2/tailnet/${tailnet}/keys`, "{}")), "unauthenticated");
    refused(
      await answerOf(await send("/sign-in/link", JSON.stringify({ secret: (await makeLink(tailnet)).secret }))),
      "forbidden",
    );
    expect(await tailnetsOf(browser)).toHaveLength(1);
  });

  test("is on the record as the person's", async () => {
    const { tailnet, login, user } = await tailnetWith("owner");
    const browser = new Browser();
    await browser.signIn(login);
    const body = { capabilities: { devices: { create: { reusable: false, ephemeral: false, preauthorized: false } } } };
    expect((await browser.api("POST", "/api/v2/tailnet/-/keys", body)).status).toBe(200);
    const [event] = await eventsOf(tailnet, "authkey.created");
    expect([event?.origin, JSON.parse(event?.actor ?? "{}")]).toEqual([
      "ADMIN_CONSOLE",
      expect.objectContaining({ type: "USER", id: user, login }),
    ]);
  });

  test("and may not, is on the record too [P52]", async () => {
    const { tailnet, login, user } = await tailnetWith("member");
    const browser = new Browser();
    await browser.signIn(login);
    refused(await answerOf(await browser.api("POST", `/api/v2/tailnet/${tailnet}/sign-in-links`, {})), "forbidden");
    const [event] = await eventsOf(tailnet, "attempt.refused");
    expect([event?.origin, event?.target, JSON.parse(event?.actor ?? "{}")]).toEqual([
      "ADMIN_CONSOLE",
      expect.stringContaining("sign_in_link.create"),
      expect.objectContaining({ type: "USER", id: user }),
    ]);
  });

  test("is of tailnets that the person is a user of, by ID, by name, and by - where there is one alone", async () => {
    const { tailnet, login } = await tailnetWith("admin");
    const other = await tailnetWith();
    const browser = new Browser();
    await browser.signIn(login);
    const ask = async (named: string): Promise<number> =>
      (await browser.api("GET", `/api/v2/tailnet/${named}/devices`)).status;
    const nameOf = async (id: string): Promise<string> =>
      String((await admin("GET", `/api/v2/tailnet/${id}`)).json["name"]);
    for (const named of [tailnet, await nameOf(tailnet), "-"]) expect(await ask(named)).toBe(200);
    for (const named of [other.tailnet, await nameOf(other.tailnet), "T0000000000", "no.such"])
      expect(await ask(named)).toBe(404);
    await addPerson(other.tailnet, login, "member");
    await browser.signIn(login);
    expect([await ask("-"), await ask(other.tailnet), await ask(tailnet)]).toEqual([404, 403, 200]);
  });

  test("is read by no page of another origin [H34]", async () => {
    const { login } = await tailnetWith("owner");
    const browser = new Browser();
    await browser.signIn(login);
    for (const site of ["cross-site", "same-site"]) {
      const headers = { "sec-fetch-site": site };
      refused(
        await answerOf(await browser.ask(new URL("/api/v2/tailward/me", ORIGIN), { headers })),
        "unauthenticated",
      );
    }
    expect(await tailnetsOf(browser)).toHaveLength(1);
  });

  test("is nothing with a token beside it that is not good", async () => {
    const { login } = await tailnetWith("owner");
    const browser = new Browser();
    await browser.signIn(login);
    const headers = { authorization: "Bearer wrong", origin: ORIGIN };
    const answer = await answerOf(await browser.ask(new URL("/api/v2/tailward/me", ORIGIN), { headers }));
    refused(answer, "unauthenticated");
  });
});

describe("a user who is removed", () => {
  test("is nobody in sessions that there are, is looked for nowhere, and comes back as another", async () => {
    const { tailnet, login, user } = await tailnetWith("admin");
    const browser = new Browser();
    await browser.signIn(login);
    expect(await peopleOf(env, login).tailnetsOf(login)).toEqual([tailnet]);
    expect((await admin("POST", `/api/v2/users/${user}/delete`, {})).status).toBe(200);
    expect((await browser.api("GET", "/api/v2/tailward/me")).status).toBe(401);
    expect(await peopleOf(env, login).tailnetsOf(login)).toEqual([]);
    // Whoever has the address now is not signed in by what was proven before.
    const again = await addPerson(tailnet, login, "member");
    expect((await browser.api("GET", "/api/v2/tailward/me")).status).toBe(401);
    await browser.signIn(`other/${login}`);
    expect(await tailnetsOf(browser)).toEqual([expect.objectContaining({ userId: again, role: "member" })]);
  });
});

describe("what is stored of a session", () => {
  test("is no secret by which anybody could act [H30][H31]", async () => {
    const { tailnet, login } = await tailnetWith();
    const browser = new Browser();
    await browser.signIn(login);
    const { secret } = await makeLink(tailnet, login);
    const bucket = env.DIRECTORY.idFromName(peopleBucket(peopleBucketNumber(login)));
    const objects = [env.DIRECTORY.get(bucket), authorityOf(tailnet)];
    const stored = await Promise.all(
      objects.map((object) => runInDurableObject(object, (_: unknown, state) => JSON.stringify(dump(state)))),
    );
    const text = stored.join("\n");
    expect(text).toContain(login);
    for (const each of [secret, secretOf(browser)]) {
      expect(each).toMatch(/^\d{2}[\w-]{43}$/);
      expect(text).not.toContain(each.slice(2));
    }
  });
});

describe("signing out", () => {
  test("ends this session, or all of the person's", async () => {
    const { login } = await tailnetWith();
    const [one, two, three] = [new Browser(), new Browser(), new Browser()];
    for (const browser of [one, two, three]) await browser.signIn(login);
    const stolen = secretOf(one);
    expect((await one.submit(new URL(ORIGIN), "/sign-out", {})).text).toContain("signed out");
    expect(secretOf(one)).toBe("");
    one.cookies(HOST).set(COOKIE, stolen);
    const status = async (browser: Browser): Promise<number> =>
      (await browser.api("GET", "/api/v2/tailward/me")).status;
    expect([await status(one), await status(two), await status(three)]).toEqual([401, 200, 200]);
    await two.submit(new URL(ORIGIN), "/sign-out", { everywhere: "1" });
    expect(await status(three)).toBe(401);
  });

  test("by what is called a form and is none ends this session", async () => {
    const { login } = await tailnetWith();
    const browser = new Browser();
    await browser.signIn(login);
    const headers = { origin: ORIGIN, "content-type": "multipart/form-data" };
    const answer = await browser.ask(new URL("/sign-out", ORIGIN), { method: "POST", headers, body: "no form" });
    expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining("signed out")]);
    expect((await browser.api("GET", "/api/v2/tailward/me")).status).toBe(401);
  });
});
