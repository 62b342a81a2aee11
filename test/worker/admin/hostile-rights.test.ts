/** What those try who have some rights, or had them when they began to ask: on real objects, by the admin API. */

import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { KEY_LIMITS } from "../../../src/durable/people/key-limits.ts";
import type { By } from "../../../src/durable/index.ts";
import { WEBHOOK_LIMITS } from "../../../src/durable/webhooks/webhooks.ts";
import { countedAs } from "../../../src/worker/rate-limits.ts";
import { later } from "../../support/workerd/clock.ts";
import { admin, authorityOf, join, makeAuthKey, makeTailnet, sql } from "../../support/workerd/control.ts";
import { lock, newGenesis, newSecrets } from "../../support/workerd/locked.ts";
import { makeToken, newPerson, setRole, type TestPerson } from "../../support/workerd/people.ts";
import { refused } from "../../support/workerd/refused.ts";
import { cut, eventsOf as eventsSince, invite, ring, settled } from "../../support/workerd/sharing.ts";
import { ORIGIN } from "../../support/workerd/signed-request.ts";
import { eventsOf } from "../../support/workerd/signing-in.ts";
import { hookJson, makeHook, on } from "../../support/workerd/webhooks.ts";
import { TestNode, fetchWorker, type Answer } from "../../support/workerd/test-node.ts";

/** What a principal may ask in a minute (wrangler.toml). */
const REQUESTS = 600;

interface TestClient {
  readonly id: string;
  readonly secret: string;
}

async function newClient(tailnet: string, fields: object): Promise<TestClient> {
  const { json } = await admin("POST", `/api/v2/tailnet/${tailnet}/keys`, { keyType: "client", ...fields });
  return { id: String(json["id"]), secret: String(json["key"]) };
}

function grant({ id, secret }: TestClient, fields: Record<string, string> = {}, address = ""): Promise<Answer> {
  const body = new URLSearchParams({ client_id: id, client_secret: secret, ...fields });
  const headers = address === "" ? {} : { "cf-connecting-ip": address };
  return fetchWorker(new Request(`${ORIGIN}/api/v2/oauth/token`, { method: "POST", body, headers }));
}

async function devicesIn(tailnet: string): Promise<{ name: string; authorized: boolean }[]> {
  const { json } = await admin("GET", `/api/v2/tailnet/${tailnet}/devices`);
  return json["devices"] as { name: string; authorized: boolean }[];
}

function authKey(token: string, tags: readonly string[] = []): Promise<Answer> {
  const body = { capabilities: { devices: { create: { tags } } } };
  return admin("POST", "/api/v2/tailnet/-/keys", body, token);
}

/** A request of a person that has passed the door: its body takes its time. */
function atTheDoor({ id, login }: TestPerson, credential: string): By {
  const actor = { type: "USER", id, name: login, login, credential } as const;
  return { actor, origin: "CONFIG_API", group: "g", role: "it-admin" };
}

