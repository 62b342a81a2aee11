/** People sign in by a real OpenID provider, at pages that are theirs [H32] to [H38]. */

import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { app } from "../../../src/worker/app.ts";
import { Browser } from "../../support/workerd/browser.ts";
import { addPerson, setRole } from "../../support/workerd/people.ts";
import { ORIGIN } from "../../support/workerd/signed-request.ts";
import {
  COOKIE,
  HOST,
  eventsOf,
  isSignedIn,
  newLogin,
  secretOf,
  suspend,
  tailnetWith,
  tailnetsOf,
} from "../../support/workerd/signing-in.ts";

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

  test("is not by an address that only looks like somebody's once its letters are small [H33]", async () => {
    const { tailnet, login } = await tailnetWith();
    await addPerson(tailnet, `mike.${login}`, "admin");
    const kelvin = await new Browser().signIn(`mi\u212ae.${login}`);
    expect([kelvin.status, kelvin.text.includes("signed in as")]).toEqual([403, false]);
    expect(isSignedIn(await new Browser().signIn(`MiKe.${login}`), `mike.${login}`)).toBe(true);
  });

  test.each([
    ["that nobody has verified", () => `unverified${newLogin()}`, "has verified"],
    ["of which the provider does not say", () => `unsaid${newLogin()}`, "has verified"],
    ["of an account with a name without end", () => `${"s".repeat(256)}/${newLogin()}`, "longer name"],
    ["that the provider does not tell", () => `${newLogin()}/none`, "which e-mail address"],
  ])("does not take an address %s [H33]", async (_, loginOf, words) => {
    const { tailnet } = await tailnetWith();
    const login = loginOf();
    await addPerson(tailnet, login.replace(/^s+\/|\/none$/, ""), "member");
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
    // That the provider takes its code once is not all that this rests on.
    expect(browser.cookies(HOST).get("__Host-tailward-sign-in") ?? "").toBe("");
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

describe("attempts to sign in", () => {
  test("are so many a minute for one address, and no more [H8]", async () => {
    const browser = new Browser();
    const statuses = new Set<number>();
    // A minute may end in between, and no second one.
    for (let i = 0; i < 121; i++)
      statuses.add((await browser.api("POST", "/sign-in/link", { secret: "00".padEnd(45, "A") })).status);
    expect([...statuses]).toEqual([403, 429]);
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
