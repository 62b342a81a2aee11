/** An act is stored whole or not at all [W1], whatever fails in the middle, whenever the object stops, whoever else writes. */

import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { describe, expect, test, vi } from "vitest";
import {
  SIGNATURE_LIFETIME_S,
  emptyResponse,
  initBeginResponse,
  syncSendResponse,
} from "../../../src/protocol/index.ts";
import { aumHash, compareHashes, encodeAum, type Aum } from "../../../src/tka/index.ts";
import { authorityOf, join, makeAuthKey, sessions, sql, stored } from "../../support/workerd/control.ts";
import {
  LocalChain,
  begin,
  finish,
  lock,
  lockedScene,
  newGenesis,
  newSecrets,
  send,
  sign,
  signaturesFor,
  unlockedScene,
  type Scene,
} from "../../support/workerd/locked.ts";
import { refused } from "../../support/workerd/refused.ts";
import { TestNode, accepted, statusesOf, type Answer } from "../../support/workerd/test-node.ts";

/** An act, and the writes of it that are made to fail, one at a time. */
interface Act {
  readonly name: string;
  readonly scene: () => Promise<Scene>;
  /** Prepares the act, and gives it: it may be asked for many times over. */
  readonly prepare: (scene: Scene) => Promise<() => Promise<Answer>>;
  readonly writes: readonly string[];
}

const acts: readonly Act[] = [
  {
    name: "registering",
    scene: unlockedScene,
    prepare: async ({ tailnet }) => {
      const [key, dave] = [await makeAuthKey(tailnet), new TestNode("dave")];
      return () => dave.register(key);
    },
    writes: [
      "UPDATE ON auth_keys",
      "INSERT ON nodes",
      "UPDATE ON tailnet",
      "INSERT ON events",
      "INSERT ON outbox",
      "INSERT ON taken_nonces",
    ],
  },
  {
    name: "changing a node key",
    scene: lockedScene,
    prepare: async ({ carol }) => {
      const OldNodeKey = carol.nodeKey;
      carol.nodeKey = new TestNode("").nodeKey;
      // The first time it is handed its signature, to rotate it [G10].
      await carol.register("", { OldNodeKey });
      return () => carol.register("", { OldNodeKey });
    },
    writes: ["UPDATE ON nodes", "UPDATE ON tailnet", "INSERT ON taken_nonces"],
  },
  {
    name: "beginning an init",
    scene: unlockedScene,
    prepare: ({ alice, genesis }) => Promise.resolve(() => alice.tka("initBegin", { GenesisAUM: encodeAum(genesis) })),
    writes: ["INSERT ON pending_init"],
  },
  {
    name: "finishing an init",
    scene: unlockedScene,
    prepare: async ({ alice, genesis }) => {
      const signatures = signaturesFor(await begin(alice, genesis), alice.lockKey);
      return () => finish(alice, signatures);
    },
    writes: [
      "UPDATE ON tailnet",
      "UPDATE ON nodes",
      "INSERT ON chains",
      "INSERT ON aums",
      "UPDATE ON chains",
      "DELETE ON pending_init",
    ],
  },
  {
    name: "changing the chain",
    scene: lockedScene,
    prepare: async ({ alice }) => {
      const chain = await LocalChain.of(alice);
      const votes = [2n, 3n, 4n];
      const updates = chain.updates((builder) => votes.forEach((n) => builder.setKeyVotes(alice.lockKey.publicKey, n)));
      return () => send(alice, updates);
    },
    writes: ["INSERT ON aums", "UPDATE ON chains", "UPDATE ON tailnet", "INSERT ON outbox"],
  },
  {
    name: "signing a node",
    scene: lockedScene,
    prepare: ({ bob, carol }) => Promise.resolve(() => sign(bob, carol)),
    writes: ["UPDATE ON nodes", "UPDATE ON tailnet"],
  },
  {
    name: "turning the lock off",
    scene: lockedScene,
    prepare: ({ carol, secrets }) => Promise.resolve(() => carol.tka("disable", { DisablementSecret: secrets[0] })),
    writes: ["UPDATE ON chains", "UPDATE ON nodes", "UPDATE ON tailnet"],
  },
];

describe("a write that fails in the middle leaves nothing, in storage or in memory", () => {
  test.each(acts)("$name", async ({ scene: makeScene, prepare, writes }) => {
    const scene = await makeScene();
    const act = await prepare(scene);
    const nodes = [scene.alice, scene.bob];
    const log = vi.spyOn(console, "error").mockReturnValue();
    for (const write of writes) {
      const before = await stored(scene.tailnet, nodes);
      // After the last row: an act of several rows fails with some of them written.
      await sql(scene.tailnet, `CREATE TRIGGER failing AFTER ${write} BEGIN SELECT RAISE(ABORT, 'made to fail'); END`);
      const failed = await act();
      await sql(scene.tailnet, "DROP TRIGGER failing");
      expect([write, failed.status, failed.json["code"]]).toEqual([write, 500, "internal"]);
      expect(await stored(scene.tailnet, nodes)).toEqual(before);
    }
    log.mockRestore();
    expect((await act()).status).toBe(200);
    const map = await scene.alice.map();
    await evictDurableObject(authorityOf(scene.tailnet));
    expect(await scene.alice.map()).toEqual(map);
  });
});