describe("a request that was let in before its right was taken [P54]", () => {
  const options = {
    reusable: false,
    ephemeral: false,
    preauthorized: true,
    tags: [],
    description: "",
    expirySeconds: 60,
  };

  async function scene(): Promise<{ tailnet: string; bob: TestPerson; by: By; credential: string }> {
    const tailnet = await makeTailnet();
    const bob = await newPerson(tailnet, "bob@example.com", "it-admin");
    const credential = /(k[0-9A-Za-z]{10})CNTRL/.exec(bob.token)?.[1] ?? "";
    return { tailnet, bob, by: atTheDoor(bob, credential), credential };
  }

  async function tries(tailnet: string, by: By): Promise<(string | null)[]> {
    const authority = authorityOf(tailnet);
    const outcomes = [
      await authority.createAuthKey(by, options),
      await authority.createClient(by, { scopes: ["all"], tags: [], description: "" }),
      await authority.disableBy(by, new Uint8Array(32)),
      await authority.changeContact(by, "security", `evil${String(Math.random()).slice(2)}@example.com`),
    ];
    return outcomes.map((outcome) => (outcome.ok ? null : outcome.error.code));
  }

  test("is refused where the person was suspended, and where the token was revoked", async () => {
    const { tailnet, bob, by, credential } = await scene();
    expect(await tries(tailnet, by)).toEqual([null, null, "lock_not_enabled", null]);
    await admin("POST", `/api/v2/users/${bob.id}/suspend`, {});
    expect(await tries(tailnet, by)).toEqual(["forbidden", "forbidden", "lock_not_enabled", "forbidden"]);
    await admin("POST", `/api/v2/users/${bob.id}/restore`, {});
    await admin("DELETE", `/api/v2/tailnet/${tailnet}/keys/${credential}`);
    expect(await tries(tailnet, by)).toEqual(["forbidden", "forbidden", "lock_not_enabled", "forbidden"]);
  });

  test("is refused where the OAuth client was revoked", async () => {
    const tailnet = await makeTailnet();
    const { id } = await newClient(tailnet, { scopes: ["all"] });
    const actor = { type: "OAUTH_CLIENT", id, name: "CI", tags: [] } as const;
    const by: By = { actor, origin: "CONFIG_API", group: "g" };
    expect((await authorityOf(tailnet).changeContact(by, "support", "a@example.com")).ok).toBe(true);
    await admin("DELETE", `/api/v2/tailnet/${tailnet}/keys/${id}`);
    const outcome = await authorityOf(tailnet).changeContact(by, "support", "b@example.com");
    expect(outcome).toMatchObject({ ok: false, error: { code: "forbidden" } });
  });

  test("reads no further in a list that is sent while it is read", async () => {
    const { tailnet, bob, by, credential } = await scene();
    const authority = authorityOf(tailnet);
    const reads = async (): Promise<boolean[]> => [
      (await authority.devices(by, 0)).ok,
      (await authority.logPage(by, 0, 1)).ok,
    ];
    expect(await reads()).toEqual([true, true]);
    await setRole(bob, "member");
    expect(await reads()).toEqual([false, false]);
    await setRole(bob, "it-admin");
    expect(await reads()).toEqual([true, true]);
    // A token is good for ninety days at most.
    await later(91 * 24 * 60 * 60_000, async () => expect(await reads()).toEqual([false, false]));
    await admin("DELETE", `/api/v2/tailnet/${tailnet}/keys/${credential}`);
    expect(await reads()).toEqual([false, false]);
  });
});

test("what somebody began who has no right any more is brought to its end, and jams nothing [P54]", async () => {
  const [home, other] = [await makeTailnet(), await makeTailnet()];
  const alice = new TestNode("alice");
  await join(home, alice);
  const bob = await newPerson(other, "bob@example.com", "it-admin");
  const cuts = [await cut(home, "request"), await cut(other, "answer")];
  const parts = await invite(home, alice);
  const credential = /(k[0-9A-Za-z]{10})CNTRL/.exec(bob.token)?.[1] ?? "";
  await authorityOf(other).acceptShare(atTheDoor(bob, credential), parts);
  await admin("POST", `/api/v2/users/${bob.id}/suspend`, {});
  for (const { mend } of cuts) mend();
  await ring(home);
  await ring(other);
  await settled(home, other);
  const kinds = (await eventsSince(other)).map(({ kind }) => kind);
  expect(kinds.filter((kind) => kind.startsWith("share."))).toEqual(["share.accepting", "share.accepted"]);
});

