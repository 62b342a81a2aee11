/** People come by an invite [P61][H41]: by a real OpenID provider, at the pages that are theirs. */

import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { KEY_LIMITS } from "../../../src/durable/people/key-limits.ts";
import { parseUserInvite } from "../../../src/protocol/index.ts";
import { app } from "../../../src/worker/app.ts";
import { Browser } from "../../support/workerd/browser.ts";
import { admin, authorityOf, dump, makeTailnet, sql } from "../../support/workerd/control.ts";
import { forThisTest } from "../../support/workerd/for-this-test.ts";
import { acceptAs, askInvite, invite, userOf } from "../../support/workerd/invites.ts";
import { addPerson, newPerson, setRole } from "../../support/workerd/people.ts";
import { refused } from "../../support/workerd/refused.ts";
import { ORIGIN } from "../../support/workerd/signed-request.ts";
import {
  eventsOf,
  isSignedIn,
  makeLink,
  newLogin,
  secretOf,
  suspend,
  tailnetsOf,
} from "../../support/workerd/signing-in.ts";
import { answerOf, type Answer } from "../../support/workerd/test-node.ts";

function invites(tailnet: string, body: unknown, token?: string): Promise<Answer> {
  return admin("POST", `/api/v2/tailnet/${tailnet}/user-invites`, body, token);
}

