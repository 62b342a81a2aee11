/**
 * Every endpoint of the admin API against every role, and against whatever else may come: no token, one that is none, expired, revoked, of somebody who
 * is suspended, with a wrong scope, and one of another tailnet. What is to come of it stands in rights-table.ts, by hand; an endpoint that is not there
 * fails [H2][H5][H6].
 */

import { runInDurableObject } from "cloudflare:test";
import { beforeAll, describe, expect, test } from "vitest";
import { SCOPES, type Role, type Scope } from "../../../src/protocol/index.ts";
import { ADMIN_ROUTES } from "../../../src/worker/admin/api.ts";
import { app } from "../../../src/worker/app.ts";
import { admin, authorityOf, dump, join, makeAuthKey, makeTailnet, sql } from "../../support/workerd/control.ts";
import { addPerson, makeToken, ownerOf } from "../../support/workerd/people.ts";
import { refused } from "../../support/workerd/refused.ts";
import { ORIGIN } from "../../support/workerd/signed-request.ts";
import { newLogin, openSession } from "../../support/workerd/signing-in.ts";
import { TestNode, fetchWorker, type Answer } from "../../support/workerd/test-node.ts";
import { LETTERS, OPEN, ROWS, type KeyKind, type Row } from "./rights-table.ts";

/** What stands in paths, by the parameter's name; `keyId` by the kind of the key. */
type Names = Readonly<Record<string, string>>;

interface Tailnet {
  readonly id: string;
  /** What there is, and what has the form of it and is not there. */
  readonly real: Names;
  readonly absent: Names;
}

async function newKey(tailnet: string, kind: KeyKind): Promise<string> {
  const keys = `/api/v2/tailnet/${tailnet}/keys`;
  const member = await addPerson(tailnet, "tokens@example.com", "member");
  const body = {
    auth: { capabilities: { devices: { create: {} } } },
    api: { keyType: "api", userId: member },
    client: { keyType: "client", scopes: ["dns"] },
  }[kind];
  const id = String((await admin("POST", keys, body)).json["id"]);
  // To revoke what is revoked changes nothing.
  if (kind !== "client") await admin("DELETE", `${keys}/${id}`);
  return id;
}

async function newTailnet(): Promise<Tailnet> {
  const id = await makeTailnet();
  const node = new TestNode("alice");
  await join(id, node);
  const deviceId = String((await node.map()).Node?.StableID);
  const webhook = await admin("POST", `/api/v2/tailnet/${id}/webhooks`, {
    endpointUrl: "https://hooks.example.com/x",
    subscriptions: ["nodeCreated"],
  });
  const invites = await admin("POST", `/api/v2/device/${deviceId}/device-invites`, [{}]);
  const inviteId = String((invites.list[0] as { readonly id?: string } | undefined)?.id ?? invites.json["id"]);
  const userInvites = await admin("POST", `/api/v2/tailnet/${id}/user-invites`, [{}]);
  const userInviteId = String((userInvites.list[0] as { readonly id?: string } | undefined)?.id);
  const kinds = ["auth", "api", "client"] as const;
  const keys = await Promise.all(kinds.map(async (kind) => [`keyId ${kind}`, await newKey(id, kind)] as const));
  const webhookId = String(webhook.json["endpointId"]);
  const none = "0000000000";
  const others = { share: "s", loginId: "l", deliveryId: "d", contactType: "c", attributeKey: "custom:a" };
  const absents = { integrationId: "i", serviceName: "svc:s", externalId: "e" };
  const fixed = { ...others, ...absents, tailnet: id, ...Object.fromEntries(keys) };
  return {
    id,
    real: { ...fixed, deviceId, userId: await ownerOf(id), webhookId, inviteId, userInviteId },
    absent: {
      ...fixed,
      deviceId: `n${none}${id}`,
      userId: `u${none}${id}`,
      webhookId: `w${none}${id}`,
      inviteId: `${id}s${none}`,
      userInviteId: `i${none}${id}`,
    },
  };
}

function pathOf({ route, key }: Row, names: Names): readonly [method: string, path: string] {
  const [method = "", path = ""] = route.split(" ");
  const filled = path.replaceAll(/:(\w+)/g, (_, name: string) => {
    const value = names[name === "keyId" ? `keyId ${key ?? ""}` : name];
    if (value === undefined) throw new Error(`${route}: what is to stand for ${name}?`);
    return encodeURIComponent(value);
  });
  return [method, filled];
}

/** Asks as a page of ours does in that session. */
function askInSession(row: Row, names: Names, session: string): Promise<Answer> {
  const [method, path] = pathOf(row, names);
  const cookie = `__Host-tailward-session=${session}`;
  const headers = { cookie, origin: ORIGIN, "sec-fetch-site": "same-origin", "content-type": "application/json" };
  const init = method === "GET" ? {} : { body: JSON.stringify(row.body) };
  return fetchWorker(new Request(`${ORIGIN}${path}${row.query}`, { method, headers, ...init }));
}

