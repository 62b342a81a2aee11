/** Who comes by an invite waits for approval where that is on, and is nobody until then [P62]: by a real OpenID provider, and with real nodes. */

import { describe, expect, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { Browser } from "../../support/workerd/browser.ts";
import { admin, makeAuthKey, makeTailnet, sql } from "../../support/workerd/control.ts";
import { acceptAs, askInvite, invite, userOf } from "../../support/workerd/invites.ts";
import { addPerson, joinAs, makeToken, newPerson, ownerOf } from "../../support/workerd/people.ts";
import { refused } from "../../support/workerd/refused.ts";
import { eventsOf, isSignedIn, newLogin, secretOf, tailnetsOf } from "../../support/workerd/signing-in.ts";
import { TestNode } from "../../support/workerd/test-node.ts";
import { makeHook, typesHeard } from "../../support/workerd/webhooks.ts";

async function withApproval(): Promise<string> {
  const tailnet = await makeTailnet();
  const { json } = await admin("PATCH", `/api/v2/tailnet/${tailnet}/settings`, { usersApprovalOn: true });
  expect(json["usersApprovalOn"]).toBe(true);
  return tailnet;
}

describe("user approval", () => {
  test("has who comes by an invite wait, and be nobody until then [P62]", async () => {
    const [tailnet, login, browser] = [await withApproval(), newLogin(), new Browser()];
    const hook = await makeHook(tailnet, ["userCreated", "userNeedsApproval", "userApproved"]);
    const page = await acceptAs(browser, (await invite(tailnet, { role: "admin" })).text, login);
    expect([page.url.pathname, secretOf(browser)]).toEqual(["/invite/accepted", ""]);
    expect(page.text).toContain("You wait for approval");
    const user = await userOf(tailnet, login);
    expect(user).toMatchObject({ role: "admin", status: "needs-approval" });
    // To accept an invite is no attempt to sign in that was refused.
    expect(await eventsOf(tailnet, "attempt.refused")).toEqual([]);
    const again = await new Browser().signIn(login);
    expect([again.status, again.text.includes("waits to be approved")]).toEqual([403, true]);
    refused(await admin("POST", `/api/v2/tailnet/${tailnet}/sign-in-links`, { login }), "forbidden");
    const token = await makeToken(tailnet, user?.id ?? "");
    refused(await admin("GET", `/api/v2/tailnet/${tailnet}/users`, null, token), "unauthenticated");
    expect((await admin("POST", `/api/v2/users/${user?.id ?? ""}/approve`, {})).status).toBe(200);
    expect((await userOf(tailnet, login))?.status).toBe("active");
    expect((await admin("GET", `/api/v2/tailnet/${tailnet}/users`, null, token)).status).toBe(200);
    expect(isSignedIn(await new Browser().signIn(login), login)).toBe(true);
    await eventually(async () =>
      expect((await typesHeard(hook)).sort()).toEqual(["userApproved", "userCreated", "userNeedsApproval"]),
    );
  });

  test("is of the account that has accepted, from then on [H33]", async () => {
    const [tailnet, login] = [await withApproval(), newLogin()];
    await acceptAs(new Browser(), (await invite(tailnet)).text, login);
    await admin("POST", `/api/v2/users/${(await userOf(tailnet, login))?.id ?? ""}/approve`, {});
    expect((await new Browser().signIn(`other/${login}`)).status).toBe(403);
    expect(isSignedIn(await new Browser().signIn(login), login)).toBe(true);
  });

  test("is by whoever may give that role, once, and never by oneself [P53]", async () => {
    const [tailnet, login] = [await withApproval(), newLogin()];
    await acceptAs(new Browser(), (await invite(tailnet, { role: "admin" })).text, login);
    const path = `/api/v2/users/${(await userOf(tailnet, login))?.id ?? ""}/approve`;
    const ida = await newPerson(tailnet, "ida@example.com", "it-admin");
    refused(await admin("POST", path, {}, ida.token), "forbidden");
    const ada = await newPerson(tailnet, "ada@example.com", "admin");
    for (let again = 0; again < 2; again++) expect((await admin("POST", path, {}, ada.token)).status).toBe(200);
    const approved = await eventsOf(tailnet, "user.approved");
    expect(approved.map(({ actor }) => JSON.parse(actor) as unknown)).toEqual([
      expect.objectContaining({ id: ada.id }),
    ]);
  });

  test("leaves who was added by name, and lets whoever waits wait on once it is off", async () => {
    const [tailnet, login] = [await withApproval(), newLogin()];
    await acceptAs(new Browser(), (await invite(tailnet)).text, login);
    await addPerson(tailnet, "bob@example.com", "member");
    await admin("PATCH", `/api/v2/tailnet/${tailnet}/settings`, { usersApprovalOn: false });
    expect((await userOf(tailnet, "bob@example.com"))?.status).toBe("active");
    expect((await userOf(tailnet, login))?.status).toBe("needs-approval");
    const { json } = await admin("GET", `/api/v2/tailnet/${tailnet}/settings`);
    expect(json["usersApprovalOn"]).toBe(false);
  });

  test("keeps a session out of the tailnet in which its person waits, and in the others", async () => {
    const [home, tailnet, login, browser] = [await makeTailnet(), await withApproval(), newLogin(), new Browser()];
    await acceptAs(browser, (await invite(home)).text, login);
    expect((await askInvite(browser, "accept", (await invite(tailnet)).text)).json).toEqual({
      next: "/invite/accepted",
    });
    expect(await tailnetsOf(browser)).toEqual([expect.objectContaining({ id: home })]);
    expect((await browser.api("GET", `/api/v2/tailnet/${tailnet}/users`)).status).toBe(404);
  });

  test("is asked of whatever there is of theirs: credentials, auth keys, and the lock's door [P62][I12]", async () => {
    const tailnet = await makeTailnet();
    const bob = await newPerson(tailnet, "bob@example.com", "owner");
    const node = await joinAs(tailnet, bob, "owner", "bobs");
    const key = await makeAuthKey(tailnet, { reusable: true }, bob.token);
    // Nobody who has a device or a key comes to wait by the API.
    await sql(tailnet, `UPDATE users SET waiting = 1 WHERE id = '${bob.id}'`);
    refused(await admin("GET", `/api/v2/tailnet/${tailnet}/devices`, null, bob.token), "unauthenticated");
    refused(await new TestNode("late").register(key), "bad_auth_key");
    const { message } = refused(await node.tka("initBegin", { GenesisAUM: new Uint8Array(1) }), "forbidden");
    expect(message).toContain("waits for an admin's approval");
    refused(await node.tka("disable", { DisablementSecret: new Uint8Array(32) }), "forbidden");
    // One who waits is no owner whom anybody could turn to.
    refused(await admin("POST", `/api/v2/users/${await ownerOf(tailnet)}/suspend`, {}), "last_owner");
    expect((await admin("POST", `/api/v2/users/${bob.id}/approve`, {})).status).toBe(200);
    expect((await admin("GET", `/api/v2/tailnet/${tailnet}/devices`, null, bob.token)).status).toBe(200);
    expect((await new TestNode("late").register(key)).status).toBe(200);
  });
});
