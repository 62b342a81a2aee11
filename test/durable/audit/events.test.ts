/** The record of a tailnet: what each act leaves in it, linked by hashes [W2][W3][W4]. */

import { evictDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { emptyResponse } from "../../../src/protocol/index.ts";
import { EVENT_KINDS, eventHash, type StoredEvent } from "../../../src/durable/audit/events.ts";
import { encodeBase64 } from "../../../src/protocol/index.ts";
import { encodeHex, equalBytes, formatLockKey, nodeKeyFromRaw, signDirect } from "../../../src/tka/index.ts";
import { admin, authorityOf, join, makeAuthKey, makeTailnet } from "../../support/workerd/control.ts";
import { storedEvents } from "../../support/workerd/events.ts";
import { LocalChain, lockedScene, sign } from "../../support/workerd/locked.ts";
import { refused } from "../../support/workerd/refused.ts";
import { randomBytes } from "../../support/workerd/signed-request.ts";
import { TestNode, accepted } from "../../support/workerd/test-node.ts";

function kinds(events: readonly StoredEvent[]): string[] {
  return events.map(({ kind }) => kind);
}

/** The one event of a kind. */
function only(events: readonly StoredEvent[], kind: string): Record<"actor" | "target" | "old" | "new", unknown> {
  const found = events.filter((event) => event.kind === kind);
  if (found.length !== 1 || found[0] === undefined) throw new Error(`${found.length} events of kind ${kind}`);
  const [{ actor, target, old, new: next }] = found as [StoredEvent];
  return {
    actor: JSON.parse(actor),
    target: JSON.parse(target),
    old: JSON.parse(old),
    new: JSON.parse(next),
  };
}

describe("an act leaves an event", () => {
  test("with who did it, by which door, and what was there before [W2]", async () => {
    const { tailnet, alice, bob } = await lockedScene();
    const chain = await LocalChain.of(alice);
    const before = chain.authority.head;
    await chain.change((builder) => builder.removeKey(bob.lockKey.publicKey));
    const events = await storedEvents(tailnet);
    const { actor, target, old, new: next } = only(events, "lock.changed");
    expect(actor).toMatchObject({ type: "NODE", name: "alice" });
    expect(target).toMatchObject({ type: "TAILNET", id: tailnet, property: "TKA" });
    expect([old, next]).toEqual([
      { head: before, trustedKeys: [alice, bob].map(keyText) },
      { head: chain.authority.head, trustedKeys: [keyText(alice)] },
    ]);
    expect(only(events, "tailnet.created").actor).toMatchObject({ type: "OPERATOR" });
  });

  test("and nothing where it changes nothing, or is refused", async () => {
    const { tailnet, alice, bob, carol } = await lockedScene();
    const count = (await storedEvents(tailnet)).length;
    const Signature = signDirect(bob.nodeKey, bob.lockKey.publicKey, alice.lockKey);
    accepted(await alice.tka("sign", { Signature }), emptyResponse);
    accepted(await alice.tka("sign", { Signature }), emptyResponse);
    await carol.map();
    refused(await sign(carol, bob), "unknown_key");
    expect((await storedEvents(tailnet)).length).toBe(count);
  });

  test("for a disablement secret that is wrong, by a node and by an admin, without the secret [W24]", async () => {
    const { tailnet, carol } = await lockedScene();
    const count = (await storedEvents(tailnet)).length;
    const secret = randomBytes(32);
    refused(await carol.tka("disable", { DisablementSecret: secret }), "incorrect_secret");
    const path = `/api/v2/tailnet/${tailnet}`;
    const body = { disablementSecret: encodeHex(secret) };
    refused(await admin("POST", `${path}/lock/disable`, body), "incorrect_secret");
    refused(await admin("DELETE", path, body), "incorrect_secret");
    const tail = (await storedEvents(tailnet)).slice(count);
    expect(kinds(tail)).toEqual(["attempt.refused", "attempt.refused", "attempt.refused"]);
    expect(tail.map(({ actor }) => (JSON.parse(actor) as { name: string }).name)).toEqual([
      "carol",
      "Operator",
      "Operator",
    ]);
    expect(JSON.parse(tail[0]?.target ?? "")).toMatchObject({
      type: "FAILED_REQUEST",
      name: "lock.disable",
      property: "TKA",
    });
    expect(JSON.stringify(tail)).not.toContain(encodeHex(secret));
  });

  test("for each node that is locked out since another key is trusted no more, with the command that lets it in", async () => {
    const { tailnet, alice, bob, carol } = await lockedScene();
    accepted(await sign(bob, carol), emptyResponse);
    const chain = await LocalChain.of(alice);
    await chain.change((builder) => builder.removeKey(bob.lockKey.publicKey));
    const event = only(await storedEvents(tailnet), "node.needs_signature");
    expect(event.target).toMatchObject({ type: "NODE", name: "carol", property: "TKA" });
    expect(event.new).toMatchObject({
      command: `tailscale lock sign ${carol.nodeKey} ${formatLockKey(carol.lockKey.publicKey)}`,
    });
  });

  test("for a node that joins a locked tailnet, and for the one that signs it", async () => {
    const { tailnet, alice } = await lockedScene();
    const dave = new TestNode("dave");
    await join(tailnet, dave);
    accepted(await sign(alice, dave), emptyResponse);
    const tail = (await storedEvents(tailnet)).slice(-3);
    expect(kinds(tail)).toEqual(["node.joined", "node.needs_signature", "node.signed"]);
    expect(JSON.parse(tail[2]?.actor ?? "")).toMatchObject({ name: "alice" });
    expect(JSON.parse(tail[2]?.new ?? "")).toMatchObject({ signedBy: formatLockKey(alice.lockKey.publicKey) });
  });

  test("for a key that takes the place of another", async () => {
    const { tailnet, carol } = await lockedScene();
    const old = carol.nodeKey;
    carol.nodeKey = nodeKeyFromRaw(randomBytes(32));
    // The first time it is handed its signature, to rotate it [G10].
    for (let i = 0; i < 2; i++) expect((await carol.register("", { OldNodeKey: old })).status).toBe(200);
    const event = only(await storedEvents(tailnet), "node.rekeyed");
    expect([event.old, event.new]).toEqual([{ nodeKey: old }, { nodeKey: carol.nodeKey }]);
  });
});

function keyText(node: TestNode): object {
  return { key: formatLockKey(node.lockKey.publicKey), kind: "25519", votes: 1 };
}

describe("events of one request", () => {
  test("share its ID as their group, those of the control plane too [W16]", async () => {
    const { tailnet, alice, bob, carol } = await lockedScene();
    accepted(await sign(bob, carol), emptyResponse);
    const chain = await LocalChain.of(alice);
    await chain.change((builder) => builder.removeKey(bob.lockKey.publicKey));
    const events = await storedEvents(tailnet);
    const groupOf = (kind: string): unknown => events.find((event) => event.kind === kind)?.group;
    expect(groupOf("lock.changed")).toMatch(/^[0-9a-f]{32}$/);
    expect(groupOf("node.needs_signature")).toBe(groupOf("lock.changed"));
    expect(new Set(events.map(({ group }) => group)).size).toBeGreaterThan(5);
    const by = {
      actor: { type: "OPERATOR", id: "operator", name: "Operator" },
      origin: "CONFIG_API",
      group: "g1",
    } as const;
    await authorityOf(tailnet).delete(by, null);
    await authorityOf(tailnet).revokeKey({ ...by, group: "g2" }, "none");
    await authorityOf(tailnet).createAuthKey(
      { ...by, group: "g3" },
      { reusable: false, ephemeral: false, preauthorized: true, tags: [], description: "", expirySeconds: 60 },
    );
    expect((await storedEvents(tailnet)).at(-1)?.group).toBe("g3");
  });
});

describe("the record", () => {
  test("is linked by hashes, numbered without a gap, and goes on when the object was evicted [W3]", async () => {
    const { tailnet, alice } = await lockedScene();
    await evictDurableObject(authorityOf(tailnet));
    const chain = await LocalChain.of(alice);
    await chain.change((builder) => builder.setKeyVotes(alice.lockKey.publicKey, 2n));
    const events = await storedEvents(tailnet);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i + 1));
    let before: Uint8Array = new Uint8Array(0);
    for (const { hash, ...event } of events) {
      expect(encodeHex(hash)).toBe(encodeHex(eventHash(before, event)));
      before = hash;
    }
    const [first, ...rest] = events as [StoredEvent, ...StoredEvent[]];
    const edited = eventHash(new Uint8Array(0), { ...first, new: "{}" });
    expect(equalBytes(edited, first.hash) || rest.length === 0).toBe(false);
  });

  test("holds no secret [W4]", async () => {
    const { tailnet, alice, secrets } = await lockedScene();
    const authKey = await makeAuthKey(tailnet);
    const dave = new TestNode("dave");
    expect((await dave.register(authKey)).status).toBe(200);
    accepted(await alice.tka("disable", { DisablementSecret: secrets[0] }), emptyResponse);
    const text = JSON.stringify(await storedEvents(tailnet)).toLowerCase();
    const secret = secrets[0] ?? new Uint8Array(0);
    expect(text).not.toContain(encodeHex(secret));
    expect(text).not.toContain(encodeBase64(secret).toLowerCase());
    expect(text).not.toContain((authKey.split("-").at(-1) ?? "").toLowerCase());
    expect(text).toContain("lock.disabled");
  });

  test("names kinds that nobody has named twice", () => {
    expect(new Set(EVENT_KINDS).size).toBe(EVENT_KINDS.length);
  });

  test("begins with the tailnet", async () => {
    expect(kinds(await storedEvents(await makeTailnet()))).toEqual(["tailnet.created"]);
  });
});