describe("an invite", () => {
  test("makes whoever signs in by it a user with its role, once [P61]", async () => {
    const [tailnet, login, browser] = [await makeTailnet(), newLogin(), new Browser()];
    const { id, text } = await invite(tailnet, { role: "auditor" });
    const shown = await askInvite(browser, "look", text);
    expect(shown.json).toMatchObject({ role: "auditor", email: "", login: "" });
    expect(isSignedIn(await acceptAs(browser, text, login), login)).toBe(true);
    const user = await userOf(tailnet, login);
    expect(user).toMatchObject({ role: "auditor", status: "active" });
    expect(await tailnetsOf(browser)).toEqual([expect.objectContaining({ id: tailnet, userId: user?.id })]);
    refused(await admin("GET", `/api/v2/user-invites/${id}`), "unknown_invite");
    const other = await acceptAs(new Browser(), text, newLogin());
    expect([other.status, other.text.includes("was used before")]).toEqual([403, true]);
    const [created] = await eventsOf(tailnet, "user.created");
    expect(JSON.parse(created?.actor ?? "")).toMatchObject({ type: "USER", id: user?.id });
    expect(JSON.parse(created?.new ?? "")).toMatchObject({ login, role: "auditor", invite: id, approved: true });
    const [accepted] = await eventsOf(tailnet, "invite.accepted");
    expect(JSON.parse(accepted?.target ?? "")).toEqual({ type: "INVITE", id, name: "" });
  });

  test("that nobody can accept as things are is made with a warning", async () => {
    const tailnet = await makeTailnet();
    const made = async (): Promise<string> => JSON.stringify((await invites(tailnet, [{}])).list);
    expect(await made()).not.toContain("warning");
    forThisTest(env, { OIDC_ISSUER: "" });
    expect(await made()).toMatch(/"warning":"[^"]*OIDC_ISSUER/);
  });

  test("is accepted again by the same person with success: the answer may have been lost [P61]", async () => {
    const [tailnet, login] = [await makeTailnet(), newLogin()];
    const { text } = await invite(tailnet);
    const browser = new Browser();
    await acceptAs(browser, text, login);
    const before = await runInDurableObject(authorityOf(tailnet), (_, state) => dump(state));
    expect((await askInvite(browser, "accept", text)).json).toEqual({ next: "/sign-in" });
    const after = await runInDurableObject(authorityOf(tailnet), (_, state) => dump(state));
    expect(after).toEqual(before);
    expect(isSignedIn(await acceptAs(new Browser(), text, login), login)).toBe(true);
  });

  test("that was accepted is no way in for another account with the same address [H33]", async () => {
    const [tailnet, login] = [await makeTailnet(), newLogin()];
    const { text } = await invite(tailnet);
    await acceptAs(new Browser(), text, login);
    const browser = new Browser();
    const page = await acceptAs(browser, text, `other/${login}`);
    expect([page.status, page.text.includes("was used before"), secretOf(browser)]).toEqual([403, true, ""]);
  });

  test("binds the user to the account that has accepted it [H33]", async () => {
    const [tailnet, login] = [await makeTailnet(), newLogin()];
    await acceptAs(new Browser(), (await invite(tailnet)).text, login);
    expect((await new Browser().signIn(`other/${login}`)).status).toBe(403);
    expect(isSignedIn(await new Browser().signIn(login), login)).toBe(true);
  });

  test("is accepted at once by whoever has signed in by the provider", async () => {
    const [first, second, login] = [await makeTailnet(), await makeTailnet(), newLogin()];
    const browser = new Browser();
    await acceptAs(browser, (await invite(first)).text, login);
    const { text } = await invite(second, { role: "admin" });
    expect((await askInvite(browser, "look", text)).json).toMatchObject({ role: "admin", login });
    expect((await askInvite(browser, "accept", text)).json).toEqual({ next: "/sign-in" });
    expect(await tailnetsOf(browser)).toHaveLength(2);
  });

  test("that names an address is for that alone, and a refused one is on the record", async () => {
    const [tailnet, login] = [await makeTailnet(), newLogin()];
    const { text } = await invite(tailnet, { email: login.toUpperCase() });
    const browser = new Browser();
    const page = await acceptAs(browser, text, newLogin());
    expect([page.status, page.text.includes("for another address"), secretOf(browser)]).toEqual([403, true, ""]);
    expect((await eventsOf(tailnet, "attempt.refused"))[0]?.new).toContain("invite.accept");
    // It is still good, for whom it is meant.
    expect(isSignedIn(await acceptAs(new Browser(), text, login), login)).toBe(true);
  });

  test("asks somebody who has signed in by another address to sign in by that which it names", async () => {
    const [tailnet, other, login] = [await makeTailnet(), await makeTailnet(), newLogin()];
    const browser = new Browser();
    await acceptAs(browser, (await invite(other)).text, newLogin());
    const { text } = await invite(tailnet, { email: login });
    expect((await askInvite(browser, "look", text)).json).toMatchObject({ email: login, login: "" });
    expect(String((await askInvite(browser, "accept", text)).json["next"])).toContain("https://id.test/");
  });

  test("is not accepted by an address that nobody has verified, nor by who is here", async () => {
    const [tailnet, login] = [await makeTailnet(), newLogin()];
    await addPerson(tailnet, login, "member");
    const { text } = await invite(tailnet, { role: "admin" });
    expect((await acceptAs(new Browser(), text, `unverified${newLogin()}`)).status).toBe(403);
    const page = await acceptAs(new Browser(), text, login);
    expect([page.status, page.text.includes("a user of this tailnet already")]).toEqual([403, true]);
    expect(await userOf(tailnet, login)).toMatchObject({ role: "member" });
    await suspend((await userOf(tailnet, login))?.id ?? "");
    expect((await acceptAs(new Browser(), text, login)).text).toContain("is suspended");
  });

  test("is not accepted by an address that is another's but for white space", async () => {
    const [tailnet, here, meant] = [await makeTailnet(), newLogin(), newLogin()];
    await addPerson(tailnet, here, "member");
    for (const [email, login] of [
      ["", here],
      [meant, meant],
    ] as const) {
      const { text } = await invite(tailnet, { email });
      const parts = parseUserInvite(text);
      if (parts === null) throw new Error("no invite");
      const proof = { kind: "oidc", login: ` ${login}`, issuer: "https://id.test", subject: login } as const;
      const outcome = await authorityOf(tailnet).acceptUserInvite(proof, parts, "g");
      expect(outcome).toMatchObject({
        ok: false,
        error: { message: expect.stringContaining("no login name") as string },
      });
    }
    expect(await userOf(tailnet, meant)).toBeUndefined();
  });

  test("that a stranger tries again and again leaves room on the record for other strangers [P52]", async () => {
    const [tailnet, login] = [await makeTailnet(), newLogin()];
    await addPerson(tailnet, login, "member");
    const authority = authorityOf(tailnet);
    const proofOf = (name: string, subject: string) =>
      ({ kind: "oidc", login: name, issuer: "https://id.test", subject }) as const;
    expect((await authority.signIn(proofOf(login, "first"), "g")).ok).toBe(true);
    const parts = parseUserInvite((await invite(tailnet, { email: newLogin() })).text);
    if (parts === null) throw new Error("no invite");
    for (let i = 0; i < 35; i++) await authority.acceptUserInvite(proofOf(newLogin(), "stranger"), parts, "g");
    const { length } = await eventsOf(tailnet, "attempt.refused");
    expect(length).toBeLessThan(35);
    await authority.signIn(proofOf(login, "another"), "g");
    expect(await eventsOf(tailnet, "attempt.refused")).toHaveLength(length + 1);
  });

  test("is as good as whoever has made it: not once their role, or they, are gone [P61]", async () => {
    const tailnet = await makeTailnet();
    const bob = await newPerson(tailnet, "bob@example.com", "admin");
    const { text } = await invite(tailnet, { role: "admin" }, bob.token);
    const { text: lesser } = await invite(tailnet, { role: "member" }, bob.token);
    // Looked at first: what is accepted later is decided then.
    const browser = new Browser();
    const { json } = await askInvite(browser, "accept", text);
    await setRole(bob, "it-admin");
    const page = await browser.signInAt(await browser.go(String(json["next"])), newLogin());
    expect([page.status, page.text.includes("may not give that role any more")]).toEqual([403, true]);
    refused(await askInvite(new Browser(), "look", text), "bad_invite");
    expect((await askInvite(new Browser(), "look", lesser)).status).toBe(200);
    await suspend(bob.id);
    refused(await askInvite(new Browser(), "look", lesser), "bad_invite");
    await suspend(bob.id, "restore");
    const login = newLogin();
    expect(isSignedIn(await acceptAs(new Browser(), lesser, login), login)).toBe(true);
  });

  test("is over after thirty days, or once it is withdrawn", async () => {
    const tailnet = await makeTailnet();
    const [late, lost] = [await invite(tailnet), await invite(tailnet)];
    await sql(tailnet, `UPDATE user_invites SET expires = 1 WHERE id = '${late.id}'`);
    for (let again = 0; again < 2; again++)
      expect((await admin("DELETE", `/api/v2/user-invites/${lost.id}`)).status).toBe(200);
    expect(await eventsOf(tailnet, "invite.withdrawn")).toHaveLength(1);
    expect((await admin("GET", `/api/v2/tailnet/${tailnet}/user-invites`)).list).toEqual([]);
    for (const { id, text } of [late, lost]) {
      refused(await askInvite(new Browser(), "look", text), "bad_invite");
      refused(await askInvite(new Browser(), "accept", text), "bad_invite");
      refused(await admin("GET", `/api/v2/user-invites/${id}`), "unknown_invite");
    }
  });

  test("whose secret is wrong looks like one that there is not, of whichever tailnet", async () => {
    const { id, text } = await invite(await makeTailnet());
    const wrong = [
      `${id}-${"0".repeat(32)}`,
      `i0000000000${id.slice(11)}-${"0".repeat(32)}`,
      `${id.slice(0, 11)}T0000000000-${"0".repeat(32)}`,
    ];
    const answers = await Promise.all(wrong.map((each) => askInvite(new Browser(), "look", each)));
    expect(new Set(answers.map(({ status, json }) => JSON.stringify([status, json]))).size).toBe(1);
    refused(answers[0] as Answer, "bad_invite");
    for (const none of ["", text.slice(0, -1), `${text}0`])
      refused(await askInvite(new Browser(), "look", none), "bad_invite");
  });

  test("has its secret in its address once, in the fragment, and of it the SHA-256 is kept [H41]", async () => {
    const tailnet = await makeTailnet();
    const { json, list } = await invites(tailnet, [{ role: "member", email: "new@example.com" }]);
    expect(json).toBeDefined();
    const [made] = list as readonly Record<string, string>[];
    const url = new URL(made?.["inviteUrl"] ?? "");
    expect([url.origin, url.pathname, url.search]).toEqual([ORIGIN, "/invite", ""]);
    expect(made).toMatchObject({ role: "member", email: "new@example.com", tailnetId: tailnet, inviterId: "" });
    expect(Date.parse(made?.["expires"] ?? "") - Date.parse(made?.["created"] ?? "")).toBe(30 * 24 * 3_600_000);
    const again = await admin("GET", `/api/v2/user-invites/${made?.["id"] ?? ""}`);
    expect([again.json["id"], again.json["inviteUrl"]]).toEqual([made?.["id"], undefined]);
    const secret = url.hash.slice(-32);
    const state = await runInDurableObject(authorityOf(tailnet), (_, object) => JSON.stringify(dump(object)));
    expect(state).not.toContain(secret);
  });
});

