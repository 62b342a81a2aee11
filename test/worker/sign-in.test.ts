/** People sign in, by a real OpenID provider and by one-time links, and out again [H30] to [H36]. */

import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { app } from "../../src/worker/app.ts";
import { peopleOf } from "../../src/worker/memberships.ts";
import { Browser, type Shown } from "../support/workerd/browser.ts";
import { admin, authorityOf, dump } from "../support/workerd/control.ts";
import { eventsOf, newLogin, suspend, tailnetWith } from "../support/workerd/signing-in.ts";
import { addPerson, ownerOf, setRole } from "../support/workerd/people.ts";
import { refused } from "../support/workerd/refused.ts";
import { ORIGIN } from "../support/workerd/signed-request.ts";
import { answerOf } from "../support/workerd/test-node.ts";

const COOKIE = "__Host-tailward-session";
const HOST = new URL(ORIGIN).host;

/** The tailnets that the browser's session is of, by the admin API. */
async function tailnetsOf(browser: Browser): Promise<unknown> {
  return (await answerOf(await browser.api("GET", "/api/v2/tailward/me"))).json["tailnets"];
}

function secretOf(browser: Browser): string {
  return browser.cookies(HOST).get(COOKIE) ?? "";
}

function isSignedIn(page: Shown, login: string): boolean {
  return page.status === 200 && page.text.includes(`signed in as <strong>${login}</strong>`);
}

async function makeLink(tailnet: string, login: string | null = null): Promise<{ secret: string; url: string }> {
  const { status, json } = await admin("POST", `/api/v2/tailnet/${tailnet}/sign-in-links`, { login });
  if (status !== 200) throw new Error(JSON.stringify(json));
  const url = String(json["url"]);
  return { url, secret: new URL(url).hash.slice(1) };
}

