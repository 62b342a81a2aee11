/** The agent against a control plane that changes its mind, breaks down, and lies [Z14] [Z15]. */

import { describe, expect, test } from "vitest";
import { AgentError, nodeVerifier } from "../../src/node/index.ts";
import { ControlUnreachable } from "../../src/node/errors.ts";
import { KeyStore } from "../../src/node/key-store.ts";
import { lockSigner } from "../../src/node/native-crypto.ts";
import type { ControlErrorCode } from "../../src/protocol/index.ts";
import { authorizeNodeKey, encodeAum, signAum, signDirect } from "../../src/tka/index.ts";
import { lockKey, nodeKey } from "../support/chains-keys.ts";
import { addKey, removeKey } from "../support/chains-recipes.ts";
import { chain } from "../support/chains.ts";
import { FakeControl, mapNode, refused } from "./support/fake-control.ts";
import { seen, startAgent, type TestAgent, type TestAgentOptions } from "./support/test-agent.ts";
import { eventually } from "../support/eventually.ts";

//  G - A - R          A trusts Bob's key, R removes it
const c = chain("G -> A -> R", { keys: { alice: 1 }, aums: { A: addKey("bob"), R: removeKey("bob") } });

function addPeer(control: FakeControl, id: number, name: string, by: string | null): void {
  const key = nodeKey(name);
  control.add(mapNode(id, name, key, by === null ? new Uint8Array(0) : signDirect(key, null, lockKey(by))));
}

function addSelf(control: FakeControl, { store }: TestAgent, by: string | null): void {
  const signature = by === null ? new Uint8Array(0) : signDirect(store.nodeKey, null, lockKey(by));
  control.add(mapNode(9, "self", store.nodeKey, signature));
}

describe("joining", () => {
  test("sends the keys, and is remembered", async () => {
    const control = new FakeControl();
    const one = startAgent(control);
    await eventually(() => expect(one.agent.status().node.connected).toBe(true));
    const [register] = control.asked;
    expect(register).toMatchObject({
      what: "register",
      body: { NodeKey: one.store.nodeKey, Auth: { AuthKey: "tskey-auth-x" } },
    });
    expect(register?.body["NLKey"]).toMatch(/^nlpub:/);
    one.stop();
    await one.running;
    const again = startAgent(control, { directory: one.directory, authKey: null });
    await eventually(() => expect(again.agent.status().node.connected).toBe(true));
    expect(control.asked.filter(({ what }) => what === "register")).toHaveLength(1);
  });

  test("without an auth key asks to be let in, and ends where the control plane wants a key", async () => {
    const control = new FakeControl();
    control.failures.set("register", [refused("bad_auth_key")]);
    const { running } = startAgent(control, { authKey: null });
    await expect(running).rejects.toMatchObject({
      code: "refused",
      hint: expect.stringContaining("auth key") as string,
    });
    expect(control.asked[0]?.body).toMatchObject({ Auth: null, Followup: "" });
  });

  test("that the control plane refuses ends the agent", async () => {
    const control = new FakeControl();
    control.failures.set("register", [refused("auth_key_spent")]);
    await expect(startAgent(control).running).rejects.toMatchObject({ code: "refused" });
  });

  test("that does not get through is tried again", async () => {
    const control = new FakeControl();
    control.failures.set("register", [new ControlUnreachable("down"), new ControlUnreachable("down")]);
    const one = startAgent(control);
    await eventually(() => expect(one.agent.status().node.connected).toBe(true));
    expect(one.lines.filter((line) => line.startsWith("not connected: down"))).toHaveLength(1);
  });

  test("that passes by itself is tried again before there is a place, too [Z8]", async () => {
    const control = new FakeControl();
    control.failures.set("register", [refused("replayed_request"), refused("try_again")]);
    const one = startAgent(control);
    await eventually(() => expect(one.agent.status().node.connected).toBe(true));
  });

  test("is done again where the control plane has forgotten the node, if there is an auth key", async () => {
    const control = new FakeControl();
    control.failures.set("map", [refused("unknown_node")]);
    const one = startAgent(control);
    await eventually(() => expect(one.agent.status().node.connected).toBe(true));
    expect(control.asked.filter(({ what }) => what === "register")).toHaveLength(2);
  });

  test("again that is refused leaves the node where it was, and it polls on [Z8]", async () => {
    const control = new FakeControl();
    control.failures.set("map", [refused("unknown_node")]);
    control.failures.set("register", [refused("auth_key_spent")]);
    const one = startAgent(control, { prepare: (store) => store.update({ joined: true }) });
    await eventually(() => expect(one.agent.status().node.connected).toBe(true));
    expect(control.asked.map(({ what }) => what).slice(0, 3)).toEqual(["map", "register", "map"]);
  });
});