describe("inviting", () => {
  test("gives no role that may do more than one's own, and nobody an owner's [P53]", async () => {
    const tailnet = await makeTailnet();
    const ida = await newPerson(tailnet, "ida@example.com", "it-admin");
    refused(await invites(tailnet, [{ role: "member" }, { role: "admin" }], ida.token), "forbidden");
    expect((await admin("GET", `/api/v2/tailnet/${tailnet}/user-invites`)).list).toEqual([]);
    refused(await invites(tailnet, [{ role: "owner" }]), "malformed_request");
    const { id } = await invite(tailnet, { role: "admin" });
    refused(await admin("DELETE", `/api/v2/user-invites/${id}`, null, ida.token), "forbidden");
    expect((await invites(tailnet, [{ role: "it-admin" }], ida.token)).list).toEqual([
      expect.objectContaining({ inviterId: ida.id }),
    ]);
  });

  test("refuses who is here, what is no address, and none at all", async () => {
    const tailnet = await makeTailnet();
    await addPerson(tailnet, "bob@example.com", "member");
    refused(await invites(tailnet, [{ email: "Bob@example.com" }]), "name_taken");
    for (const body of [[{ email: "bob" }], [], {}, [{ role: "king" }]])
      refused(await invites(tailnet, body), "malformed_request");
  });

  test("sends no mail, and says so", async () => {
    const { id } = await invite(await makeTailnet(), { email: newLogin() });
    const answer = await admin("POST", `/api/v2/user-invites/${id}/resend`, {});
    refused(answer, "not_supported");
    expect(answer.json["message"]).toContain("no mail is sent");
  });

  test("has an end: so many invites are open, and no more [P59]", async () => {
    const tailnet = await makeTailnet();
    forThisTest(KEY_LIMITS, { userInvites: 2, spent: 1 });
    refused(await invites(tailnet, [{}, {}, {}]), "too_many_invites");
    const [first, second] = [await invite(tailnet), await invite(tailnet)];
    refused(await invites(tailnet, [{}]), "too_many_invites");
    for (const { id } of [first, second]) await admin("DELETE", `/api/v2/user-invites/${id}`);
    expect((await invites(tailnet, [{}])).status).toBe(200);
    // Of those that are good no more, some are kept.
    const { user_invites: kept } = await runInDurableObject(authorityOf(tailnet), (_, state) => dump(state));
    expect(kept).toHaveLength(2);
  });

  test("brings no more people than a tailnet has [P59]", async () => {
    const tailnet = await makeTailnet();
    const { id, text } = await invite(tailnet);
    forThisTest(KEY_LIMITS, { users: 1 });
    const page = await acceptAs(new Browser(), text, newLogin());
    expect([page.status, page.text.includes("people at most")]).toEqual([403, true]);
    expect((await admin("GET", `/api/v2/user-invites/${id}`)).status).toBe(200);
  });
});

