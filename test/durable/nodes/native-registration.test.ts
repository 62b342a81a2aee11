/** Tailscale clients join, lose answers, log out and come back, in the steps of Go's `control/controlclient` [G2][G16][G17]. */

import { exports } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { mapResponse, type MapResponse, type RegisterResponse } from "../../../src/protocol/index.ts";
import { rotateSignature } from "../../../src/tka/index.ts";
import { later } from "../../support/workerd/clock.ts";
import { setPolicy } from "../../support/workerd/policy.ts";
import { admin, join, makeAuthKey, makeTailnet } from "../../support/workerd/control.ts";
import { lockedScene, sign } from "../../support/workerd/locked.ts";
import { oneFrame } from "../../support/workerd/map-stream.ts";
import { NativeClient } from "../../support/workerd/native-client.ts";
import { ORIGIN } from "../../support/workerd/signed-request.ts";
import { TestNode, accepted, type Fields } from "../../support/workerd/test-node.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const NONE = new Uint8Array(0);
/** What a client sends that logs out. */
const LOG_OUT = { Auth: null, Expiry: "1970-01-01T00:02:03Z" };

async function devices(tailnet: string): Promise<Fields[]> {
  const { json } = await admin("GET", `/api/v2/tailnet/${tailnet}/devices`);
  return json["devices"] as Fields[];
}

async function deviceOf(tailnet: string, { nodeKey }: TestNode): Promise<Fields> {
  return (await devices(tailnet)).find((device) => device["nodeKey"] === nodeKey) ?? {};
}

/** Asks for a map, as a client does that has heard that it is in. */
async function heard(client: NativeClient): Promise<void> {
  expect((await client.ask("POST", "/machine/map", { OmitPeers: true })).status).toBe(200);
}

async function approve(tailnet: string, { AuthURL }: RegisterResponse): Promise<void> {
  const id = AuthURL.split("/").at(-1) ?? "";
  expect((await admin("POST", `/api/v2/tailnet/${tailnet}/logins/${id}/approve`, {})).status).toBe(200);
}

async function joined(hostname: string): Promise<{ tailnet: string; client: NativeClient }> {
  const tailnet = await makeTailnet();
  const client = new NativeClient(hostname);
  await client.registered(await makeAuthKey(tailnet));
  await heard(client);
  return { tailnet, client };
}

