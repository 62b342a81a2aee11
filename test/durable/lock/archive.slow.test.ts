/** The archive behind the last active ancestor: what moves into it, what is dropped, and what still finds its way [Y4] [Y5]. */

import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { describe, expect, test, vi } from "vitest";
import { MAX_LIVE_AUMS } from "../../../src/durable/lock/archive.ts";
import {
  MAX_LOSING_AUMS,
  bootstrapResponse,
  emptyResponse,
  syncOfferResponse,
  syncSendResponse,
} from "../../../src/protocol/index.ts";
import {
  AUM_KIND,
  EMPTY_STATE,
  KEY_25519,
  aumHash,
  compareHashes,
  encodeAum,
  encodeHex,
  hashToBytes,
  makeAum,
  makeGenesis,
  sealAum,
  signAum,
  type Aum,
} from "../../../src/tka/index.ts";
import { fastSigner } from "../../support/host-crypto.ts";
import { authorityOf, join, sql, stored } from "../../support/workerd/control.ts";
import { LocalChain, lockedScene, send, type Scene } from "../../support/workerd/locked.ts";
import { DAY, grow, idle, passTime, sendAll, type Tip } from "../../support/workerd/long-chain.ts";
import { refused } from "../../support/workerd/refused.ts";
import { TestNode, accepted } from "../../support/workerd/test-node.ts";
import { AUTHORITY_LAYOUT, AUTHORITY_ROWS } from "../authority/version-1.ts";

// Long chains are signed anew for every test.
vi.setConfig({ testTimeout: 60_000 });

interface Standing {
  readonly head: number;
  readonly ancestor: number;
  readonly live: number;
  readonly beside: number;
  readonly losing: number;
}

/** How the active chain stands in the object's tables. */
function standing(tailnet: string): Promise<Standing> {
  return runInDurableObject(authorityOf(tailnet), (_, { storage }) => {
    const one = (query: string): number => Number(Object.values(storage.sql.exec(query).one())[0]);
    const head = one("SELECT MAX(place) FROM aums WHERE chain = 1");
    const ancestor = one("SELECT ancestor_place FROM chains WHERE id = 1");
    return {
      head,
      ancestor,
      live: head - ancestor + 1,
      beside: one("SELECT COUNT(*) FROM aums WHERE chain = 1 AND place IS NULL"),
      losing: one("SELECT losing_aums FROM chains WHERE id = 1"),
    };
  });
}

function tipOf({ genesis }: Scene): Tip {
  if (genesis.state === null) throw new Error("the genesis has no state");
  return { head: aumHash(genesis), state: genesis.state };
}

function tipAfter(tip: Tip, updates: readonly Aum[]): Tip {
  const last = updates.at(-1);
  return last === undefined ? tip : { ...tip, head: aumHash(last) };
}

/** An update that follows `parent` and changes nothing; `mark` tells it from others. */
function beside({ alice }: Scene, parent: Aum, mark: bigint): Aum {
  return signAum(makeAum(AUM_KIND.noOp, { prevAumHash: hashToBytes(aumHash(parent)), votes: mark }), alice.lockKey);
}

describe("the last active ancestor", () => {
  test("stays while the chain is young, then moves to the newest checkpoint that is settled [Y4]", async () => {
    const scene = await lockedScene();
    const updates = idle(130, tipOf(scene), scene.alice.lockKey);
    await sendAll(scene.alice, updates.slice(0, 120));
    expect(await standing(scene.tailnet)).toMatchObject({ head: 120, ancestor: 0 });
    await passTime(scene.tailnet, 15 * DAY);
    await sendAll(scene.alice, updates.slice(120, 121));
    // Checkpoints have places 50 and 100; 100 is less than 24 behind 121.
    expect(await standing(scene.tailnet)).toMatchObject({ head: 121, ancestor: 50 });
    await sendAll(scene.alice, updates.slice(121, 124));
    expect(await standing(scene.tailnet)).toMatchObject({ head: 124, ancestor: 100 });
  });

  test("is where the object opens again, and nothing is lost [Y4]", async () => {
    const scene = await lockedScene();
    const updates = await grow(scene.tailnet, scene.alice, 1100, tipOf(scene));
    await sendAll(scene.alice, [beside(scene, updates.at(-1) as Aum, 1n)]);
    expect(await standing(scene.tailnet)).toMatchObject({ head: 1101, ancestor: 1050 });
    await evictDurableObject(authorityOf(scene.tailnet));
    const exported = await authorityOf(scene.tailnet).exportLock();
    if (!exported.ok) throw new Error(exported.error.message);
    const all = [scene.genesis, ...updates].map((aum) => encodeAum(aum));
    expect(exported.value.aums.slice(0, -1)).toEqual(all);
  });

  test("takes with it what forked off before, and gives its room back [Y3] [Y4]", async () => {
    const scene = await lockedScene();
    const updates = idle(80, tipOf(scene), scene.alice.lockKey);
    await sendAll(scene.alice, updates.slice(0, 79));
    // Their hashes decide which of two siblings wins: none of these does.
    const losers: Aum[] = [];
    for (let mark = 10n; losers.length < MAX_LOSING_AUMS; mark++) {
      const aum = beside(scene, scene.genesis, mark);
      if (losesTo(aum, updates[0])) losers.push(aum);
    }
    const late = idleLoser(scene, updates);
    await sendAll(scene.alice, losers.slice(1));
    await sendAll(scene.alice, [late]);
    expect(await standing(scene.tailnet)).toMatchObject({ beside: MAX_LOSING_AUMS, losing: MAX_LOSING_AUMS });
    refused(await send(scene.alice, losers.slice(0, 1), false), "too_many_forks");
    await passTime(scene.tailnet, 15 * DAY);
    await sendAll(scene.alice, updates.slice(79));
    expect(await standing(scene.tailnet)).toMatchObject({ ancestor: 50, beside: 1, losing: 1 });
  });
});