describe("the pages of an invite", () => {
  test("say that it cannot be accepted where there is no provider [H41]", async () => {
    const page = async (url: string, changed: object): Promise<string> =>
      (await app.request(url, {}, { ...env, ...changed })).text();
    expect(await page(`${ORIGIN}/invite`, {})).toContain(`<button id="accept">`);
    for (const none of [
      await page(`${ORIGIN}/invite`, { OIDC_ISSUER: "" }),
      await page("http://control.test/invite", {}),
    ]) {
      expect(none).toContain("cannot be accepted here");
      expect(none).not.toContain(`<button id="accept">`);
    }
    const { text } = await invite(await makeTailnet());
    const worker = (request: Request): Response | Promise<Response> => app.fetch(request, { ...env, OIDC_ISSUER: "" });
    const answer = await askInvite(new Browser(worker), "accept", text);
    refused(answer, "forbidden");
    expect(answer.json["message"]).toContain("no OpenID provider");
  });

  test("take nobody who has signed in by a one-time link [H41]", async () => {
    const [home, tailnet, login] = [await makeTailnet(), await makeTailnet(), newLogin()];
    await addPerson(home, login, "member");
    const browser = new Browser();
    await browser.api("POST", "/sign-in/link", { secret: (await makeLink(home, login)).secret });
    const { text } = await invite(tailnet);
    expect((await askInvite(browser, "look", text)).json["login"]).toBe("");
    expect(String((await askInvite(browser, "accept", text)).json["next"])).toContain("https://id.test/");
  });

  test("are asked so often a minute from one address, and no more [H8]", async () => {
    const browser = new Browser();
    const statuses = new Set<number>();
    // A minute may end in between, and no second one.
    for (let i = 0; i < 121; i++) statuses.add((await askInvite(browser, "look", "none")).status);
    expect([...statuses]).toEqual([403, 429]);
  });

  test("are asked by pages of this origin alone [H34]", async () => {
    const { text } = await invite(await makeTailnet());
    const headers = { origin: "https://evil.test", "sec-fetch-site": "cross-site", "content-type": "application/json" };
    for (const what of ["look", "accept"]) {
      const sent = { method: "POST", headers, body: JSON.stringify({ invite: text }) } as const;
      refused(await answerOf(await new Browser().ask(new URL(`/invite/${what}`, ORIGIN), sent)), "forbidden");
    }
  });
});