describe("after a join, no answer ends the agent, or unmakes the join [Z8]", () => {
  const joinedStore: TestAgentOptions = { authKey: null, prepare: (store) => store.update({ joined: true }) };

  test.each<ControlErrorCode>([
    "stale_request",
    "replayed_request",
    "try_again",
    "internal",
    "unknown_node",
    "wrong_machine",
    "forbidden",
    "malformed_request",
    "unknown_tailnet",
    "no_intersection",
    "node_key_expired",
  ])("%s to a poll", async (code) => {
    const control = new FakeControl();
    control.failures.set("map", [refused(code, `because of ${code}`)]);
    const one = startAgent(control, joinedStore);
    await eventually(() => expect(one.lines.join("\n")).toContain(`because of ${code}`));
    expect(KeyStore.open(one.directory).state.joined).toBe(true);
    await eventually(() => expect(one.agent.status().node.connected).toBe(true));
    expect(KeyStore.open(one.directory).state.joined).toBe(true);
  });

  test.each<[string, object | Error]>([
    ["a refusal", refused("bad_auth_key")],
    ["an error", { Error: "go away" }],
    ["a page to sign in at", { AuthURL: "https://control.example/a" }],
    ["that the new key has expired", { NodeKeyExpired: true }],
  ])("%s to the registration of a new node key", async (_what, answer) => {
    const control = new FakeControl();
    control.failures.set("map", [refused("node_key_expired")]);
    if (answer instanceof Error) control.failures.set("register", [answer]);
    else control.tamper = { register: () => answer };
    const one = startAgent(control, joinedStore);
    await eventually(() => expect(control.asked.filter(({ what }) => what === "register")).not.toHaveLength(0));
    await eventually(() => expect(one.lines.length).toBeGreaterThan(1));
    expect(KeyStore.open(one.directory).state.joined).toBe(true);
    control.tamper = {};
    await eventually(() => expect(one.agent.status().node.connected).toBe(true));
    expect(one.store.state.replaces).toBeNull();
  });

  test("but a fault of this machine does", async () => {
    const one = startAgent(new FakeControl(), joinedStore);
    await eventually(() => expect(one.agent.status().node.connected).toBe(true));
    const control = new FakeControl();
    control.failures.set("map", [new Error("disk full")]);
    await expect(startAgent(control, joinedStore).running).rejects.toThrow("disk full");
  });
});

describe("the map", () => {
  test("that ends, or breaks off, is opened again where it was; only the second is told of", async () => {
    const control = new FakeControl();
    addPeer(control, 1, "a", null);
    const one = startAgent(control);
    await eventually(() => expect(seen(one)).toEqual(["a"]));
    control.drop();
    await eventually(() => expect(control.asked.filter(({ what }) => what === "map")).toHaveLength(2));
    expect(one.lines.join("\n")).not.toContain("lost");
    control.drop(new ControlUnreachable("cut"));
    await eventually(() => expect(control.asked.filter(({ what }) => what === "map")).toHaveLength(3));
    expect(one.lines.filter((line) => line === "connection lost: cut")).toHaveLength(1);
    const places = control.asked.flatMap(({ what, body }) => (what === "map" ? [body["MapSessionHandle"]] : []));
    expect(places).toEqual([undefined, "session 1", "session 2"]);
    addPeer(control, 2, "b", null);
    await eventually(() => expect(seen(one)).toEqual(["a", "b"]));
  });

  test("is told of the head that the node has come to", async () => {
    const control = new FakeControl();
    control.lock(...c.aums("G"));
    const one = startAgent(control);
    const told = (): unknown[] => control.asked.flatMap(({ what, body }) => (what === "tell" ? [body["TKAHead"]] : []));
    await eventually(() => expect(told()).toEqual([c.hash("G")]));
    control.extend(...c.aums("A"));
    await eventually(() => expect(told()).toEqual([c.hash("G"), c.hash("A")]));
    await one.agent.ignoreLock();
    expect(told()).toEqual([c.hash("G"), c.hash("A"), ""]);
  });
});