/** The roles that are let in, of all that ask. Whoever is not is told why. */
async function rolesLetIn(row: Row, askAs: (role: Role) => Promise<Answer>): Promise<Role[]> {
  const answers = await Promise.all(LETTERS.map(async ([, role]) => ({ role, answer: await askAs(role) })));
  for (const { answer } of answers) if (!isSeen(row, answer) && "code" in answer.json) refused(answer, "forbidden");
  return answers.flatMap(({ role, answer }) => (isSeen(row, answer) ? [role] : []));
}

function ask(row: Row, names: Names, token?: string): Promise<Answer> {
  const [method, path] = pathOf(row, names);
  return admin(method, `${path}${row.query}`, method === "GET" ? null : row.body, token);
}

/** True where the door let it through: whatever came of it behind that. */
function isLetIn({ status, json }: Answer): boolean {
  expect(status).not.toBe(500);
  expect(status).not.toBe(429);
  return json["code"] !== "forbidden" && json["code"] !== "unauthenticated";
}

/** A list of keys has whatever kinds one may see: none of a kind is what comes of a wrong scope. */
function isSeen(row: Row, answer: Answer): boolean {
  if (!isLetIn(answer)) return false;
  const { keys } = answer.json as { readonly keys?: readonly { readonly keyType: string }[] };
  return keys === undefined || keys.some(({ keyType }) => keyType === row.key);
}

/** To read, what there is; to change, what there is not: nothing is changed by this test. */
function namesFor({ route }: Row): Names {
  return route.startsWith("GET") ? own.real : own.absent;
}

function mayFor({ who }: Row, role: Role): boolean {
  return who[LETTERS.findIndex(([, each]) => each === role)] !== ".";
}

function nameOf({ route, key }: Row): string {
  return key === null ? route : `${route} (${key})`;
}

/** A scope with what covers it. */
function covering(scope: Scope): readonly Scope[] {
  const write = scope.replace(/:read$/, "") as Scope;
  return scope.endsWith(":read") ? [scope, write, "all", "all:read"] : [scope, "all"];
}

let own: Tailnet;
let other: Tailnet;
const roles = new Map<Role, string>();
/** The texts of session cookies, by role. */
const sessions = new Map<Role, string>();
/** Tokens that open nothing any more, by what has become of them. */
const over = new Map<string, string>();
let owner: string;
const scoped = new Map<string, Promise<string>>();
const foreign = new Map<string, string>();
const SIGNED_IN = "an owner who is signed in";

async function newClientToken(tailnet: string, scopes: readonly Scope[]): Promise<{ token: string; client: string }> {
  const keys = `/api/v2/tailnet/${tailnet}/keys`;
  const { json } = await admin("POST", keys, { keyType: "client", scopes, tags: ["tag:ci"] });
  const client = String(json["id"]);
  const body = new URLSearchParams({ client_id: client, client_secret: String(json["key"]) });
  const answer = await fetchWorker(new Request(`${ORIGIN}/api/v2/oauth/token`, { method: "POST", body }));
  return { token: String(answer.json["access_token"]), client };
}

/** A token of the owner's with these scopes, or an access token with them; made once. */
function withScopes(kind: "api" | "access", scopes: readonly Scope[]): Promise<string> {
  const name = `${kind} ${scopes.join(" ")}`;
  const make = async (): Promise<string> =>
    kind === "api" ? makeToken(own.id, owner, { scopes }) : (await newClientToken(own.id, scopes)).token;
  const made = scoped.get(name) ?? make();
  scoped.set(name, made);
  return made;
}

async function spoil(): Promise<void> {
  const keys = `/api/v2/tailnet/${own.id}/keys`;
  const idOf = (token: string): string => token.replace(/^.*T[0-9A-Za-z]{10}(k[0-9A-Za-z]{10})CNTRL.*$/, "$1");
  const [expired, revoked] = [await makeToken(own.id, owner), await makeToken(own.id, owner)];
  const [late, lost] = [await newClientToken(own.id, ["all"]), await newClientToken(own.id, ["all"])];
  await sql(
    own.id,
    `UPDATE credentials SET expires = 1 WHERE id = '${idOf(expired)}'`,
    `UPDATE access_tokens SET expires = 1 WHERE id = '${idOf(late.token)}'`,
  );
  await admin("DELETE", `${keys}/${idOf(revoked)}`);
  await admin("DELETE", `${keys}/${lost.client}`);
  const suspended = await addPerson(own.id, "suspended@example.com", "owner");
  const token = await makeToken(own.id, suspended);
  await admin("POST", `/api/v2/users/${suspended}/suspend`, {});
  over.set("none", "").set("no token", "nonsense").set("expired", expired).set("revoked", revoked);
  over.set("of a suspended owner", token).set("expired access", late.token).set("of a revoked client", lost.token);
}

beforeAll(async () => {
  own = await newTailnet();
  other = await newTailnet();
  owner = await addPerson(own.id, "credentials@example.com", "owner");
  for (const [, role] of LETTERS) {
    const login = `${role}@example.com`;
    roles.set(role, await makeToken(own.id, await addPerson(own.id, login, role)));
    sessions.set(role, await openSession(own.id, login));
  }
  await spoil();
  foreign.set("an owner", await makeToken(other.id, other.real["userId"] ?? ""));
  const login = newLogin();
  await addPerson(other.id, login, "owner");
  foreign.set(SIGNED_IN, await openSession(other.id, login));
  foreign.set("an OAuth client", (await newClientToken(other.id, ["all"])).token);
});

