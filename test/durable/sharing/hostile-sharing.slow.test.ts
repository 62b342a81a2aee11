/** Another tailnet that lies: what it says has no effect beyond the share, whatever it says. */

import { runInDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, test } from "vitest";
import { BY_SYSTEM } from "../../../src/durable/audit/events.ts";
import { newRequestId } from "../../../src/durable/log.ts";
import { verifier } from "../../../src/durable/lock/native-verifier.ts";
import { statementFor } from "../../../src/durable/sharing/links.ts";
import {
  MAX_FOREIGN_NODES,
  MAX_FOREIGN_TOTAL,
  encodeStatement,
  sealStatement,
  type Statement,
} from "../../../src/durable/sharing/statement.ts";
import { Store } from "../../../src/durable/store.ts";
import { Tailnet } from "../../../src/durable/authority/tailnet.ts";
import { formatLockKey, nodeKeyFromRaw, type NodeKey } from "../../../src/tka/index.ts";
import { authorityOf, makeAuthKey, sql, stored } from "../../support/workerd/control.ts";
import { begin, lockedScene, newGenesis, newSecrets, unlockedScene, type Scene } from "../../support/workerd/locked.ts";
import { BY_TEST, codeOf, eventsOf, invite, peersOf, settled, share, valueOf } from "../../support/workerd/sharing.ts";
import { refused } from "../../support/workerd/refused.ts";
import { crowd } from "../../support/workerd/crowd.ts";
import { randomBytes } from "../../support/workerd/signed-request.ts";
import { TestNode } from "../../support/workerd/test-node.ts";

let home: Scene;
let victim: Scene;
/** What the home last said, as its object would say it. */
let honest: Statement;

beforeEach(async () => {
  [home, victim] = [await unlockedScene(), await lockedScene()];
  await share(home.tailnet, home.carol, victim.tailnet);
  honest = await runInDurableObject(authorityOf(home.tailnet), (_, { storage }) =>
    statementFor(new Tailnet(new Store(storage), verifier), victim.tailnet),
  );
});

function statement(over: Partial<Statement>): Statement {
  const empty = { name: "x.test", epoch: "e", era: 0, seq: 1, shares: [], holds: [], nodes: [], placed: [] };
  return sealStatement({ from: home.tailnet, ...empty, ...over });
}

/** Says something else in the home's name, later than all that it has said. */
function lie(over: Partial<Statement>) {
  const said = sealStatement({ ...honest, seq: honest.seq + 1_000_000, ...over });
  return authorityOf(victim.tailnet).exchangeShares(encodeStatement(said));
}

function strangers(count: number): Statement["nodes"] {
  return Array.from({ length: count }, (_, i) => ({
    node: `n${String(i).padStart(10, "0")}${home.tailnet}`,
    nodeKey: nodeKeyFromRaw(randomBytes(32)),
    lockKey: null,
    name: `stranger-${i}`,
    os: "linux",
    keyExpiry: null,
    discoKey: "",
    homeDerp: 0,
  }));
}

const shared = (nodeKey: NodeKey): Statement["nodes"] => honest.nodes.map((node) => ({ ...node, nodeKey }));

