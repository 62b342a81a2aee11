/** People, their roles and whose a device is [P50], and the lock's door [I12][I13]: on real objects, by the admin API and over the wire. */

import { runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { mayGive } from "../../../src/durable/people/roles.ts";
import { ROLES, emptyResponse, parseCredential, type MapResponse, type Role } from "../../../src/protocol/index.ts";
import { encodeAum } from "../../../src/tka/index.ts";
import { ACTS } from "../../../src/worker/admin/rights.ts";
import { admin, authorityOf, join, makeAuthKey, makeTailnet } from "../../support/workerd/control.ts";
import { storedEvents } from "../../support/workerd/events.ts";
import { begin, finish, lock, newGenesis, newSecrets, signaturesFor } from "../../support/workerd/locked.ts";
import { addPerson, joinAs, makeToken, newPerson, ownerOf, setRole } from "../../support/workerd/people.ts";
import { setPolicy } from "../../support/workerd/policy.ts";
import { refused } from "../../support/workerd/refused.ts";
import { TestNode, accepted, type Answer } from "../../support/workerd/test-node.ts";

async function refusals(tailnet: string): Promise<{ actor: unknown; target: unknown; new: unknown }[]> {
  return (await storedEvents(tailnet))
    .filter(({ kind }) => kind === "attempt.refused")
    .map((event) => ({
      actor: JSON.parse(event.actor) as unknown,
      target: JSON.parse(event.target) as unknown,
      new: JSON.parse(event.new) as unknown,
    }));
}

function loginOf({ UserProfiles }: MapResponse, id: number | undefined): string | undefined {
  return UserProfiles?.find(({ ID }) => ID === id)?.LoginName;
}

function post(path: string, body: object = {}, token?: string): Promise<Answer> {
  return admin("POST", path, body, token);
}

describe("whose a device is", () => {
  test("a tailnet with its first owner alone is shown as it ever was [M11]", async () => {
    const tailnet = await makeTailnet("first-owner.test");
    const [alice, web] = [new TestNode("alice"), new TestNode("web")];
    await join(tailnet, alice);
    await web.register(await makeAuthKey(tailnet, { tags: ["tag:web"] }));
    const { UserProfiles, Node, Peers } = await alice.map();
    // The numbers are those that clients have kept: they must never be others.
    expect(UserProfiles).toEqual([
      { ID: 522_607_506_955_437, LoginName: "owner@first-owner.test", DisplayName: "Owner" },
      { ID: 804_082_483_666_093, LoginName: "tagged-devices", DisplayName: "Tagged Devices" },
    ]);
    expect([Node?.User, Peers?.[0]?.User]).toEqual(UserProfiles?.map(({ ID }) => ID));
    const waiting = alice.mapAfter(await alice.map());
    await join(tailnet, new TestNode("bob"));
    expect((await waiting).UserProfiles).toBeNull();
  });

  test("a device that was let in by a person's auth key is theirs, and others hear of them with it", async () => {
    const tailnet = await makeTailnet();
    const alice = new TestNode("alice");
    await join(tailnet, alice);
    const waiting = alice.mapAfter(await alice.map());
    const bob = await newPerson(tailnet, "Bob@example.com", "member");
    const laptop = await joinAs(tailnet, bob, "member", "laptop");
    const delta = await waiting;
    expect(loginOf(delta, delta.PeersChanged?.[0]?.User)).toBe("bob@example.com");
    const own = await laptop.map();
    expect(loginOf(own, own.Node?.User)).toBe("bob@example.com");
    expect(loginOf(own, own.Peers?.[0]?.User)).toMatch(/^owner@/);
    const full = await alice.map();
    expect(loginOf(full, full.Peers?.[0]?.User)).toBe("bob@example.com");
    const { devices } = (await admin("GET", `/api/v2/tailnet/${tailnet}/devices`)).json as {
      devices: { user: string }[];
    };
    expect(devices.map(({ user }) => user.replace(/@.*\.test$/, ""))).toEqual(["owner", "bob@example.com"]);
  });

  test("a tailnet can be made with an owner of a name", async () => {
    const made = await post("/api/v2/tailnets", { name: "named-owner.test", owner: "Alice@Example.com" });
    const tailnet = String(made.json["id"]);
    const { json } = await admin("GET", `/api/v2/users/${await ownerOf(tailnet)}`);
    expect(json).toMatchObject({ loginName: "alice@example.com", role: "owner", status: "active", type: "member" });
    // The last two look like alice@example.com.
    for (const owner of ["no login", "a@b@c", "alice@example.com\u200b", "\u2060alice@example.com"])
      refused(await post("/api/v2/tailnets", { name: "bad-owner.test", owner }), "malformed_request");
  });

  test("the policy knows people by their roles, as they are", async () => {
    const tailnet = await makeTailnet();
    const bob = await newPerson(tailnet, "bob@example.com", "member");
    const laptop = await joinAs(tailnet, bob, "member", "laptop");
    const web = new TestNode("web");
    await web.register(await makeAuthKey(tailnet, { tags: ["tag:web"] }));
    await setPolicy(
      tailnet,
      `{"tagOwners": {"tag:web": []}, "acls": [{"action": "accept", "src": ["autogroup:it-admin"], "dst": ["tag:web:22"]}]}`,
    );
    const sources = ({ PacketFilter }: MapResponse) =>
      (PacketFilter as { SrcIPs: string[] }[] | null)?.flatMap(({ SrcIPs }) => SrcIPs);
    expect(sources(await web.map())).toEqual([]);
    await setRole(bob, "it-admin");
    const addresses = (await laptop.map()).Node?.Addresses.map((prefix) => prefix.replace(/\/\d+$/, ""));
    expect(sources(await web.map())).toEqual(addresses);
    await post(`/api/v2/users/${bob.id}/suspend`);
    expect(sources(await web.map())).toEqual([]);
  });
});

describe("the lock's door [I12]", () => {
  const IN: readonly Role[] = ["owner", "admin", "it-admin"];

  test.each(ROLES)("a node of somebody whose role is %s", async (role) => {
    const tailnet = await makeTailnet();
    const bob = await newPerson(tailnet, "bob@example.com", "member");
    const node = await joinAs(tailnet, bob, role, "bobs");
    const { secrets, values } = newSecrets();
    const genesis = newGenesis([node], values);
    const answer = await node.tka("initBegin", { GenesisAUM: encodeAum(genesis) });
    if (IN.includes(role)) {
      expect(answer.status).toBe(200);
      await lock(node, genesis);
      accepted(await node.tka("disable", { DisablementSecret: secrets[0] }), emptyResponse);
      return;
    }
    const { message } = refused(answer, "forbidden");
    expect(message).toContain("only an owner, an admin or an IT admin may turn the lock on");
    expect(answer.status).toBe(403);
    // A begin by somebody else is not touched, nor finished.
    const owners = new TestNode("owners");
    await join(tailnet, owners);
    const begun = await begin(owners, newGenesis([owners], values));
    refused(await finish(node, signaturesFor(begun, node.lockKey)), "forbidden");
    accepted(await finish(owners, signaturesFor(begun, owners.lockKey)), emptyResponse);
    refused(await node.tka("disable", { DisablementSecret: secrets[0] }), "forbidden");
    expect((await admin("GET", `/api/v2/tailnet/${tailnet}/lock/status`)).json["enabled"]).toBe(true);
    expect((await refusals(tailnet)).map(({ new: detail }) => (detail as { act: string }).act)).toEqual([
      "lock.init",
      "lock.init",
      "lock.disable",
    ]);
  });

  test("a begin gives no right to its finish: the role is that of this moment", async () => {
    const tailnet = await makeTailnet();
    const bob = await newPerson(tailnet, "bob@example.com", "member");
    const node = await joinAs(tailnet, bob, "it-admin", "bobs");
    const begun = await begin(node, newGenesis([node], newSecrets().values));
    await setRole(bob, "network-admin");
    const { message } = refused(await finish(node, signaturesFor(begun, node.lockKey)), "forbidden");
    expect(message).toContain("the role of bob@example.com is network admin");
    expect((await admin("GET", `/api/v2/tailnet/${tailnet}/lock/status`)).json["enabled"]).toBe(false);
    await setRole(bob, "admin");
    accepted(await finish(node, signaturesFor(begun, node.lockKey)), emptyResponse);
  });

  test("a node with tags is refused, and told that this is why [I13][P52]", async () => {
    const tailnet = await makeTailnet();
    const [alice, web] = [new TestNode("alice"), new TestNode("web")];
    await join(tailnet, alice);
    await web.register(await makeAuthKey(tailnet, { tags: ["tag:web"] }));
    const { secrets, values } = newSecrets();
    const genesis = newGenesis([alice], values);
    const why = "a tagged node is no person's, and has no role";
    expect(refused(await web.tka("initBegin", { GenesisAUM: encodeAum(genesis) }), "forbidden").message).toContain(why);
    await lock(alice, genesis);
    expect(refused(await web.tka("disable", { DisablementSecret: secrets[0] }), "forbidden").message).toContain(why);
    expect(await refusals(tailnet)).toMatchObject([
      { actor: { type: "NODE", name: "web" }, target: { type: "FAILED_REQUEST", name: "lock.init", property: "TKA" } },
      { actor: { type: "NODE", name: "web" }, target: { type: "FAILED_REQUEST", name: "lock.disable" } },
    ]);
    accepted(await alice.tka("disable", { DisablementSecret: secrets[0] }), emptyResponse);
  });

  test("a device of a person's that was given tags, or loses them, is not that person's any more [I13]", async () => {
    const tailnet = await makeTailnet();
    const bob = await newPerson(tailnet, "bob@example.com", "member");
    const node = await joinAs(tailnet, bob, "admin", "bobs");
    const deviceId = String((await node.map()).Node?.StableID);
    const genesis = encodeAum(newGenesis([node], newSecrets().values));
    await post(`/api/v2/device/${deviceId}/tags`, { tags: ["tag:web"] });
    refused(await node.tka("initBegin", { GenesisAUM: genesis }), "forbidden");
    await setRole(bob, "member");
    const carol = await newPerson(tailnet, "carol@example.com", "it-admin");
    expect((await post(`/api/v2/device/${deviceId}/tags`, { tags: [] }, carol.token)).status).toBe(200);
    const own = await node.map();
    expect(loginOf(own, own.Node?.User)).toBe("carol@example.com");
    expect((await node.tka("initBegin", { GenesisAUM: genesis })).status).toBe(200);
  });

  test("whoever tries on and on is refused on and on, and told of now and then [P52]", async () => {
    const tailnet = await makeTailnet();
    const web = new TestNode("web");
    await web.register(await makeAuthKey(tailnet, { tags: ["tag:web"] }));
    for (let i = 0; i < 40; i++)
      refused(await web.tka("disable", { DisablementSecret: new Uint8Array(32) }), "forbidden");
    expect(await refusals(tailnet)).toHaveLength(30);
  });
});

describe("people come and go", () => {
  test("who is suspended has no way in, until restored [P50][P53]", async () => {
    const tailnet = await makeTailnet();
    const bob = await newPerson(tailnet, "bob@example.com", "admin");
    const node = await joinAs(tailnet, bob, "admin", "bobs");
    const key = await makeAuthKey(tailnet, { reusable: true }, bob.token);
    expect((await post(`/api/v2/users/${bob.id}/suspend`)).status).toBe(200);
    expect((await post(`/api/v2/users/${bob.id}/suspend`)).status).toBe(200);
    refused(await admin("GET", `/api/v2/tailnet/${tailnet}/devices`, null, bob.token), "unauthenticated");
    refused(await new TestNode("late").register(key), "bad_auth_key");
    expect((await node.map()).Node?.Expired).toBe(true);
    refused(await node.tka("initBegin", { GenesisAUM: new Uint8Array(1) }), "node_key_expired");
    refused(await node.tka("disable", { DisablementSecret: new Uint8Array(32) }), "forbidden");
    expect((await admin("GET", `/api/v2/users/${bob.id}`)).json["status"]).toBe("suspended");
    await post(`/api/v2/users/${bob.id}/restore`);
    expect((await admin("GET", `/api/v2/tailnet/${tailnet}/devices`, null, bob.token)).status).toBe(200);
    expect((await new TestNode("late").register(key)).status).toBe(200);
  });

  test("who is removed takes devices, API tokens and auth keys along [P53]", async () => {
    const tailnet = await makeTailnet();
    const alice = new TestNode("alice");
    await join(tailnet, alice);
    const bob = await newPerson(tailnet, "bob@example.com", "admin");
    await joinAs(tailnet, bob, "admin", "bobs");
    const key = await makeAuthKey(tailnet, { reusable: true }, bob.token);
    expect((await alice.map()).Peers).toHaveLength(1);
    expect((await post(`/api/v2/users/${bob.id}/delete`)).status).toBe(200);
    expect((await post(`/api/v2/users/${bob.id}/delete`)).status).toBe(200);
    expect((await alice.map()).Peers ?? []).toHaveLength(0);
    refused(await new TestNode("late").register(key), "bad_auth_key");
    refused(await admin("GET", `/api/v2/tailnet/${tailnet}/devices`, null, bob.token), "unauthenticated");
    refused(await admin("GET", `/api/v2/users/${bob.id}`), "unknown_user");
    const told = (await storedEvents(tailnet)).map(({ kind }) => kind).slice(-5);
    expect(told).toEqual(["node.removed", "authkey.revoked", "authkey.revoked", "token.revoked", "user.removed"]);
  });

  test("the last owner cannot go, be suspended or be given another role [P51]", async () => {
    const tailnet = await makeTailnet();
    const owner = await ownerOf(tailnet);
    for (const [act, body] of [["delete"], ["suspend"], ["role", { role: "admin" }]] as const)
      refused(await post(`/api/v2/users/${owner}/${act}`, body), "last_owner");
    const second = await newPerson(tailnet, "bob@example.com", "owner");
    await post(`/api/v2/users/${second.id}/suspend`);
    // One who is suspended is no owner whom anybody could turn to.
    refused(await post(`/api/v2/users/${owner}/delete`), "last_owner");
    await post(`/api/v2/users/${second.id}/restore`);
    expect((await post(`/api/v2/users/${owner}/delete`, {}, second.token)).status).toBe(200);
    refused(await post(`/api/v2/users/${second.id}/delete`), "last_owner");
  });

  test("nobody changes their own role, nor gives or takes one that may do more [P53]", async () => {
    const tailnet = await makeTailnet();
    const [it, boss, bob] = [
      await newPerson(tailnet, "it@example.com", "it-admin"),
      await newPerson(tailnet, "boss@example.com", "admin"),
      await newPerson(tailnet, "bob@example.com", "member"),
    ];
    const give = (who: string, role: Role, token: string) => post(`/api/v2/users/${who}/role`, { role }, token);
    refused(await give(it.id, "member", it.token), "forbidden");
    refused(await give(bob.id, "admin", it.token), "forbidden");
    refused(await give(bob.id, "network-admin", it.token), "forbidden");
    refused(await give(boss.id, "member", it.token), "forbidden");
    refused(await post(`/api/v2/users/${boss.id}/suspend`, {}, it.token), "forbidden");
    refused(await post(`/api/v2/users/${it.id}/delete`, {}, it.token), "forbidden");
    refused(await give(bob.id, "owner", boss.token), "forbidden");
    refused(await post(`/api/v2/tailnet/${tailnet}/users`, { loginName: "x@y", role: "admin" }, it.token), "forbidden");
    refused(await give(bob.id, "member", bob.token), "forbidden");
    expect((await give(bob.id, "auditor", it.token)).status).toBe(200);
    expect((await give(bob.id, "network-admin", boss.token)).status).toBe(200);
    await post(`/api/v2/users/${boss.id}/suspend`);
    refused(await post(`/api/v2/users/${boss.id}/restore`, {}, it.token), "forbidden");
    const told = await refusals(tailnet);
    expect(told).toHaveLength(10);
    expect(told[0]).toMatchObject({ actor: { type: "USER", id: it.id, login: "it@example.com" } });
  });

  test("a role gives none that may do more, by the table of rights [P53]", () => {
    const may = (role: Role): string[] =>
      Object.entries(ACTS).flatMap(([act, { roles }]) => (roles.includes(role) ? [act] : []));
    for (const giver of ROLES)
      for (const given of ROLES.filter((role) => mayGive(giver, role)))
        expect(may(given).filter((act) => !may(giver).includes(act))).toEqual([]);
    expect(ROLES.filter((giver) => ROLES.some((given) => mayGive(giver, given)))).toEqual([
      "owner",
      "admin",
      "it-admin",
    ]);
  });

  test("who was let through by a role that is another by now changes nothing [P54]", async () => {
    const tailnet = await makeTailnet();
    const bob = await newPerson(tailnet, "bob@example.com", "network-admin");
    const by = (role: Role) =>
      ({
        actor: { type: "USER", id: bob.id, name: "Bob" },
        origin: "CONFIG_API",
        group: "",
        role,
      }) as const;
    const authority = authorityOf(tailnet);
    const late = await authority.setPolicyFile(by("admin"), "{}", null);
    expect(late).toMatchObject({ ok: false, error: { code: "forbidden" } });
    expect(await authority.setPolicyFile(by("network-admin"), "{}", null)).toMatchObject({ ok: true });
  });

  test("somebody who is added again is who is there; with another role that is said", async () => {
    const tailnet = await makeTailnet();
    const id = await addPerson(tailnet, "bob@example.com", "auditor");
    expect(await addPerson(tailnet, "BOB@example.com", "auditor")).toBe(id);
    refused(await post(`/api/v2/tailnet/${tailnet}/users`, { loginName: "bob@example.com" }), "name_taken");
    for (const loginName of ["bob", "a b@example.com", "@", "a@b@c", "tag:x@y", ""])
      refused(await post(`/api/v2/tailnet/${tailnet}/users`, { loginName }), "malformed_request");
  });
});

describe("credentials", () => {
  test("are stored as hashes, given once, and say when they were last used [P55]", async () => {
    const tailnet = await makeTailnet();
    const text = await makeToken(tailnet, "");
    const secret = text.slice(text.lastIndexOf("-") + 1);
    expect(text).toMatch(new RegExp(`^tskey-api-${tailnet}k[0-9A-Za-z]{10}CNTRL-[0-9A-Za-z]{32}$`));
    const rows = await runInDurableObject(authorityOf(tailnet), (_, { storage }) =>
      ["credentials", "events"].flatMap((table) => storage.sql.exec(`SELECT * FROM ${table}`).toArray()),
    );
    expect(rows.length).toBeGreaterThan(1);
    expect(JSON.stringify(rows)).not.toContain(secret);
    const key = `/api/v2/tailnet/${tailnet}/keys/${text.slice(21, 32)}`;
    expect((await admin("GET", key)).json).not.toHaveProperty("lastUsed");
    expect((await admin("GET", key, null, text)).json).toMatchObject({ keyType: "api", scopes: ["all"] });
    expect((await admin("GET", key)).json).toHaveProperty("lastUsed");
    const wrong = `${text.slice(0, -1)}${text.endsWith("A") ? "B" : "A"}`;
    const unknown = text.replace(/k[0-9A-Za-z]{10}CNTRL/, "k0000000000CNTRL");
    const elsewhere = text.replace(tailnet, "T0000000000");
    const answers = await Promise.all([wrong, unknown, elsewhere].map((token) => admin("GET", key, null, token)));
    expect(new Set(answers.map((answer) => refused(answer, "unauthenticated").message)).size).toBe(1);
  });

  test("an API token has the person's present role, as far as its scopes go [P56]", async () => {
    const tailnet = await makeTailnet();
    const id = await addPerson(tailnet, "bob@example.com", "admin");
    const [all, some] = [await makeToken(tailnet, id), await makeToken(tailnet, id, { scopes: ["dns"] })];
    const dns = `/api/v2/tailnet/${tailnet}/dns/preferences`;
    expect((await admin("GET", dns, null, some)).status).toBe(200);
    refused(await admin("GET", `/api/v2/tailnet/${tailnet}/devices`, null, some), "forbidden");
    expect((await post(dns, { magicDNS: true }, all)).status).toBe(200);
    await setRole({ id }, "auditor");
    refused(await post(dns, { magicDNS: false }, all), "forbidden");
    expect((await admin("GET", dns, null, all)).status).toBe(200);
    await setRole({ id }, "member");
    refused(await admin("GET", dns, null, all), "forbidden");
  });

  test("no scope is given that whoever makes it does not have [H7], and tokens are one's own [P57]", async () => {
    const tailnet = await makeTailnet();
    const it = await newPerson(tailnet, "it@example.com", "it-admin");
    const keys = `/api/v2/tailnet/${tailnet}/keys`;
    const client = (scopes: string[], token: string) => post(keys, { keyType: "client", scopes }, token);
    refused(await client(["policy_file"], it.token), "forbidden");
    refused(await client(["all"], it.token), "forbidden");
    refused(await client(["no_such"], it.token), "malformed_request");
    refused(await client([], it.token), "malformed_request");
    expect((await client(["devices:core", "policy_file:read"], it.token)).status).toBe(200);
    const narrow = await makeToken(tailnet, it.id, { scopes: ["api_access_tokens", "oauth_keys"] });
    refused(await post(keys, { keyType: "api", scopes: ["devices:core"] }, narrow), "forbidden");
    const derived = await post(keys, { keyType: "api" }, narrow);
    expect(derived.json["scopes"]).toEqual(["api_access_tokens", "oauth_keys"]);
    refused(await post(keys, { keyType: "api", userId: await ownerOf(tailnet) }, it.token), "forbidden");
    const owners = await makeToken(tailnet, "");
    const id = owners.slice(21, 32);
    refused(await admin("DELETE", `${keys}/${id}`, null, it.token), "forbidden");
    expect((await admin("DELETE", `${keys}/${id}`)).status).toBe(200);
    refused(await admin("GET", keys, null, owners), "unauthenticated");
  });

  test("an OAuth client gives its own tags and those that these own, and is nobody [P58]", async () => {
    const tailnet = await makeTailnet();
    await setPolicy(tailnet, `{"tagOwners": {"tag:ci": [], "tag:job": ["tag:ci"], "tag:prod": []}}`);
    const keys = `/api/v2/tailnet/${tailnet}/keys`;
    const made = await post(keys, { keyType: "client", scopes: ["auth_keys", "devices:core"], tags: ["tag:ci"] });
    const parts = parseCredential(String(made.json["key"]));
    if (parts === null) throw new Error("no credential");
    const granted = await authorityOf(tailnet).grantAccess("r", parts, { scopes: null, tags: null });
    if (!granted.ok) throw new Error(granted.error.message);
    const token = granted.value.text;
    const create = (tags: string[]) => post(keys, { capabilities: { devices: { create: { tags } } } }, token);
    refused(await create([]), "malformed_request");
    refused(await create(["tag:prod"]), "tags_not_permitted");
    expect((await create(["tag:ci", "tag:job"])).status).toBe(200);
    const web = new TestNode("web");
    await web.register(String((await create(["tag:job"])).json["key"]));
    const device = `/api/v2/device/${(await web.map()).Node?.StableID}/tags`;
    refused(await post(device, { tags: ["tag:prod"] }, token), "tags_not_permitted");
    expect((await post(device, { tags: ["tag:ci"] }, token)).status).toBe(200);
    refused(await post(keys, { keyType: "api" }, token), "forbidden");
    // Its own secret is for access tokens alone, and what it may goes with it.
    refused(await admin("GET", keys, null, String(made.json["key"])), "unauthenticated");
    await admin("PUT", `${keys}/${parts.id}`, { keyType: "client", scopes: ["devices:core"], tags: ["tag:ci"] });
    refused(await create(["tag:ci"]), "forbidden");
    await admin("DELETE", `${keys}/${parts.id}`);
    refused(await post(device, { tags: ["tag:ci"] }, token), "unauthenticated");
    refused(await create(["tag:ci"]), "unauthenticated");
  });
});