describe("an object that stops anywhere", () => {
  /** Stops both objects, and makes sure that what is stored is what was. */
  async function restart({ tailnet }: Scene): Promise<void> {
    const before = await stored(tailnet);
    await evictDurableObject(authorityOf(tailnet));
    // Streams of other tests may keep it from being evicted.
    const stopped = runInDurableObject(sessions(tailnet, "stream"), (_, state) => {
      state.abort("stopped");
    });
    await stopped.catch(() => undefined);
    expect(await stored(tailnet)).toEqual(before);
  }

  test("keeps what was acknowledged, through the life of a lock", async () => {
    const scene = await unlockedScene();
    const { tailnet, alice, bob, carol, genesis, secrets } = scene;
    await restart(scene);
    const begun = accepted(await alice.tka("initBegin", { GenesisAUM: encodeAum(genesis) }), initBeginResponse);
    await restart(scene);
    const signatures = signaturesFor(begun, alice.lockKey);
    accepted(await finish(alice, signatures), emptyResponse);
    await restart(scene);
    accepted(await finish(alice, signatures), emptyResponse);
    const chain = await LocalChain.of(bob);
    await restart(scene);
    const change = await chain.change((builder) => builder.setKeyVotes(bob.lockKey.publicKey, 2n));
    await restart(scene);
    expect((await send(bob, change)).json).toEqual({ Head: chain.authority.head });
    await chain.change((builder) => builder.removeKey(alice.lockKey.publicKey));
    await restart(scene);
    const dave = new TestNode("dave");
    await join(tailnet, dave);
    await restart(scene);
    accepted(await sign(bob, dave), emptyResponse);
    await restart(scene);
    expect((await carol.map()).Peers?.map(({ KeySignature }) => KeySignature.length > 0)).toEqual([true, true, true]);
    refused(await sign(alice, dave), "unknown_key");
    accepted(await dave.tka("disable", { DisablementSecret: secrets[0] }), emptyResponse);
    await restart(scene);
    accepted(await dave.tka("disable", { DisablementSecret: secrets[0] }), emptyResponse);
    await lock(dave, newGenesis([dave], newSecrets(1).values));
    await restart(scene);
    expect((await carol.map()).TKAInfo?.Disabled).toBe(false);
  });

  test("forgets no nonce: what was sent before is a replay after", async () => {
    const scene = await lockedScene();
    const created = Math.floor(Date.now() / 1000);
    const parameters = { nonce: "0123456789abcdef", created, expires: created + SIGNATURE_LIFETIME_S };
    expect((await scene.alice.poll({}, { parameters })).status).toBe(200);
    await restart(scene);
    refused(await scene.alice.poll({}, { parameters }), "replayed_request");
  });
});

describe("two that write at the same time", () => {
  /** A change by each, both after the genesis. */
  async function rivals({ alice, bob }: Scene): Promise<[TestNode, Aum][]> {
    const chain = await LocalChain.of(alice);
    return [alice, bob].map((node) => {
      const [update] = chain.updates((builder) => builder.setKeyVotes(node.lockKey.publicKey, 7n), node.lockKey);
      if (update === undefined) throw new Error("nothing was built");
      return [node, update];
    });
  }

  test("one wins, and the other is told the head", async () => {
    const scene = await lockedScene();
    const changes = await rivals(scene);
    const answers = await Promise.all(changes.map(([node, update]) => send(node, [update])));
    expect(statusesOf(answers)).toEqual([200, 409]);
    const won = answers.findIndex(({ status }) => status === 200);
    const head = aumHash((changes[won] as [TestNode, Aum])[1]);
    const lost = answers[1 - won];
    if (lost === undefined) throw new Error("nobody lost");
    expect(refused(lost, "head_moved").head).toBe(head);
    expect((await scene.carol.map()).TKAInfo?.Head).toBe(head);
  });

  test("the first one wins also where fork choice would prefer the second [Y2]", async () => {
    const scene = await lockedScene();
    const changes = (await rivals(scene)).sort(([, a], [, b]) => -compareHashes(aumHash(a), aumHash(b)));
    const [[first, acknowledged], [second, preferred]] = changes as [[TestNode, Aum], [TestNode, Aum]];
    accepted(await send(first, [acknowledged]), syncSendResponse);
    expect(refused(await send(second, [preferred]), "head_moved").head).toBe(aumHash(acknowledged));
    expect((await scene.carol.map()).TKAInfo?.Head).toBe(aumHash(acknowledged));
    // Of its own accord it may come, and then every node decides as fork choice says.
    expect((await send(second, [preferred], false)).json).toEqual({ Head: aumHash(preferred) });
  });

  test("the same change sent twice at the same time is taken once, and acknowledged twice", async () => {
    const scene = await lockedScene();
    const [[node, update]] = (await rivals(scene)) as [[TestNode, Aum]];
    const answers = await Promise.all([send(node, [update]), send(node, [update])]);
    expect(answers.map(({ json }) => json)).toEqual([{ Head: aumHash(update) }, { Head: aumHash(update) }]);
  });

  test("two finishes of one init: one turns the lock on", async () => {
    const { alice, genesis } = await unlockedScene();
    const signatures = signaturesFor(await begin(alice, genesis), alice.lockKey);
    const other = new Map([...signatures].map(([id]) => [id, new Uint8Array(0)]));
    const answers = await Promise.all([finish(alice, signatures), finish(alice, signatures), finish(alice, other)]);
    expect(answers.map(({ status }) => status).slice(0, 2)).toEqual([200, 200]);
    expect(answers[2].status).toBeGreaterThanOrEqual(400);
  });
});