describe("a client", () => {
  test("is told whose it is: a user of its own in each tailnet, the same as in the map [M11]", async () => {
    const users = [];
    for (const hostname of ["a", "b"]) {
      const [tailnet, client, agent] = [await makeTailnet(), new NativeClient(hostname), new TestNode("agent")];
      const { User, Login, MachineAuthorized, Error } = await client.registered(await makeAuthKey(tailnet));
      await join(tailnet, agent);
      const { Node, UserProfiles } = await agent.map();
      expect([MachineAuthorized, Error]).toEqual([true, ""]);
      expect(UserProfiles?.[0]).toEqual({ ID: User.ID, LoginName: Login.LoginName, DisplayName: "Owner" });
      expect(Node?.User).toBe(User.ID);
      users.push(User.ID);
    }
    expect(users[0]).not.toBe(users[1]);
    expect(users.every(Number.isSafeInteger)).toBe(true);
  });

  test("with tags is nobody's, and of no one user with others that have tags [F9]", async () => {
    const tailnet = await makeTailnet();
    const key = await makeAuthKey(tailnet, { tags: ["tag:web"], reusable: true });
    const [one, other] = [new NativeClient("one"), new TestNode("other")];
    const { User, Login } = await one.registered(key);
    expect(Login).toMatchObject({ ID: User.ID, LoginName: "tagged-devices" });
    await other.register(key);
    const { Node, Peers, UserProfiles } = await other.map();
    const users = [User.ID, Node?.User, Peers?.[0]?.User];
    expect(new Set(users).size).toBe(3);
    const names = new Map(UserProfiles?.map(({ ID, LoginName }) => [ID, LoginName]));
    expect([Node?.User, Peers?.[0]?.User].map((id) => names.get(id ?? 0))).toEqual([
      "tagged-devices",
      "tagged-devices",
    ]);
  });

  test.each([
    [{}, ORIGIN],
    [{ PUBLIC_URL: "https://public.example" }, "https://public.example"],
    [{ PUBLIC_URL: "no address" }, ORIGIN],
  ])("is sent to a page under the address that people use (%j)", async (vars, origin) => {
    const client = new NativeClient("a");
    client.vars = vars;
    const { AuthURL } = await client.registered("", { Auth: null });
    expect(new URL(AuthURL).origin).toBe(origin);
    const page = await exports.default.fetch(new Request(`${ORIGIN}/admin`));
    expect(await page.text()).toContain("device authorize");
  });

  test("takes its name along with its host's, until an admin gives it one", async () => {
    const { tailnet, client } = await joined("a");
    await new NativeClient("b").registered(await makeAuthKey(tailnet));
    const named = async (Hostname: string): Promise<unknown> => {
      await client.ask("POST", "/machine/map", { OmitPeers: true, Hostinfo: { Hostname } });
      return (await deviceOf(tailnet, client))["name"];
    };
    const first = await named("a");
    const domain = String(first).replace("a.", "");
    expect([await named("b"), await named("b-1"), await named("Office PC"), await named("")]).toEqual([
      `b-1.${domain}`,
      `b-1.${domain}`,
      `office-pc.${domain}`,
      `office-pc.${domain}`,
    ]);
    const { nodeId } = await deviceOf(tailnet, client);
    await admin("POST", `/api/v2/device/${String(nodeId)}/name`, { name: "desk" });
    expect(await named("c")).toBe(`desk.${domain}`);
  });

  test("that is too old is told so", async () => {
    const key = await makeAuthKey(await makeTailnet());
    const { Error } = await new NativeClient("old").registered(key, { Version: 96 });
    expect(Error).toContain("update it to v1.68.0 or later");
    expect((await new NativeClient("new").registered(key, { Version: 97 })).Error).toBe("");
  });
});

describe("a lost answer", () => {
  test.each([false, true])("to a joining costs neither the key nor a device (reusable: %s) [G16]", async (reusable) => {
    const tailnet = await makeTailnet();
    const key = await makeAuthKey(tailnet, { reusable });
    const client = new NativeClient("a");
    await client.registered(key);
    const first = await deviceOf(tailnet, client);
    // The client has heard nothing: it tries again with another key, and names none before it.
    client.newKey();
    expect((await client.registered(key)).MachineAuthorized).toBe(true);
    expect(await devices(tailnet)).toHaveLength(1);
    expect((await deviceOf(tailnet, client))["nodeId"]).toBe(first["nodeId"]);
    await heard(client);
    client.newKey();
    const again = await client.registered(key);
    expect([again.Error !== "", (await devices(tailnet)).length]).toEqual(reusable ? [false, 2] : [true, 1]);
  });

  test("says nothing for another machine, nor for another auth key", async () => {
    const tailnet = await makeTailnet();
    const [one, two] = [await makeAuthKey(tailnet), await makeAuthKey(tailnet)];
    const client = new NativeClient("a");
    await client.registered(one);
    expect((await new NativeClient("b").registered(one)).Error).toContain("is spent");
    client.newKey();
    await client.registered(two);
    expect(await devices(tailnet)).toHaveLength(2);
  });

  test("to a re-authentication leads back to the node, also by a key that is retired", async () => {
    const { tailnet, client } = await joined("a");
    const { nodeId } = await deviceOf(tailnet, client);
    const key = await makeAuthKey(tailnet);
    const OldNodeKey = client.newKey();
    await client.registered(key, { OldNodeKey });
    client.newKey();
    expect((await client.registered(key, { OldNodeKey })).Error).toBe("");
    expect((await devices(tailnet)).map((device) => [device["nodeId"], device["nodeKey"]])).toEqual([
      [nodeId, client.nodeKey],
    ]);
  });
});