describe("the table", () => {
  test("has every endpoint there is below /api, and no other", () => {
    const served = app.routes
      .filter(({ path, method }) => path.startsWith("/api/") && method !== "ALL")
      .map(({ method, path }) => `${method} ${path}`);
    const listed = [...ROWS.map(({ route }) => route), ...Object.keys(OPEN)];
    expect([...new Set(served)].sort()).toEqual([...new Set(listed)].sort());
    expect(ADMIN_ROUTES.length).toBeGreaterThan(80);
  });

  test("has a letter for each role, in order", () => {
    const form = LETTERS.map(([letter]) => `[${letter}.]`).join("");
    expect(ROWS.filter(({ who }) => !new RegExp(`^${form}$`).test(who))).toEqual([]);
  });
});

describe.each(ROWS.map((row) => [nameOf(row), row] as const))("%s", (_, row) => {
  test("is for the roles that the table names, with a token and in a session [H5]", async () => {
    const expected = LETTERS.flatMap(([, role]) => (mayFor(row, role) ? [role] : []));
    const byToken = (role: Role): Promise<Answer> => ask(row, namesFor(row), roles.get(role));
    expect(await rolesLetIn(row, byToken)).toEqual(row.scope === null ? [] : expected);
    expect(await rolesLetIn(row, (role) => askInSession(row, namesFor(row), sessions.get(role) ?? ""))).toEqual(
      expected,
    );
  });

  test("is closed to whatever proves nobody, or nobody any more", async () => {
    const answers = await Promise.all([...over.values()].map((token) => ask(row, own.real, token)));
    for (const answer of answers) refused(answer, "unauthenticated");
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 401));
  });

  test("asks of a credential for its scope, and for nothing else [H5]", async () => {
    const { scope, personal } = row;
    const covers = scope === null ? [] : covering(scope);
    const wrong = SCOPES.filter((each) => !covers.includes(each) && !each.startsWith("all"));
    const all: readonly Scope[] = ["all"];
    const [right, read]: (readonly Scope[] | null)[] =
      scope === null || scope.endsWith(":read")
        ? [[scope ?? "all"], null]
        : [[scope], [`${scope}:read` as Scope, "all:read"]];
    const expected: readonly (readonly ["api" | "access", readonly Scope[] | null | undefined, boolean])[] = [
      ["api", wrong, false],
      ["access", wrong, false],
      ["api", right, scope !== null],
      ["access", right, scope !== null && !personal],
      ["api", read, false],
      ["access", read, false],
      ["api", all, scope !== null],
      ["access", all, scope !== null && !personal],
    ];
    const cells = expected.flatMap(([kind, scopes, may]) => (scopes ? [{ kind, scopes, may }] : []));
    const seen = cells.map(async ({ kind, scopes }) => {
      const answer = await ask(row, namesFor(row), await withScopes(kind, scopes));
      return { kind, scopes, may: isSeen(row, answer) };
    });
    expect(await Promise.all(seen)).toEqual(cells);
  });

  test("is open to the operator", async () => {
    expect(isLetIn(await ask(row, namesFor(row)))).toBe(true);
  });
});

describe("another tailnet's", () => {
  test.each(["an owner", SIGNED_IN, "an OAuth client"])(
    "%s is told the same as of a tailnet that there is not [H6]",
    async (who) => {
      const secret = foreign.get(who) ?? "";
      const askThere = who === SIGNED_IN ? askInSession : ask;
      const state = () =>
        runInDurableObject(authorityOf(own.id), (_, { storage }) => dump({ storage } as DurableObjectState));
      const before = await state();
      const nowhere = Object.fromEntries(
        Object.entries(own.real).map(([name, value]) => [name, value.replace(own.id, "T0000000000")]),
      );
      for (const row of ROWS) {
        const [here, there] = [await askThere(row, own.real, secret), await askThere(row, nowhere, secret)];
        expect([row.route, here.status, here.json]).toEqual([row.route, there.status, there.json]);
        const isOfTailnet = pathOf(row, own.real)[1] !== pathOf(row, nowhere)[1];
        if (isOfTailnet) expect([row.route, here.status]).toEqual([row.route, 404]);
      }
      expect(await state()).toEqual(before);
    },
  );

  test("invite is not accepted into a tailnet that whoever accepts is not of [H6]", async () => {
    const node = new TestNode("shared");
    const third = await makeTailnet();
    await node.register(await makeAuthKey(third));
    const deviceId = String((await node.map()).Node?.StableID);
    const made = await admin("POST", `/api/v2/device/${deviceId}/device-invites`, [{}]);
    const { invite } = made.list[0] as { readonly invite: string };
    const body = { invite, tailnet: own.id };
    const path = "/api/v2/device-invites/-/accept";
    refused(await admin("POST", path, body, foreign.get("an owner")), "unknown_tailnet");
  });
});