describe("a tailnet that shares one node", () => {
  test("cannot bring others [S11]", async () => {
    await lie({ nodes: [...honest.nodes, ...strangers(3)] });
    expect((await peersOf(victim.bob)).size).toBe(3);
  });

  test("cannot bring a node key that is registered here, or was: it loses the node instead [S6]", async () => {
    for (const key of [victim.bob.nodeKey, victim.alice.nodeKey]) {
      await lie({ nodes: shared(key) });
      const peers = await peersOf(victim.carol);
      expect(peers.size).toBe(2);
      expect(peers.get(key)?.KeySignature.length).toBeGreaterThan(0);
      expect(peers.get(key)?.Machine).not.toBeNull();
      honest = { ...honest, seq: honest.seq + 1_000_001 };
    }
    expect((await victim.bob.poll()).status).toBe(200);
  });

  test("cannot say that nodes here are to be known, or end a share of a third tailnet [S9]", async () => {
    const third = await unlockedScene();
    await share(third.tailnet, third.bob, victim.tailnet);
    const before = (await peersOf(victim.bob)).size;
    await lie({ shares: [], holds: [] });
    await settled(victim.tailnet);
    const peers = await peersOf(victim.bob);
    expect(peers.size).toBe(before - 1);
    expect(peers.has(third.bob.nodeKey)).toBe(true);
  });

  test("cannot keep the lock off by what its nodes say of themselves, nor pass for the owner of a trusted key", async () => {
    const open = await unlockedScene();
    await share(home.tailnet, home.alice, open.tailnet);
    const parts = valueOf(await authorityOf(open.tailnet).shares())[0];
    const nodes = [
      {
        node: parts?.node ?? "",
        nodeKey: nodeKeyFromRaw(randomBytes(32)),
        lockKey: open.alice.lockKey.publicKey,
        name: "alice",
        os: "android",
        keyExpiry: null,
        discoKey: "",
        homeDerp: 0,
      },
    ];
    const shares = [{ id: parts?.id ?? "", node: parts?.node ?? "" }];
    const said = sealStatement({ ...honest, seq: honest.seq + 1_000_000, shares, nodes });
    expect(codeOf(await authorityOf(open.tailnet).exchangeShares(encodeStatement(said)))).toBe("ok");
    expect((await peersOf(open.bob)).get(nodes[0]?.nodeKey ?? "")?.Hostinfo?.OS).toBe("android");
    const { values } = newSecrets();
    const genesis = newGenesis([open.alice], values);
    expect((await begin(open.alice, genesis)).NeedSignatures).toHaveLength(4);
    // The name of the real one stays its own: a foreign one goes by its full name.
    const own = formatLockKey(open.alice.lockKey.publicKey);
    const { devices } = valueOf(await authorityOf(open.tailnet).devices(BY_SYSTEM, 0));
    expect(devices.filter(({ lockKey }) => lockKey === own).map(({ name, external }) => [name, external])).toEqual([
      ["alice", false],
      [`alice.${honest.name}`, true],
    ]);
  });

  test("cannot make a message that is late, or comes twice, count [S5]", async () => {
    await lie({ nodes: shared(nodeKeyFromRaw(randomBytes(32))) });
    const before = await stored(victim.tailnet);
    valueOf(await authorityOf(victim.tailnet).exchangeShares(encodeStatement(honest)));
    valueOf(await authorityOf(victim.tailnet).exchangeShares(encodeStatement(honest)));
    const events = (await eventsOf(victim.tailnet)).length;
    expect(await stored(victim.tailnet)).toEqual(before);
    expect((await eventsOf(victim.tailnet)).length).toBe(events);
  });

  test("cannot make a message of an earlier history count, however late in that it was [S5]", async () => {
    const early = sealStatement({ ...honest, seq: honest.seq + 1_000_000, nodes: [] });
    valueOf(await authorityOf(home.tailnet).beginEpoch(BY_TEST));
    await settled(home.tailnet, victim.tailnet);
    const before = await stored(victim.tailnet);
    valueOf(await authorityOf(victim.tailnet).exchangeShares(encodeStatement(early)));
    expect(await stored(victim.tailnet)).toEqual(before);
  });

  test("is told nothing of the nodes of its victim but those that the share needs [S4]", async () => {
    const answer = valueOf(await lie({}));
    const told = JSON.parse(answer.statement) as Statement;
    expect(told.nodes).toHaveLength(3);
    const told0 = Object.keys(told.nodes[0] ?? {}).sort();
    expect(told0).toEqual(["discoKey", "homeDerp", "keyExpiry", "lockKey", "name", "node", "nodeKey", "os"]);
    const [made] = valueOf(await authorityOf(victim.tailnet).shares());
    valueOf(await authorityOf(victim.tailnet).withdrawShare(BY_TEST, made?.id ?? ""));
    const after = JSON.parse(valueOf(await lie({ shares: [] })).statement) as Statement;
    expect(after.nodes).toEqual([]);
  });

  test.each([
    ["a node key that is none", { nodes: [{ ...strangers0(), nodeKey: "nodekey:x" }] }],
    ["a lock key of another length", { nodes: [{ ...strangers0(), lockKey: new Uint8Array(31) }] }],
    ["too many nodes", { nodes: Array.from({ length: MAX_FOREIGN_NODES + 1 }, strangers0) }],
    ["an ID whose address would be another's", { placed: [{ node: "n0000000000", id: 2 ** 22 }] }],
    ["a stable ID that is none", { placed: [{ node: "'; DROP TABLE nodes", id: 1 }] }],
    ["a name that is none", { name: "UPPER CASE" }],
    ["a disco key that is none", { nodes: [{ ...strangers0(), discoKey: "discokey:1" }] }],
    ["a relay that there cannot be", { nodes: [{ ...strangers0(), homeDerp: 70_000 }] }],
    ["a time that no calendar has", { nodes: [{ ...strangers0(), keyExpiry: Number.MAX_SAFE_INTEGER }] }],
    ["a time before all times", { nodes: [{ ...strangers0(), keyExpiry: -Number.MAX_SAFE_INTEGER }] }],
    ["no tailnet", { from: "x" }],
  ] as const)("is refused with %s, and nothing changes", async (_, over) => {
    const before = await stored(victim.tailnet);
    expect(codeOf(await lie(over as unknown as Partial<Statement>))).toBe("malformed_request");
    expect(await stored(victim.tailnet)).toEqual(before);
  });

  test("cannot go by the name of its victim, or of a third tailnet [S13]", async () => {
    const [third, { name: own }] = [await unlockedScene(), valueOf(await authorityOf(victim.tailnet).summary())];
    await share(third.tailnet, third.bob, victim.tailnet);
    const { name: thirds } = valueOf(await authorityOf(third.tailnet).summary());
    const before = await stored(victim.tailnet);
    for (const name of [own, thirds]) {
      expect(codeOf(await lie({ name, nodes: honest.nodes.map((node) => ({ ...node, name: "bob" })) }))).toBe(
        "name_taken",
      );
      expect(await stored(victim.tailnet)).toEqual(before);
    }
  });

  test("cannot bring more nodes than a tailnet takes from all others together [S8]", async () => {
    await crowd(victim.tailnet, MAX_FOREIGN_TOTAL - 1, 0);
    await sql(victim.tailnet, "UPDATE nodes SET home = 'T9999999999', home_id = stable_id WHERE stable_id LIKE 'c%'");
    await share(home.tailnet, home.alice, victim.tailnet);
    const foreign = (): Promise<Record<string, unknown>[]> =>
      runInDurableObject(authorityOf(victim.tailnet), (_, { storage }) => [
        ...storage.sql.exec("SELECT COUNT(*) AS nodes FROM nodes WHERE home IS NOT NULL"),
        ...storage.sql.exec("SELECT refused FROM links WHERE other = ?", home.tailnet),
      ]);
    expect(await foreign()).toEqual([{ nodes: MAX_FOREIGN_TOTAL }, { refused: 1 }]);
  });

  test("is refused with a statement that is too large, or no JSON", async () => {
    const stub = authorityOf(victim.tailnet);
    for (const text of ["", "{}", "[", "x".repeat(2 ** 20 + 1)])
      expect(codeOf(await stub.exchangeShares(text))).toBe("malformed_request");
  });
});