describe("a clone of a client", () => {
  test("that is let in after the other has a new key is a device of its own, and both stay", async () => {
    const { tailnet, client } = await joined("a");
    const shared = client.nodeKey;
    client.newKey();
    await client.registered(await makeAuthKey(tailnet), { OldNodeKey: shared });
    await heard(client);
    const one = client.nodeKey;
    client.newKey();
    await client.registered(await makeAuthKey(tailnet), { OldNodeKey: shared });
    await heard(client);
    expect((await devices(tailnet)).map((device) => device["nodeKey"])).toEqual([one, client.nodeKey]);
  });
});

describe("a client that logs out", () => {
  test("and in again gets its node back, though it has forgotten its key [G16]", async () => {
    const { tailnet, client } = await joined("a");
    const before = await deviceOf(tailnet, client);
    expect((await client.registered("", LOG_OUT)).NodeKeyExpired).toBe(true);
    expect((await deviceOf(tailnet, client))["expired"]).toBe(true);
    client.newKey();
    const asked = await client.registered("", { Auth: null });
    expect(asked.AuthURL).not.toBe("");
    await approve(tailnet, asked);
    const done = await client.registered("", { Auth: null, Followup: asked.AuthURL });
    expect([done.AuthURL, done.NodeKeyExpired, done.MachineAuthorized]).toEqual(["", false, true]);
    const after = await deviceOf(tailnet, client);
    expect([after["nodeId"], after["addresses"], after["expired"]]).toEqual([
      before["nodeId"],
      before["addresses"],
      false,
    ]);
  });

  test("of a locked tailnet is handed no signature that it could not rotate", async () => {
    const { tailnet, alice } = await lockedScene();
    const client = new NativeClient("a");
    await client.registered(await makeAuthKey(tailnet));
    await sign(alice, client);
    await client.registered("", LOG_OUT);
    client.newKey();
    const { NodeKeySignature, MachineAuthorized } = await client.registered(await makeAuthKey(tailnet));
    expect([NodeKeySignature, MachineAuthorized]).toEqual([NONE, true]);
  });

  test("twice, or after it was removed, is out, and waits for nobody", async () => {
    const { tailnet, client } = await joined("a");
    const { nodeId } = await deviceOf(tailnet, client);
    await admin("DELETE", `/api/v2/device/${String(nodeId)}`);
    for (const of of [client, new NativeClient("nobody")]) {
      const { NodeKeyExpired, AuthURL, Error } = await of.registered("", LOG_OUT);
      expect([NodeKeyExpired, AuthURL, Error]).toEqual([true, "", ""]);
    }
  });

  test("goes at once where it is ephemeral", async () => {
    const tailnet = await makeTailnet();
    const client = new NativeClient("a");
    await client.registered(await makeAuthKey(tailnet, { ephemeral: true }));
    await client.registered("", LOG_OUT);
    expect(await devices(tailnet)).toEqual([]);
  });
});

