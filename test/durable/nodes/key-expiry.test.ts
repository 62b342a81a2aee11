/** Node keys end, and nodes come back with new ones, as Tailscale's clients do it [G8][G9][G10]. */

import { runInDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, test } from "vitest";
import { registerResponse, type RegisterResponse } from "../../../src/protocol/index.ts";
import {
  MAX_SIGNATURE_LAYERS,
  SIG_KIND,
  decodeNodeKeySignature,
  encodeNodeKeySignature,
  formatLockKey,
  makeNodeKeySignature,
  nodeKeyToBinary,
  rotateSignature,
  signByCredential,
  type NodeKey,
  type NodeKeySignature,
} from "../../../src/tka/index.ts";
import { nodeKeySigHash } from "../../../src/tka/node-key-signature.ts";
import { later } from "../../support/workerd/clock.ts";
import { admin, authorityOf, join, makeAuthKey, makeTailnet } from "../../support/workerd/control.ts";
import { lockedScene, send, sign, LocalChain, type Scene } from "../../support/workerd/locked.ts";
import { refused } from "../../support/workerd/refused.ts";
import { TestNode, accepted, type Fields } from "../../support/workerd/test-node.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const NONE = new Uint8Array(0);

async function registered(node: TestNode, authKey = "", fields: Fields = {}): Promise<RegisterResponse> {
  return accepted(await node.register(authKey, fields), registerResponse);
}

async function expire(tailnet: string, node: TestNode): Promise<void> {
  const { json } = await admin("GET", `/api/v2/tailnet/${tailnet}/devices`);
  const device = (json["devices"] as Fields[]).find(({ nodeKey }) => nodeKey === node.nodeKey);
  expect((await admin("POST", `/api/v2/device/${String(device?.["nodeId"])}/expire`)).status).toBe(200);
}

function takeNewKey(node: TestNode): NodeKey {
  const old = node.nodeKey;
  node.nodeKey = new TestNode("").nodeKey;
  return old;
}

async function kindsOf(tailnet: string): Promise<string[]> {
  return runInDurableObject(authorityOf(tailnet), (_, { storage }) =>
    storage.sql
      .exec<{ kind: string }>("SELECT kind FROM events ORDER BY seq")
      .toArray()
      .map(({ kind }) => kind),
  );
}

describe("a node key", () => {
  test("is over after the days that are set, counted from joining; that of a tagged node never is [G8]", async () => {
    const tailnet = await makeTailnet();
    await admin("PATCH", `/api/v2/tailnet/${tailnet}/settings`, { devicesKeyDurationDays: 7 });
    const [alice, ci] = [new TestNode("alice"), new TestNode("ci")];
    await join(tailnet, alice);
    await registered(ci, await makeAuthKey(tailnet, { tags: ["tag:ci"] }));
    const { Node, Peers } = await alice.map();
    expect(Date.parse(Node?.KeyExpiry ?? "") - Date.parse(Node?.Created ?? "")).toBe(7 * DAY_MS);
    expect(Peers?.map(({ KeyExpiry }) => KeyExpiry)).toEqual([""]);
    await later(7 * DAY_MS, async () => {
      expect((await registered(alice)).NodeKeyExpired).toBe(true);
      expect((await registered(ci)).NodeKeyExpired).toBe(false);
    });
  });
});