function strangers0(): object {
  return {
    node: "n0000000000",
    nodeKey: `nodekey:${"1".repeat(64)}`,
    lockKey: null,
    name: "x",
    os: "",
    keyExpiry: null,
  };
}

describe("a tailnet with which nothing is shared", () => {
  test("changes nothing, and is told nothing", async () => {
    const stranger = await unlockedScene();
    const before = await stored(victim.tailnet);
    const said = statement({
      from: stranger.tailnet,
      shares: [{ id: "s0000000000", node: "n0000000000" }],
      nodes: strangers(2),
    });
    const answer = valueOf(await authorityOf(victim.tailnet).exchangeShares(encodeStatement(said)));
    const told = JSON.parse(answer.statement) as Statement;
    expect([told.shares, told.holds, told.nodes, told.placed]).toEqual([[], [], [], []]);
    expect(answer.taken).toBe("");
    expect(await stored(victim.tailnet)).toEqual(before);
  });

  test("cannot take up an invite by guessing, or one that another has taken [S12]", async () => {
    const stranger = await unlockedScene();
    const parts = await invite(home.tailnet, home.bob);
    const guess = { ...parts, secret: "0".repeat(32) };
    expect(codeOf(await authorityOf(stranger.tailnet).acceptShare(BY_TEST, guess))).toBe("bad_invite");
    expect(codeOf(await authorityOf(victim.tailnet).acceptShare(BY_TEST, parts))).toBe("ok");
    expect(codeOf(await authorityOf(stranger.tailnet).acceptShare(BY_TEST, parts))).toBe("bad_invite");
    expect((await peersOf(stranger.bob)).size).toBe(2);
    expect(JSON.stringify(await stored(victim.tailnet))).not.toContain(parts.secret);
    expect(JSON.stringify(await stored(home.tailnet))).not.toContain(parts.secret);
    await settled(home.tailnet, victim.tailnet);
  });
});

describe("whoever has a foreign node's keys", () => {
  test("cannot ask for anything in its name in the other tailnet, nor register its key there", async () => {
    const { carol } = home;
    const mallory = new TestNode("mallory");
    mallory.nodeKey = carol.nodeKey;
    refused(await mallory.register(await makeAuthKey(victim.tailnet)), "node_key_owned");
    const proof = { nonce: "1", expires: Date.now() + 60_000 };
    const caller = { machineKey: carol.machineKey, proof, request: newRequestId() };
    const offer = { Version: 1, NodeKey: carol.nodeKey, Head: "", Ancestors: [] };
    expect(codeOf(await authorityOf(victim.tailnet).syncOffer(caller, offer))).toBe("wrong_machine");
    expect((await peersOf(victim.bob)).get(carol.nodeKey)?.KeySignature).toHaveLength(0);
  });
});