describe("a client that takes a new key", () => {
  test("though the old one is good is let in anew first, and its time begins anew [G2]", async () => {
    const { tailnet, client } = await joined("a");
    const { nodeId } = await deviceOf(tailnet, client);
    const OldNodeKey = client.newKey();
    const asked = await client.registered("", { Auth: null, OldNodeKey });
    expect(asked.AuthURL).not.toBe("");
    expect((await devices(tailnet)).map((device) => device["nodeKey"])).toEqual([OldNodeKey]);
    await later(10 * 60_000, async () => {
      await approve(tailnet, asked);
      await client.registered("", { Auth: null, OldNodeKey, Followup: asked.AuthURL });
    });
    const { nodeId: after, expires } = await deviceOf(tailnet, client);
    expect(after).toBe(nodeId);
    expect(Date.parse(String(expires))).toBeGreaterThan(Date.now() + 180 * DAY_MS);
  });

  test("by an auth key that is no good is told so, and keeps what it has", async () => {
    const { tailnet, client } = await joined("a");
    const spent = await makeAuthKey(tailnet);
    await new NativeClient("b").registered(spent);
    const OldNodeKey = client.newKey();
    expect((await client.registered(spent, { OldNodeKey })).Error).toContain("is spent");
    client.nodeKey = OldNodeKey;
    expect((await client.registered("", { Auth: null })).Error).toBe("");
  });

  test("in a locked tailnet rotates what it is handed, once it was let in, also where it has to ask twice [G10]", async () => {
    const { tailnet, alice } = await lockedScene();
    const client = new NativeClient("a");
    await client.registered(await makeAuthKey(tailnet));
    await sign(alice, client);
    const OldNodeKey = client.newKey();
    const asked = await client.registered("", { Auth: null, OldNodeKey });
    expect([asked.AuthURL === "", asked.NodeKeySignature]).toEqual([false, NONE]);
    await approve(tailnet, asked);
    const followUp = { Auth: null, OldNodeKey, Followup: asked.AuthURL };
    // The first answer goes to a connection that the client has left behind while it waited.
    await client.registered("", followUp);
    const handed = await client.registered("", followUp);
    const NodeKeySignature = rotateSignature(handed.NodeKeySignature, client.nodeKey, client.lockKey);
    expect((await client.registered("", { ...followUp, NodeKeySignature })).MachineAuthorized).toBe(true);
    expect((await deviceOf(tailnet, client))["tailnetLockError"]).toBe("");
  });

  test("may shorten its time, and not lengthen it", async () => {
    const { tailnet, client } = await joined("a");
    const sooner = new Date(Date.now() + DAY_MS).toISOString();
    for (const Expiry of [sooner, new Date(Date.now() + 900 * DAY_MS).toISOString()])
      await client.registered("", { Auth: null, Expiry });
    const { expires } = await deviceOf(tailnet, client);
    expect(Date.parse(String(expires))).toBe(Date.parse(sooner));
  });
});

describe("a client whose node is here no more", () => {
  const lastMap = async (client: NativeClient): Promise<MapResponse> => {
    const response = await client.fetch("POST", "/machine/map", { Stream: true });
    return accepted(await oneFrame(response), mapResponse);
  };

  test("sees itself as expired, with what it was known by, and nobody else [M12]", async () => {
    const { tailnet, client } = await joined("a");
    await join(tailnet, new TestNode("peer"));
    const { nodeId, addresses } = await deviceOf(tailnet, client);
    await admin("DELETE", `/api/v2/device/${String(nodeId)}`);
    const { Node, Peers } = await lastMap(client);
    expect([Node?.StableID, Node?.Key, Peers]).toEqual([nodeId, client.nodeKey, null]);
    expect(Node?.Addresses.map((prefix) => prefix.split("/")[0])).toEqual(addresses);
    expect(Date.parse(Node?.KeyExpiry ?? "")).toBe(123_000);
  });

  test("and a clone's that another has taken over; a stranger's key stays unknown", async () => {
    const { tailnet, client } = await joined("a");
    const old = client.newKey();
    await client.registered(await makeAuthKey(tailnet), { OldNodeKey: old });
    const present = client.nodeKey;
    client.nodeKey = old;
    expect((await lastMap(client)).Node?.Key).toBe(old);
    const stranger = new NativeClient("s");
    stranger.nodeKey = present;
    expect((await stranger.ask("POST", "/machine/map", { Stream: true })).status).toBe(404);
  });
});