describe("an OAuth client", () => {
  test("gives by an access token no tag that this was not given [P58]", async () => {
    const tailnet = await makeTailnet();
    const client = await newClient(tailnet, { scopes: ["auth_keys"], tags: ["tag:a", "tag:b"] });
    const less = String((await grant(client, { tags: "tag:a" })).json["access_token"]);
    expect((await authKey(less, ["tag:a"])).status).toBe(200);
    refused(await authKey(less, ["tag:b"]), "tags_not_permitted");
    const all = String((await grant(client)).json["access_token"]);
    expect((await authKey(all, ["tag:b"])).status).toBe(200);
  });

  test("is not kept out by others who know its ID [H8]", async () => {
    const tailnet = await makeTailnet();
    const client = await newClient(tailnet, { scopes: ["dns"] });
    const guess = { ...client, secret: client.secret.replace(/.{4}$/, "0000") };
    const key = countedAs({ kind: "client", tailnet, id: client.id, name: "", scopes: [], tags: [] }) ?? "";
    await Promise.all(Array.from({ length: REQUESTS - 5 }, async () => env.API_REQUESTS?.limit({ key })));
    for (let i = 0; i < 10; i++) expect((await grant(guess, {}, "2001:db8:bad::1")).status).toBe(401);
    const { status, json } = await grant(client, {}, "2001:db8:900d::1");
    expect(status).toBe(200);
    const token = String(json["access_token"]);
    expect((await admin("GET", "/api/v2/tailnet/-/dns/preferences", null, token)).status).toBe(200);
  });
});

test("an admin who guesses at disablement secrets is stopped, and seen [W15][W24]", async () => {
  const tailnet = await makeTailnet();
  const alice = new TestNode("alice");
  await join(tailnet, alice);
  await lock(alice, newGenesis([alice], newSecrets().values));
  const bob = await newPerson(tailnet, "bob@example.com", "it-admin");
  const guess = (token?: string): Promise<Answer> =>
    admin("POST", `/api/v2/tailnet/${tailnet}/lock/disable`, { disablementSecret: "00".repeat(32) }, token);
  for (let i = 0; i < 10; i++) refused(await guess(bob.token), "incorrect_secret");
  refused(await guess(bob.token), "too_many_requests");
  refused(await guess(), "incorrect_secret");
  expect(await eventsOf(tailnet, "attempt.refused")).toHaveLength(11);
});

test("an admin or a client cannot have the log forget what they did [W25]", async () => {
  const tailnet = await makeTailnet();
  const [bob, olga] = [
    await newPerson(tailnet, "bob@example.com", "admin"),
    await newPerson(tailnet, "olga@example.com", "owner"),
  ];
  const client = await newClient(tailnet, { scopes: ["all"] });
  const tokens = [bob.token, String((await grant(client)).json["access_token"])];
  const keep = (auditLogRetentionDays: number, token: string): Promise<Answer> =>
    admin("PATCH", "/api/v2/tailnet/-/settings", { auditLogRetentionDays }, token);
  for (const token of tokens) refused(await keep(1, token), "forbidden");
  expect((await keep(90, olga.token)).status).toBe(200);
  for (const token of tokens) refused(await keep(89, token), "forbidden");
  for (const days of [90, 91]) for (const token of tokens) expect((await keep(days, token)).status).toBe(200);
  expect((await keep(0, bob.token)).json).toMatchObject({ auditLogRetentionDays: 0 });
});

test("an endpoint that is only slow, or tested without end, does not fill the object [W34]", async () => {
  const tailnet = await makeTailnet();
  const hook = await makeHook(tailnet, ["nodeCreated"]);
  const due = Date.now() + 24 * 60 * 60 * 1000;
  await sql(
    tailnet,
    `INSERT INTO webhook_deliveries (id, webhook, seq, type, created, tries, due)
     WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${WEBHOOK_LIMITS.waitingSlow})
     SELECT 'd' || i, '${hook.id}', 1, 'test', ${due}, 0, ${due} FROM n`,
  );
  await join(tailnet, new TestNode("alice"));
  await admin("POST", on(hook, "/test"));
  const info = await hookJson(hook);
  expect([info["pending"], info["dropped"], info["status"]]).toEqual([WEBHOOK_LIMITS.waitingSlow, 1, "ok"]);
});