/** True if fork choice, between siblings with equal votes, prefers the other. */
function losesTo(aum: Aum, other: Aum | undefined): boolean {
  return other !== undefined && compareHashes(aumHash(aum), aumHash(other)) > 0;
}

/** A sibling of the 60th update that loses to it. */
function idleLoser(scene: Scene, updates: readonly Aum[]): Aum {
  for (let mark = 1n; ; mark++) {
    const aum = beside(scene, updates[58] as Aum, mark);
    if (losesTo(aum, updates[59])) return aum;
  }
}

describe("a long chain that version 1 left", () => {
  const hex = (bytes: Uint8Array): string => `x'${encodeHex(bytes)}'`;
  const row = (aum: Aum, chain = 1): string => {
    const { hash, parent, bytes } = sealAum(aum);
    return `INSERT INTO aums VALUES (${chain}, '${hash}', ${parent === null ? "NULL" : `'${parent}'`}, 1, ${hex(bytes)})`;
  };

  test("gets its places, and settles with the next append", async () => {
    const tailnet = "T0000000121";
    const signer = fastSigner(new Uint8Array(32).fill(9));
    const keys = [{ kind: KEY_25519, votes: 1n, publicKey: signer.publicKey, meta: null }];
    const state = { ...EMPTY_STATE, keys, disablementValues: [new Uint8Array(32)], stateId1: 1n, stateId2: 2n };
    const genesis = makeGenesis(state, signer);
    const tip = { head: aumHash(genesis), state };
    const updates = idle(120, tip, signer);
    const loser = idle(1, tipAfter(tip, updates.slice(0, 9)), signer, 99n);
    const chainRow = (id: number, head: Aum, retired: string): string =>
      `INSERT INTO chains VALUES (${id}, '${tip.head}', '${aumHash(head)}', '${tip.head}', x'00', 1, 1, 5, ${retired}, NULL)`;
    const retired = updates.slice(0, 60);
    await sql(
      tailnet,
      ...AUTHORITY_LAYOUT,
      ...AUTHORITY_ROWS.slice(0, 2).map((each) => each.replace("T0123456789", tailnet)),
      chainRow(1, updates.at(-1) as Aum, "NULL"),
      chainRow(2, retired.at(-1) as Aum, "5"),
      ...[genesis, ...updates, ...loser].map((aum) => row(aum)),
      ...[genesis, ...retired].map((aum) => row(aum, 2)),
    );
    await evictDurableObject(authorityOf(tailnet));
    const exported = await authorityOf(tailnet).exportLock();
    if (!exported.ok) throw new Error(exported.error.message);
    expect(exported.value.aums).toEqual([genesis, ...updates, ...loser].map((aum) => encodeAum(aum)));
    const read = (chain: number): Promise<(string | number | null)[][]> =>
      runInDurableObject(authorityOf(tailnet), (_, { storage }) =>
        [
          ...storage.sql
            .exec("SELECT hash, place, checkpoint, loser FROM aums WHERE chain = ? ORDER BY place", chain)
            .raw(),
        ].map((columns) => columns.map((column) => (column instanceof ArrayBuffer ? null : column))),
      );
    const placed = [genesis, ...updates].map((aum, place) => [aumHash(aum), place, place % 50 === 0 ? 1 : 0, 0]);
    expect(await read(1)).toEqual([[aumHash(loser[0] as Aum), null, 0, 1], ...placed]);
    expect(await read(2)).toEqual(placed.slice(0, 61));
    const carol = new TestNode("carol");
    await join(tailnet, carol);
    await sendAll(carol, idle(1, tipAfter(tip, updates), signer));
    expect(await standing(tailnet)).toEqual({ head: 121, ancestor: 50, live: 72, beside: 0, losing: 0 });
  });
});