describe("tags that a client asks for", () => {
  const asking = (...RequestTags: string[]) => ({ Hostinfo: { Hostname: "a", OS: "linux", RequestTags } });

  test("are given where its auth key carries them, and it is refused otherwise [G17]", async () => {
    const tailnet = await makeTailnet();
    const key = await makeAuthKey(tailnet, { reusable: true, tags: ["tag:ci", "tag:web"] });
    const client = new NativeClient("a");
    const { Error } = await client.registered(key, asking("tag:web", "tag:prod"));
    expect(Error).toContain("requested tags [tag:prod] are invalid or not permitted");
    await client.registered(key, asking("tag:web"));
    expect((await deviceOf(tailnet, client))["tags"]).toEqual(["tag:ci", "tag:web"]);
    expect((await client.registered(key, asking("web"))).Error).toBe("");
    const bad = await new NativeClient("b").registered(key, asking("web"));
    expect(bad.Error).toContain("tag:name");
  });

  test("are given where the policy lets whoever vouches give them [F10]", async () => {
    const tailnet = await makeTailnet();
    await setPolicy(
      tailnet,
      `{"tagOwners": {"tag:ci": [], "tag:web": ["autogroup:admin"], "tag:db": ["tag:ci"], "tag:prod": ["bob@example.com"]}}`,
    );
    const [plain, tagged] = [await makeAuthKey(tailnet), await makeAuthKey(tailnet, { tags: ["tag:ci"] })];
    const client = new NativeClient("a");
    const refusal = (tag: string): string => `requested tags [${tag}] are invalid or not permitted`;
    expect((await client.registered(plain, asking("tag:prod"))).Error).toContain(refusal("tag:prod"));
    expect((await client.registered(plain, asking("tag:db"))).Error).toContain(refusal("tag:db"));
    expect((await client.registered(plain, asking("tag:web"))).Error).toBe("");
    expect((await deviceOf(tailnet, client))["tags"]).toEqual(["tag:web"]);
    const other = new NativeClient("b");
    expect((await other.registered(tagged, asking("tag:web"))).Error).toContain(refusal("tag:web"));
    expect((await other.registered(tagged, asking("tag:db"))).Error).toBe("");
    expect((await deviceOf(tailnet, other))["tags"]).toEqual(["tag:ci", "tag:db"]);
  });

  test("are shown to whoever approves its login, and are those and no others: who asks for others has another login [G17]", async () => {
    const tailnet = await makeTailnet();
    await setPolicy(tailnet, `{"tagOwners": {"tag:web": ["autogroup:admin"], "tag:prod": ["autogroup:admin"]}}`);
    const client = new NativeClient("a");
    const ask = (followUp: Partial<RegisterResponse>, ...tags: string[]): Promise<RegisterResponse> =>
      client.registered("", { Auth: null, Followup: followUp.AuthURL ?? "", ...asking(...tags) });
    const plain = await ask({});
    const tagged = await ask({}, "tag:web");
    expect((await ask({}, "tag:web")).AuthURL).toBe(tagged.AuthURL);
    const { json } = await admin("GET", "/api/v2/logins");
    expect((json["logins"] as Fields[]).find(({ nodeKey }) => nodeKey === client.nodeKey)?.["tags"]).toEqual([
      "tag:web",
    ]);
    const gone = plain.AuthURL.split("/").at(-1) ?? "";
    expect((await admin("POST", `/api/v2/tailnet/${tailnet}/logins/${gone}/approve`, {})).status).toBe(404);
    await approve(tailnet, tagged);
    expect((await ask(tagged, "tag:prod")).Error).toContain("not those with which this login was approved");
    expect((await ask(tagged, "tag:web")).Error).toBe("");
    expect((await deviceOf(tailnet, client))["tags"]).toEqual(["tag:web"]);
  });

  test("that a node has lost keep it out of nothing when it comes back", async () => {
    const tailnet = await makeTailnet();
    const client = new NativeClient("a");
    await client.registered(await makeAuthKey(tailnet, { tags: ["tag:ci"] }), asking("tag:ci"));
    const { nodeId } = await deviceOf(tailnet, client);
    await admin("POST", `/api/v2/device/${String(nodeId)}/tags`, { tags: [] });
    expect((await client.registered("", { Auth: null, ...asking("tag:ci") })).Error).toBe("");
    expect((await deviceOf(tailnet, client))["tags"]).toEqual([]);
  });
});
