/** A node that somebody must let in: it waits, asks again under the address it was given, and says where to go [R7]. */

import { describe, expect, test } from "vitest";
import { ControlUnreachable } from "../../src/node/errors.ts";
import { signDirect } from "../../src/tka/index.ts";
import { lockKey, nodeKey } from "../support/chains-keys.ts";
import { chain } from "../support/chains.ts";
import { FakeControl, mapNode, refused } from "./support/fake-control.ts";
import { startAgent } from "./support/test-agent.ts";
import { eventually } from "../support/eventually.ts";

const URL_A = "https://control.example/a/123";

/** A control plane that lets nobody in before somebody has been there. */
function closed(): FakeControl {
  const control = new FakeControl();
  control.tamper = { register: () => ({ AuthURL: URL_A }) };
  return control;
}

function followups(control: FakeControl): unknown[] {
  return control.asked.filter(({ what }) => what === "register").map(({ body }) => body["Followup"]);
}

describe("a new node", () => {
  test("says where once, asks again under that address, and is in once somebody was there", async () => {
    const control = closed();
    const one = startAgent(control, { authKey: null });
    await eventually(() => expect(followups(control).length).toBeGreaterThan(2));
    expect(followups(control).slice(0, 3)).toEqual(["", URL_A, URL_A]);
    expect(one.agent.status().node).toMatchObject({ approvalUrl: URL_A, joined: false });
    expect(one.lines.filter((line) => line.includes(URL_A))).toEqual([
      `to let this node in, an admin approves it at ${URL_A}`,
    ]);
    control.tamper = {};
    await eventually(() =>
      expect(one.agent.status().node).toMatchObject({ approvalUrl: "", joined: true, connected: true }),
    );
    expect(
      new Set(control.asked.filter(({ what }) => what === "register").map(({ body }) => body["NodeKey"])).size,
    ).toBe(1);
  });

  test("asks ever more rarely where the control plane does not hold the question", async () => {
    const control = closed();
    startAgent(control, { authKey: null });
    await new Promise((resolve) => setTimeout(resolve, 2000));
    // Steps of 0.25 to 0.5 s, 0.5 to 1 s, 1 to 2 s.
    expect(followups(control).length).toBeLessThanOrEqual(4);
  });

  test("goes on under the same address after the connection was lost", async () => {
    const control = closed();
    const one = startAgent(control, { authKey: null });
    await eventually(() => expect(followups(control)).toHaveLength(1));
    control.failures.set("register", [new ControlUnreachable("down")]);
    await eventually(() => expect(followups(control).length).toBeGreaterThan(2));
    expect(followups(control).slice(1)).not.toContain("");
    one.stop();
    await one.running;
  });

  test("ends where somebody says no", async () => {
    const control = closed();
    const one = startAgent(control, { authKey: null });
    await eventually(() => expect(followups(control)).toHaveLength(1));
    control.failures.set("register", [refused("forbidden", "an admin said no")]);
    await expect(one.running).rejects.toThrow("an admin said no");
  });

  test("stops when it is told to, while it waits", async () => {
    const control = closed();
    const one = startAgent(control, { authKey: null });
    await eventually(() => expect(followups(control)).toHaveLength(1));
    one.stop();
    await one.running;
  });

  test.each([["javascript:alert(1)"], ["not an address"], [`https://x/${"y".repeat(3000)}`]])(
    "shows nobody an address that is none: %.30s",
    async (url) => {
      const control = new FakeControl();
      control.tamper = { register: () => ({ AuthURL: url }) };
      const one = startAgent(control, { authKey: null });
      await expect(one.running).rejects.toMatchObject({ code: "join_failed" });
      expect(one.lines.join("\n")).not.toContain(url);
    },
  );
});

test("a node whose key has run out waits likewise, with its new key and the rotation of its signature", async () => {
  const c = chain("G", { keys: { alice: 1 } });
  const control = new FakeControl();
  control.lock(...c.aums("G"));
  const one = startAgent(control);
  const old = one.store.nodeKey;
  const rotationKey = one.agent.actContext.bind(one.agent);
  await eventually(() => expect(one.agent.lockStatus().Enabled).toBe(true));
  const signature = signDirect(old, rotationKey().signer.publicKey, lockKey("alice"));
  control.add(mapNode(9, "self", old, signature));
  await eventually(() => expect(one.agent.lockStatus().NodeKeySigned).toBe(true));
  one.stop();
  await one.running;
  control.tamper = { register: () => ({ AuthURL: URL_A }) };
  control.failures.set("map", [refused("node_key_expired")]);
  const again = startAgent(control, { directory: one.directory, authKey: null });
  await eventually(() => expect(again.agent.status().node.approvalUrl).toBe(URL_A));
  control.tamper = {};
  await eventually(() => expect(again.agent.status().node.approvalUrl).toBe(""));
  const registered = control.asked.filter(({ what }) => what === "register").slice(1);
  expect(new Set(registered.map(({ body }) => body["NodeKey"]))).toEqual(new Set([again.store.nodeKey]));
  expect(again.store.nodeKey).not.toBe(old);
  for (const { body } of registered) {
    expect(body["OldNodeKey"]).toBe(old);
    expect(body["NodeKeySignature"]).not.toHaveLength(0);
  }
});

describe("a node key that is over, by what the map says [R8]", () => {
  test("is replaced, and the new one is registered in its place", async () => {
    const control = new FakeControl();
    const one = startAgent(control);
    const old = one.store.nodeKey;
    control.add({ ...mapNode(9, "self", old), KeyExpiry: new Date(Date.now() + 300).toISOString() });
    await eventually(() => expect(one.agent.status().node.keyExpiry).not.toBe(""));
    await eventually(() => expect(control.asked.filter(({ what }) => what === "register")).toHaveLength(2));
    expect(control.asked.findLast(({ what }) => what === "register")?.body).toMatchObject({
      OldNodeKey: old,
      NodeKey: one.store.nodeKey,
    });
    control.add(mapNode(9, "self", one.store.nodeKey));
    await eventually(() =>
      expect(one.agent.status().node).toMatchObject({ connected: true, nodeKey: one.store.nodeKey }),
    );
    expect(one.store.state.replaces).toBeNull();
  });

  test("is another node's where it stands at another key", async () => {
    const control = new FakeControl();
    const one = startAgent(control);
    control.add(mapNode(9, "self", one.store.nodeKey));
    control.add({ ...mapNode(1, "p", nodeKey("p")), KeyExpiry: new Date(Date.now() - 1000).toISOString() });
    await eventually(() => expect(one.agent.view.peers.visible).toHaveLength(1));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(control.asked.filter(({ what }) => what === "register")).toHaveLength(1);
  });
});