describe("what is in the archive", () => {
  test("is answered with success when it is sent again, and stale branches from there are passed over [Y8]", async () => {
    const scene = await lockedScene();
    const updates = await grow(scene.tailnet, scene.alice, 120, tipOf(scene));
    const head = await sendAll(scene.alice, [beside(scene, updates.at(-1) as Aum, 1n)]);
    const known = [updates[3] as Aum, updates[4] as Aum];
    expect(accepted(await send(scene.bob, known, true), syncSendResponse).Head).toBe(head);
    const before = await stored(scene.tailnet);
    const stale = beside(scene, updates[3] as Aum, 77n);
    expect(accepted(await send(scene.bob, [stale, beside(scene, stale, 78n)], false), syncSendResponse).Head).toBe(
      head,
    );
    refused(await send(scene.bob, [stale], true), "head_moved");
    expect(await stored(scene.tailnet)).toEqual(before);
  });

  test("still leads a node to the secret that retired the chain", async () => {
    const scene = await lockedScene();
    const updates = await grow(scene.tailnet, scene.alice, 120, tipOf(scene));
    await sendAll(scene.alice, [beside(scene, updates.at(-1) as Aum, 1n)]);
    const [secret = new Uint8Array(0)] = scene.secrets;
    accepted(await scene.alice.tka("disable", { DisablementSecret: secret }), emptyResponse);
    const answer = await scene.carol.tka("bootstrap", { Head: aumHash(updates[7] as Aum) });
    expect(accepted(answer, bootstrapResponse).DisablementSecret).toEqual(secret);
  });
});

describe("a chain that grows faster than it settles [Y5]", () => {
  test("is refused in the end; a recovery that forks off earlier is not, and then it may grow again", async () => {
    const scene = await lockedScene();
    const { tailnet, alice, bob } = scene;
    const first = idle(MAX_LIVE_AUMS - 1, tipOf(scene), alice.lockKey);
    await sendAll(alice, first);
    expect(await standing(tailnet)).toMatchObject({ live: MAX_LIVE_AUMS, ancestor: 0 });
    const more = beside(scene, first.at(-1) as Aum, 5n);
    refused(await send(alice, [more]), "chain_too_long");
    const state = { ...tipOf(scene).state, lastAumHash: null };
    const prevAumHash = hashToBytes(aumHash(first[9] as Aum));
    const recovery = [alice, bob].reduce(
      (aum, { lockKey }) => signAum(aum, lockKey),
      makeAum(AUM_KIND.checkpoint, { state, prevAumHash }),
    );
    await sendAll(bob, [recovery]);
    expect(await standing(tailnet)).toMatchObject({ head: 11, beside: MAX_LIVE_AUMS - 11, losing: 0 });
    await sendAll(alice, idle(40, tipAfter(tipOf(scene), [recovery]), alice.lockKey));
    expect(await standing(tailnet)).toMatchObject({ head: 51 });
    const chain = await LocalChain.of(scene.carol);
    expect(chain.authority.head).toBe((await scene.carol.map()).TKAInfo?.Head);
  });

  test("moves on again once it is old", async () => {
    const scene = await lockedScene();
    const first = idle(MAX_LIVE_AUMS - 1, tipOf(scene), scene.alice.lockKey);
    await sendAll(scene.alice, first);
    await passTime(scene.tailnet, 15 * DAY);
    await sendAll(scene.alice, [beside(scene, first.at(-1) as Aum, 5n)]);
    expect(await standing(scene.tailnet)).toMatchObject({ head: MAX_LIVE_AUMS, ancestor: 450 });
  });
});

test("a head that is a claim is recorded only where it is on the chain [Y10]", async () => {
  const scene = await lockedScene();
  const { tailnet, alice, carol, genesis } = scene;
  await sendAll(alice, idle(3, tipOf(scene), alice.lockKey));
  const said = (): Promise<unknown> =>
    runInDurableObject(
      authorityOf(tailnet),
      (_, { storage }) =>
        storage.sql.exec("SELECT tka_head FROM nodes WHERE node_key = ?", carol.nodeKey).one()["tka_head"],
    );
  const claim = (Head: string) => carol.tka("syncSend", { Head, MissingAUMs: [], Interactive: false });
  accepted(await claim("A".repeat(52)), syncSendResponse);
  expect(await said()).toBe("");
  accepted(await claim(aumHash(genesis)), syncSendResponse);
  expect(await said()).toBe(aumHash(genesis));
  const offer = await carol.tka("syncOffer", { Head: aumHash(genesis), Ancestors: [aumHash(genesis)] });
  expect(accepted(offer, syncOfferResponse).MissingAUMs).toHaveLength(3);
});