describe("signing in by an OpenID provider", () => {
  test("makes a person the user who has their address, for as long as they are one [H32]", async () => {
    const { tailnet, login, user } = await tailnetWith("auditor");
    const browser = new Browser();
    expect(isSignedIn(await browser.signIn(login.toUpperCase()), login)).toBe(true);
    expect(await tailnetsOf(browser)).toEqual([
      expect.objectContaining({ id: tailnet, userId: user, role: "auditor" }),
    ]);
    await setRole({ id: user }, "admin");
    expect(await tailnetsOf(browser)).toEqual([expect.objectContaining({ role: "admin" })]);
    await suspend(user);
    expect((await browser.api("GET", "/api/v2/tailward/me")).status).toBe(401);
    expect((await browser.go("/sign-in")).text).not.toContain(login);
  });

  test("goes back to where it was begun, and to no other origin", async () => {
    const { login } = await tailnetWith();
    expect((await new Browser().signIn(login, "/admin")).url.href).toBe(`${ORIGIN}/admin`);
    for (const back of ["//evil.test/", "https://evil.test/", "/\\evil.test", "javascript:1", "", "/a\tb"])
      expect((await new Browser().signIn(login, back)).url.href).toBe(`${ORIGIN}/sign-in`);
  });

  test("is for the cookie that no script and no other site has, and never the same twice", async () => {
    const { login } = await tailnetWith();
    const browser = new Browser();
    const start = await browser.go("/sign-in/oidc");
    const lines: string[] = [];
    const keep = browser.ask.bind(browser);
    browser.ask = async (url, sent) => {
      const response = await keep(url, sent);
      if (url.origin === ORIGIN) lines.push(...response.headers.getSetCookie());
      return response;
    };
    await browser.signInAt(start, login);
    const line = lines.find((each) => each.startsWith(COOKIE)) ?? "";
    for (const word of ["HttpOnly", "Secure", "SameSite=Lax", "Path=/", "Max-Age=604800"]) expect(line).toContain(word);
    expect(line).not.toContain("Domain");
    const before = secretOf(browser);
    await browser.signIn(login);
    expect(secretOf(browser)).not.toBe(before);
    const stolen = new Browser();
    stolen.cookies(HOST).set(COOKIE, before);
    expect((await stolen.api("GET", "/api/v2/tailward/me")).status).toBe(401);
  });

  test("binds a user to the account that came first [H33]", async () => {
    const { login } = await tailnetWith();
    expect(isSignedIn(await new Browser().signIn(login), login)).toBe(true);
    const other = await new Browser().signIn(`other/${login}`);
    expect(other.status).toBe(403);
    expect(other.text).toContain("ask an admin");
    expect(isSignedIn(await new Browser().signIn(login), login)).toBe(true);
  });

  test.each([
    ["that nobody has verified", () => `unverified${newLogin()}`, "has verified"],
    ["of which the provider does not say", () => `unsaid${newLogin()}`, "has verified"],
    ["that the provider does not tell", () => `${newLogin()}/none`, "which e-mail address"],
  ])("does not take an address %s [H33]", async (_, loginOf, words) => {
    const { tailnet } = await tailnetWith();
    const login = loginOf();
    await addPerson(tailnet, login.replace("/none", ""), "member");
    const browser = new Browser();
    const page = await browser.signIn(login);
    expect([page.status, page.text.includes(words), secretOf(browser)]).toEqual([403, true, ""]);
  });

  test("takes the operator's word that the provider verifies all, but not against its own", async () => {
    const { tailnet } = await tailnetWith();
    const worker = (request: Request): Response | Promise<Response> =>
      app.fetch(request, { ...env, OIDC_VERIFIES_EMAIL: "always" });
    for (const [login, status] of [
      [`unsaid${newLogin()}`, 200],
      [`unverified${newLogin()}`, 403],
    ] as const) {
      await addPerson(tailnet, login, "member");
      expect([login, (await new Browser(worker).signIn(login)).status]).toEqual([login, status]);
    }
  });

  test("lets nobody in who is no user, or a suspended one, and says so", async () => {
    const { login, user } = await tailnetWith();
    await suspend(user);
    for (const stranger of [login, newLogin()]) {
      const browser = new Browser();
      const page = await browser.signIn(stranger);
      expect([page.status, page.text.includes(stranger), secretOf(browser)]).toEqual([403, true, ""]);
    }
  });

  test("that is refused to somebody known is on the record [P52]", async () => {
    const { tailnet, login, user } = await tailnetWith();
    await new Browser().signIn(login);
    await new Browser().signIn(`other/${login}`);
    await suspend(user);
    await new Browser().signIn(login);
    const events = await eventsOf(tailnet, "attempt.refused");
    expect(events.map(({ actor }) => JSON.parse(actor) as unknown)).toEqual([
      expect.objectContaining({ type: "AUTOMATED_WORKER" }),
      expect.objectContaining({ type: "USER", id: user }),
    ]);
    for (const event of events) expect(event.new).toContain(login);
  });

  test("is on the record of each tailnet, with whom the provider means", async () => {
    const { tailnet, login, user } = await tailnetWith();
    await new Browser().signIn(login);
    const [event] = await eventsOf(tailnet, "person.signed_in");
    expect(event?.origin).toBe("ADMIN_CONSOLE");
    expect(JSON.parse(event?.actor ?? "")).toMatchObject({ type: "USER", id: user });
    expect(JSON.parse(event?.new ?? "")).toEqual({ issuer: "https://id.test", subject: login });
  });
});