describe("an auth key of a person's [P60]", () => {
  async function scene(): Promise<{ tailnet: string; bob: TestPerson; key: string }> {
    const tailnet = await makeTailnet();
    const bob = await newPerson(tailnet, "bob@example.com", "admin");
    return { tailnet, bob, key: await makeAuthKey(tailnet, { reusable: true, tags: ["tag:prod"] }, bob.token) };
  }

  test("lets nobody in, least of all by its tags, once they could not make it any more", async () => {
    const { tailnet, bob, key } = await scene();
    expect((await new TestNode("before").register(key)).status).toBe(200);
    for (const role of ["auditor", "member"] as const) {
      await setRole(bob, role);
      refused(await new TestNode("after").register(key), "bad_auth_key");
    }
    expect((await devicesIn(tailnet)).map(({ name }) => name.split(".")[0])).toEqual(["before"]);
  });

  test("lets in past device approval while they may approve devices", async () => {
    const { tailnet, bob, key } = await scene();
    await admin("PATCH", `/api/v2/tailnet/${tailnet}/settings`, { devicesApprovalOn: true });
    await new TestNode("approved").register(key);
    await setRole(bob, "network-admin");
    await new TestNode("waiting").register(key);
    expect((await devicesIn(tailnet)).map(({ authorized }) => authorized)).toEqual([true, false]);
  });
});

describe("whoever fills a tailnet [P59]", () => {
  test("with API tokens of their own, keys or people, is stopped; what is over makes room", async () => {
    const tailnet = await makeTailnet();
    const bob = await newPerson(tailnet, "bob@example.com", "admin");
    const more = (fields: object): Promise<Answer> => admin("POST", "/api/v2/tailnet/-/keys", fields, bob.token);
    const fill = (table: string, rows: number, values: string, columns: string): Promise<void> =>
      sql(
        tailnet,
        `INSERT INTO ${table} (${columns}) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows}) SELECT ${values} FROM n`,
      );
    const credential = "id, kind, secret_hash, user, scopes, tags, description, created, updated, expires";
    await fill(
      "credentials",
      KEY_LIMITS.tokens,
      `'t' || i, 'api', x'', '${bob.id}', '[]', '[]', '', 1, 1, 8e15`,
      credential,
    );
    refused(await more({ keyType: "api" }), "too_many_keys");
    // Somebody else is not held up.
    expect(await makeToken(tailnet, "")).toMatch(/^tskey-api-/);
    await sql(tailnet, "UPDATE credentials SET revoked = 2 WHERE id = 't1'");
    await fill(
      "credentials",
      KEY_LIMITS.spent + 5,
      `'s' || i, 'api', x'', '${bob.id}', '[]', '[]', '', i, 1, 1`,
      credential,
    );
    await sql(tailnet, "UPDATE credentials SET revoked = 2 WHERE id = 't2'");
    expect((await more({ keyType: "api" })).status).toBe(200);
    const { keys } = (await admin("GET", `/api/v2/tailnet/${tailnet}/keys?all=true`)).json as {
      keys: { invalid: boolean }[];
    };
    expect(keys.filter(({ invalid }) => invalid)).toHaveLength(KEY_LIMITS.spent);
    await fill(
      "credentials",
      KEY_LIMITS.clients,
      `'c' || i, 'client', x'', NULL, '[]', '[]', '', 1, 1, NULL`,
      credential,
    );
    refused(await more({ keyType: "client", scopes: ["dns"] }), "too_many_keys");
    const key = "id, secret_hash, reusable, ephemeral, preauthorized, tags, description, created, expires, uses";
    await fill("auth_keys", KEY_LIMITS.authKeys, "'a' || i, x'', 1, 0, 0, '[]', '', 1, 8e15, 0", key);
    refused(await authKey(bob.token), "too_many_keys");
    const user = "id, profile, login, display_name, role, created";
    await fill("users", KEY_LIMITS.users, "'u' || i, i, i || '@x', '', 'member', 1", user);
    const carol = { loginName: "carol@example.com" };
    refused(await admin("POST", `/api/v2/tailnet/${tailnet}/users`, carol, bob.token), "too_many_users");
  });
});