describe("a node whose key is over", () => {
  let scene: Scene;
  beforeEach(async () => {
    scene = await lockedScene();
    await expire(scene.tailnet, scene.bob);
  });

  test("may poll and read, is shown so to all, and may change nothing of the lock [G9]", async () => {
    const { alice, bob, carol } = scene;
    const self = (await bob.map()).Node;
    expect(Date.parse(self?.KeyExpiry ?? "")).toBeLessThanOrEqual(Date.now());
    const seen = (await alice.map()).Peers?.find(({ Key }) => Key === bob.nodeKey);
    expect(seen?.KeyExpiry).toBe(self?.KeyExpiry);
    const chain = await LocalChain.of(bob);
    const updates = chain.updates((builder) => builder.setKeyVotes(bob.lockKey.publicKey, 2n));
    refused(await send(bob, updates), "node_key_expired");
    refused(await sign(bob, carol), "node_key_expired");
    refused(await bob.tka("affectedSigs", { KeyID: bob.lockKey.publicKey }), "node_key_expired");
  });

  test("is handed its signature, takes a new key, is vouched for, and is in without any signer", async () => {
    const { tailnet, bob, alice } = scene;
    const told = await registered(bob);
    expect(told.NodeKeyExpired).toBe(true);
    const before = (await bob.map()).Node;
    const OldNodeKey = takeNewKey(bob);
    const NodeKeySignature = rotateSignature(told.NodeKeySignature, bob.nodeKey, bob.lockKey);
    expect((await registered(bob, "", { Auth: null, OldNodeKey, NodeKeySignature })).AuthURL).not.toBe("");
    const key = await makeAuthKey(tailnet);
    expect((await registered(bob, key, { OldNodeKey, NodeKeySignature })).NodeKeyExpired).toBe(false);
    const after = (await bob.map()).Node;
    expect([after?.ID, after?.KeySignature]).toEqual([before?.ID, NodeKeySignature]);
    expect(Date.parse(after?.KeyExpiry ?? "")).toBeGreaterThan(Date.now() + 179 * DAY_MS);
    expect((await alice.map()).Peers?.map(({ Key }) => Key)).not.toContain(OldNodeKey);
    refused(await new TestNode("x").register(key), "auth_key_spent");
  });

  test("comes back by an admin's word, in the steps of Tailscale's clients", async () => {
    const { tailnet, bob } = scene;
    const told = await registered(bob);
    const OldNodeKey = takeNewKey(bob);
    const rotated = rotateSignature(told.NodeKeySignature, bob.nodeKey, bob.lockKey);
    const asked = await registered(bob, "", { Auth: null, OldNodeKey, NodeKeySignature: rotated });
    const id = asked.AuthURL.split("/").at(-1) ?? "";
    const { json } = await admin("GET", "/api/v2/logins");
    expect(json["logins"]).toContainEqual(expect.objectContaining({ id, tailnet }));
    await admin("POST", `/api/v2/tailnet/${tailnet}/logins/${id}/approve`, {});
    // A client that follows up leaves its signature out, is handed the old one once more, and asks again.
    const followUp = { Auth: null, OldNodeKey, Followup: asked.AuthURL };
    const handed = await registered(bob, "", followUp);
    expect(handed.NodeKeySignature).toEqual(told.NodeKeySignature);
    const NodeKeySignature = rotateSignature(handed.NodeKeySignature, bob.nodeKey, bob.lockKey);
    const done = await registered(bob, "", { ...followUp, NodeKeySignature });
    expect([done.AuthURL, done.NodeKeyExpired, done.NodeKeySignature]).toEqual(["", false, NONE]);
    expect((await bob.map()).Node?.KeySignature).toEqual(NodeKeySignature);
  });

  test("that brings no signature is handed that of its old key, not past two new keys, and its auth key waits [G10]", async () => {
    const { tailnet, bob } = scene;
    const key = await makeAuthKey(tailnet);
    const first = bob.nodeKey;
    const handed = async (): Promise<Uint8Array> => {
      bob.nodeKey = new TestNode("").nodeKey;
      return (await registered(bob, key, { OldNodeKey: first })).NodeKeySignature;
    };
    const [one, two] = [await handed(), await handed()];
    expect(one.length).toBeGreaterThan(0);
    expect(two).toEqual(one);
    expect(await handed()).toEqual(NONE);
    expect((await bob.map()).Node?.KeySignature).toEqual(NONE);
  });

  test("that brings one that does not verify comes in, waits to be signed, and is not handed the bad one", async () => {
    const { tailnet, bob, alice } = scene;
    const told = await registered(bob);
    const OldNodeKey = takeNewKey(bob);
    const good = rotateSignature(told.NodeKeySignature, bob.nodeKey, bob.lockKey);
    const NodeKeySignature = good.with(-1, (good.at(-1) ?? 0) ^ 1);
    const answer = await registered(bob, await makeAuthKey(tailnet), { OldNodeKey, NodeKeySignature });
    expect([answer.NodeKeyExpired, answer.NodeKeySignature]).toEqual([false, NONE]);
    expect((await kindsOf(tailnet)).slice(-2)).toContain("node.needs_signature");
    const next = takeNewKey(bob);
    expect((await registered(bob, "", { OldNodeKey: next })).NodeKeySignature).toEqual(NONE);
    expect((await bob.map()).Node?.KeySignature).toEqual(NONE);
    await sign(alice, bob);
    expect((await bob.map()).Node?.KeySignature).not.toEqual(NONE);
  });

  test("does not come back on the word of a key that is not good", async () => {
    const { tailnet, bob } = scene;
    const OldNodeKey = takeNewKey(bob);
    const key = await makeAuthKey(tailnet);
    await registered(new TestNode("x"), key);
    // Handed over first: what is public anyway.
    await bob.register(key, { OldNodeKey });
    refused(await bob.register(key, { OldNodeKey }), "auth_key_spent");
  });

  test("that another machine names as its own stays as it is", async () => {
    const { tailnet, bob } = scene;
    const eve = new TestNode("eve");
    const answer = await registered(eve, "", { Auth: null, OldNodeKey: bob.nodeKey });
    expect([answer.AuthURL === "", answer.NodeKeySignature]).toEqual([false, NONE]);
    refused(await eve.register(await makeAuthKey(tailnet), { NodeKey: bob.nodeKey }), "node_key_owned");
  });
});