describe("coming back from the provider [H36]", () => {
  /** Goes through the provider, and stops before coming back. */
  async function almostThere(login: string): Promise<{ browser: Browser; back: URL }> {
    const browser = new Browser();
    const backs: URL[] = [];
    const ask = browser.ask.bind(browser);
    browser.ask = (url, sent) => {
      if (url.pathname !== "/sign-in/callback" || backs.length > 0) return ask(url, sent);
      backs.push(url);
      return Promise.resolve(new Response("stopped"));
    };
    await browser.signIn(login);
    const [back] = backs;
    if (back === undefined) throw new Error("never came back");
    return { browser, back };
  }

  test("works once, in the browser that went, and there alone", async () => {
    const { login } = await tailnetWith();
    const { browser, back } = await almostThere(login);
    expect((await new Browser().go(back)).status).toBe(403);
    expect(isSignedIn(await browser.go(back), login)).toBe(true);
    expect((await browser.go(back)).status).toBe(403);
  });

  test.each([
    ["state", "state"],
    ["nonce", "nonce"],
    ["verifier", "verifier"],
  ])("with another %s does not", async (_, field) => {
    const { login } = await tailnetWith();
    const { browser, back } = await almostThere(login);
    const name = "__Host-tailward-sign-in";
    const journey = JSON.parse(decodeURIComponent(browser.cookies(HOST).get(name) ?? "")) as Record<string, string>;
    const forged = { ...journey, [field]: "A".repeat(43) };
    browser.cookies(HOST).set(name, encodeURIComponent(JSON.stringify(forged)));
    const page = await browser.go(back);
    expect([page.status, secretOf(browser)]).toEqual([403, ""]);
  });

  test("with the provider's refusal, or with nothing, says so", async () => {
    for (const query of ["?error=access_denied", "", "?code=x", "?code=x&state=y"]) {
      const browser = new Browser();
      await browser.go("/sign-in/oidc");
      expect((await browser.go(`/sign-in/callback${query}`)).status).toBe(403);
    }
  });

  test("counts only what is signed by the provider's own keys", async () => {
    const { login } = await tailnetWith();
    const worker = (request: Request): Response | Promise<Response> =>
      app.fetch(request, { ...env, OIDC_ISSUER: "https://forged.id.test" });
    const page = await new Browser(worker).signIn(login);
    expect([page.status, page.text.includes("did not sign you in")]).toEqual([403, true]);
  });
});

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

  test("is nothing with a token beside it that is not good", async () => {
    const { login } = await tailnetWith("owner");
    const browser = new Browser();
    await browser.signIn(login);
    const headers = { authorization: "Bearer wrong", origin: ORIGIN };
    const answer = await answerOf(await browser.ask(new URL("/api/v2/tailward/me", ORIGIN), { headers }));
    refused(answer, "unauthenticated");
  });
});

describe("attempts to sign in", () => {
  test("are so many a minute for one address, and no more [H8]", async () => {
    const browser = new Browser();
    const statuses: number[] = [];
    for (let i = 0; i < 61; i++)
      statuses.push((await browser.api("POST", "/sign-in/link", { secret: "00".padEnd(45, "A") })).status);
    expect(statuses.slice(0, 60).every((status) => status === 403)).toBe(true);
    expect(statuses.at(-1)).toBe(429);
  });
});

describe("what is stored of a session", () => {
  test("is no secret by which anybody could act [H30][H31]", async () => {
    const { tailnet, login } = await tailnetWith();
    const browser = new Browser();
    await browser.signIn(login);
    const { secret } = await makeLink(tailnet, login);
    const objects = [peopleOf(env, login), authorityOf(tailnet)];
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
});

describe("the pages", () => {
  test("run no script but their own, are framed by nobody, and kept by nobody [H38]", async () => {
    const { headers, text } = await new Browser().go("/");
    const policy = headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain("unsafe");
    expect(headers.get("cache-control")).toBe("no-store");
    const script = /<script>([^]*?)<\/script>/.exec(text)?.[1] ?? "";
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(script)));
    expect(policy).toContain(`'sha256-${btoa(String.fromCharCode(...digest))}'`);
  });

  test("offer no provider where there is none, or where others could read along [H35]", async () => {
    const page = async (url: string, changed: object): Promise<string> =>
      (await app.request(url, {}, { ...env, ...changed })).text();
    expect(await page(`${ORIGIN}/sign-in`, {})).toContain("/sign-in/oidc");
    expect(await page(`${ORIGIN}/sign-in`, { OIDC_ISSUER: "" })).toContain("one-time link");
    expect(await page("http://control.test/sign-in", {})).not.toContain("/sign-in/oidc");
    expect(await page("http://localhost:8788/sign-in", {})).toContain("http://localhost:8788/sign-in/oidc");
    expect((await app.request("http://control.test/sign-in/oidc", {}, env)).status).toBe(403);
    expect(await page(`${ORIGIN}/sign-in/oidc`, { OIDC_ISSUER: "http://id.test" })).toContain("not well configured");
    expect(await page(`${ORIGIN}/sign-in/oidc`, { OIDC_ISSUER: "https://nobody.test" })).toContain("cannot be reached");
  });
});