describe("peers", () => {
  test("come and go with deltas", async () => {
    const control = new FakeControl();
    addPeer(control, 1, "a", null);
    const one = startAgent(control);
    await eventually(() => expect(seen(one)).toEqual(["a"]));
    addPeer(control, 2, "b", null);
    await eventually(() => expect(seen(one)).toEqual(["a", "b"]));
    expect(one.lines.join("\n")).toContain("peer visible: b.example.");
  });

  test("that are not signed never become visible under a lock, by a full response or a delta", async () => {
    const control = new FakeControl();
    control.lock(...c.aums("G"));
    addPeer(control, 1, "a", "alice");
    addPeer(control, 2, "m", null);
    const one = startAgent(control);
    await eventually(() => expect(seen(one)).toEqual(["a"]));
    addPeer(control, 3, "n", "mallory");
    await eventually(() => expect(one.agent.view.peers.filtered).toHaveLength(2));
    expect(seen(one)).toEqual(["a"]);
    addPeer(control, 3, "n", "alice");
    await eventually(() => expect(seen(one)).toEqual(["a", "n"]));
  });

  test("lose their place with the key that signed them", async () => {
    const control = new FakeControl();
    control.lock(...c.aums("G", "A"));
    addPeer(control, 1, "a", "alice");
    addPeer(control, 2, "b", "bob");
    const one = startAgent(control);
    await eventually(() => expect(seen(one)).toEqual(["a", "b"]));
    control.extend(...c.aums("R"));
    await eventually(() => expect(seen(one)).toEqual(["a"]));
    expect(one.agent.lock.authority?.head).toBe(c.hash("R"));
  });
});

describe("the node itself", () => {
  test("knows whether it is signed", async () => {
    const control = new FakeControl();
    control.lock(...c.aums("G"));
    const one = startAgent(control);
    addSelf(control, one, null);
    await eventually(() => expect(one.agent.lockStatus()).toMatchObject({ Enabled: true, NodeKeySigned: false }));
    addSelf(control, one, "alice");
    await eventually(() => expect(one.agent.lockStatus().NodeKeySigned).toBe(true));
    expect(one.store.state.signature).not.toHaveLength(0);
  });

  test("keeps the signature that was proven, whatever it is told later, and rotates it for its next key [R6]", async () => {
    const control = new FakeControl();
    control.lock(...c.aums("G"));
    const one = startAgent(control);
    const old = one.store.nodeKey;
    const { publicKey } = lockSigner(one.store.state.lockKey);
    const proven = signDirect(old, publicKey, lockKey("alice"));
    control.add(mapNode(9, "self", old, proven));
    await eventually(() => expect(one.store.state.signature).toEqual(proven));
    control.add(mapNode(9, "self", old, signDirect(old, publicKey, lockKey("mallory"))));
    await eventually(() => expect(one.agent.lockStatus().NodeKeySigned).toBe(false));
    expect(one.store.state.signature).toEqual(proven);
    control.failures.set("map", [refused("node_key_expired")]);
    control.drop();
    await eventually(() => expect(control.asked.filter(({ what }) => what === "register")).toHaveLength(2));
    const sent = control.asked.filter(({ what }) => what === "register")[1]?.body["NodeKeySignature"] as Uint8Array;
    const { state } = one.agent.lock.require();
    expect(authorizeNodeKey(state, one.store.nodeKey, sent, nodeVerifier).rotation?.previousNodeKeys).toEqual([old]);
  });

  test("is not signed where another node's key is shown as its own", async () => {
    const control = new FakeControl();
    control.lock(...c.aums("G"));
    const one = startAgent(control);
    const other = nodeKey("other");
    control.response = (...session) => ({
      ...FakeControl.prototype.response.apply(control, session),
      Node: mapNode(9, "self", other, signDirect(other, null, lockKey("alice"))),
    });
    addSelf(control, one, null);
    await eventually(() => expect(one.agent.view.netmap.self?.Key).toBe(other));
    expect(one.agent.lockStatus().NodeKeySigned).toBe(false);
    expect(one.store.state.signature).toHaveLength(0);
  });
});