describe("a node that is in", () => {
  test("logs out by an expiry in the past, and only its own key", async () => {
    const { bob, carol, tailnet } = await lockedScene();
    expect((await registered(bob, "", { Expiry: "2999-01-01T00:00:00Z" })).NodeKeyExpired).toBe(false);
    expect((await registered(bob, "", { Expiry: "0001-01-01T00:00:00Z" })).NodeKeyExpired).toBe(false);
    const key = await makeAuthKey(tailnet);
    refused(await carol.register(key, { NodeKey: bob.nodeKey, Expiry: "1970-01-01T00:02:03Z" }), "node_key_owned");
    const answer = await registered(bob, "", { Expiry: "1970-01-01T00:02:03Z" });
    expect([answer.NodeKeyExpired, answer.NodeKeySignature]).toEqual([true, NONE]);
    expect((await kindsOf(tailnet)).at(-1)).toBe("node.expired");
    expect((await registered(bob)).NodeKeyExpired).toBe(true);
  });

  test("rotates 40 times in a row without a signer, and is signed all along", async () => {
    const { bob } = await lockedScene();
    for (let i = 0; i < 40; i++) {
      const OldNodeKey = takeNewKey(bob);
      const handed = await registered(bob, "", { OldNodeKey });
      const NodeKeySignature = rotateSignature(handed.NodeKeySignature, bob.nodeKey, bob.lockKey);
      expect((await registered(bob, "", { OldNodeKey, NodeKeySignature })).NodeKeySignature).toEqual(NONE);
    }
    expect((await bob.map()).Node?.KeySignature.length).toBeGreaterThan(0);
  });
});

/** A wrapped auth key, as a signer makes it: a credential for a throw-away key. */
function credentialOf(signer: TestNode, throwAway: TestNode): NodeKeySignature {
  const unsigned = makeNodeKeySignature(SIG_KIND.credential, {
    keyId: signer.lockKey.publicKey,
    wrappingPubkey: throwAway.lockKey.publicKey,
  });
  return { ...unsigned, signature: signer.lockKey.sign(nodeKeySigHash(unsigned)) };
}

/** What Tailscale's clients make of it: no key is named that could rotate it. */
function signLikeTailscale(credential: NodeKeySignature, throwAway: TestNode, nodeKey: NodeKey): Uint8Array {
  const unsigned = makeNodeKeySignature(SIG_KIND.rotation, { pubkey: nodeKeyToBinary(nodeKey), nested: credential });
  return encodeNodeKeySignature({ ...unsigned, signature: throwAway.lockKey.sign(nodeKeySigHash(unsigned)) });
}

describe("a signed auth key", () => {
  test("that is reusable brings many nodes in, signed; those that cannot rotate are reported at once [G12]", async () => {
    const { tailnet, alice } = await lockedScene();
    const key = await makeAuthKey(tailnet, { reusable: true });
    const throwAway = new TestNode("");
    const credential = credentialOf(alice, throwAway);
    const nodes = Array.from({ length: 6 }, (_, i) => new TestNode(`ci-${i}`));
    for (const [i, node] of nodes.entries()) {
      const { nodeKey, lockKey } = node;
      const NodeKeySignature =
        i < 3
          ? signByCredential(credential, throwAway.lockKey, nodeKey, lockKey.publicKey)
          : signLikeTailscale(credential, throwAway, nodeKey);
      await registered(node, key, { NodeKeySignature });
    }
    const { json } = await admin("GET", `/api/v2/tailnet/${tailnet}/lock/status`);
    expect(json["pendingSignatures"]).toEqual([]);
    const named = (json["needDirectSignatures"] as Fields[]).map(({ name }) => name);
    expect(named).toEqual(["ci-3", "ci-4", "ci-5"]);
    expect((await kindsOf(tailnet)).filter((kind) => kind === "node.needs_direct_signature")).toHaveLength(3);
    const peers = (await alice.map()).Peers?.filter(({ Name }) => Name.startsWith("ci-"));
    expect(peers?.every(({ KeySignature }) => KeySignature.length > 0)).toBe(true);
  });
});

/** A rotation on top of a signature, nothing trimmed: what a Tailscale client makes of a chain that goes back to an auth key. */
function nest(signature: Uint8Array, { nodeKey, lockKey }: TestNode): Uint8Array {
  const nested = decodeNodeKeySignature(signature);
  const unsigned = makeNodeKeySignature(SIG_KIND.rotation, { pubkey: nodeKeyToBinary(nodeKey), nested });
  return encodeNodeKeySignature({ ...unsigned, signature: lockKey.sign(nodeKeySigHash(unsigned)) });
}

describe("a node whose signature grows with each rotation", () => {
  test.each([
    ["1.104.5-t0123456789", true],
    ["tailward 0.1.0", false],
  ])("of %s is reported near its end: %s; our own agent trims, and is not [G12]", async (IPNVersion, isReported) => {
    const { tailnet, alice } = await lockedScene();
    const throwAway = new TestNode("");
    const [node, credential] = [new TestNode("ci"), credentialOf(alice, throwAway)];
    let NodeKeySignature = signByCredential(credential, throwAway.lockKey, node.nodeKey, node.lockKey.publicKey);
    const Hostinfo = { Hostname: "ci", IPNVersion };
    await registered(node, await makeAuthKey(tailnet), { NodeKeySignature, Hostinfo });
    const reported = async (): Promise<unknown[]> => {
      const { json } = await admin("GET", `/api/v2/tailnet/${tailnet}/lock/status`);
      return (json["needDirectSignatures"] as Fields[]).map(({ signCommand }) => signCommand);
    };
    // Two layers are there: the credential, and what the node made of it.
    for (let layers = 3; layers <= MAX_SIGNATURE_LAYERS - 4; layers++) {
      expect(await reported()).toEqual([]);
      const OldNodeKey = takeNewKey(node);
      NodeKeySignature = nest(NodeKeySignature, node);
      await registered(node, "", { OldNodeKey, NodeKeySignature, Hostinfo });
    }
    const command = `tailscale lock sign ${node.nodeKey} ${formatLockKey(node.lockKey.publicKey)}`;
    expect(await reported()).toEqual(isReported ? [command] : []);
    expect((await node.map()).Node?.KeySignature).toEqual(NodeKeySignature);
  });
});