describe("a control plane that lies", () => {
  test("about the lock being off changes nothing", async () => {
    const control = new FakeControl();
    control.lock(...c.aums("G"));
    addPeer(control, 1, "a", "alice");
    addPeer(control, 2, "m", null);
    const one = startAgent(control);
    await eventually(() => expect(seen(one)).toEqual(["a"]));
    control.change(() => (control.saysOfLock = { Head: "", Disabled: true }));
    await eventually(() => expect(one.lines.join("\n")).toContain("stays on"));
    expect(seen(one)).toEqual(["a"]);
  });

  test("with a forged update is not followed: peers stay judged by the chain as it was [Z15]", async () => {
    const control = new FakeControl();
    control.lock(...c.aums("G"));
    addPeer(control, 1, "a", "alice");
    const one = startAgent(control);
    await eventually(() => expect(seen(one)).toEqual(["a"]));
    const forged = signAum({ ...c.aum("A"), signatures: null }, lockKey("mallory"));
    control.tamper = { offer: () => ({ Head: c.hash("R"), MissingAUMs: [encodeAum(forged)] }) };
    addPeer(control, 2, "b", "bob");
    control.extend(...c.aums("A"));
    await eventually(() => expect(one.lines.join("\n")).toContain("sync failed"));
    expect(one.agent.lock.authority?.head).toBe(c.hash("G"));
    expect(seen(one)).toEqual(["a"]);
    control.tamper = {};
    await eventually(() => expect(seen(one)).toEqual(["a", "b"]));
  });

  test("by a lock that is not one leaves the node without a lock, as it was", async () => {
    const control = new FakeControl();
    addPeer(control, 1, "a", null);
    const one = startAgent(control);
    await eventually(() => expect(seen(one)).toEqual(["a"]));
    control.tamper = { bootstrap: () => ({ GenesisAUM: Uint8Array.of(1) }) };
    control.lock(...c.aums("G"));
    await eventually(() => expect(one.lines.join("\n")).toContain("sync failed"));
    expect(one.agent.lock.authority).toBeNull();
    control.tamper = {};
    await eventually(() => expect(one.agent.lock.authority?.head).toBe(c.hash("G")));
    await eventually(() => expect(seen(one)).toEqual([]));
  });
});

describe("a restart", () => {
  test("keeps the chain: a control plane that says nothing of the lock does not get it off", async () => {
    const control = new FakeControl();
    control.lock(...c.aums("G", "A"));
    const one = startAgent(control);
    await eventually(() => expect(one.agent.lock.authority?.head).toBe(c.hash("A")));
    one.stop();
    await one.running;
    const silent = new FakeControl();
    addPeer(silent, 1, "a", "alice");
    addPeer(silent, 2, "m", null);
    const again = startAgent(silent, { directory: one.directory });
    await eventually(() => expect(seen(again)).toEqual(["a"]));
    expect(silent.asked.find(({ what }) => what === "map")?.body).toMatchObject({ TKAHead: c.hash("A") });
  });

  test("a damaged chain is said so, and is not written over", async () => {
    const { LocalLock } = await import("../../src/node/local-lock.ts");
    const { nodeKdf } = await import("../../src/node/index.ts");
    const chonk = c.chonk(["A", "R"]);
    chonk.point(c.hash("R"), c.hash("A"));
    const open = (): unknown => new LocalLock({ chonk, verifier: nodeVerifier, kdf: nodeKdf, now: () => 0 });
    expect(open).toThrow(AgentError);
    expect(open).toThrow(/cannot be opened/);
  });
});
