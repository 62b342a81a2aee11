/** Nodes that are far behind: served in batches, from the archive and from what is live [Y6] [Y7] [Y11]. */

import { describe, expect, test, vi } from "vitest";
import {
  MAX_SYNC_AUMS,
  MAX_SYNC_BYTES,
  bootstrapResponse,
  syncOfferResponse,
  syncSendResponse,
} from "../../../src/protocol/index.ts";
import {
  AUM_KIND,
  COMPACTION_DEFAULTS,
  KEY_25519,
  MAX_KEYS,
  MemoryChonk,
  aumHash,
  bootstrap,
  compact,
  compareHashes,
  decodeAum,
  encodeAum,
  hashToBytes,
  inform,
  makeAum,
  makeSyncOffer,
  missingAums,
  signAum,
  type Aum,
  type State,
} from "../../../src/tka/index.ts";
import { fastVerifier } from "../../support/host-crypto.ts";
import { join } from "../../support/workerd/control.ts";
import { Follower } from "../../support/workerd/exchange.ts";
import { lockedScene, send, type Scene } from "../../support/workerd/locked.ts";
import { DAY, grow, idle, passTime, sendAll, type Tip } from "../../support/workerd/long-chain.ts";
import { refused } from "../../support/workerd/refused.ts";
import { TestNode, accepted } from "../../support/workerd/test-node.ts";

// Long chains are signed anew for every test.
vi.setConfig({ testTimeout: 60_000 });

function tipOf({ genesis }: Scene): Tip {
  if (genesis.state === null) throw new Error("the genesis has no state");
  return { head: aumHash(genesis), state: genesis.state };
}

/** Large checkpoints of which not all fit into one answer. */
const COUNT = Math.ceil(MAX_SYNC_BYTES / 270_000) + 1;

/** A checkpoint with as many keys, and as much metadata, as may be: some 330 kB. */
function largeCheckpoint(scene: Scene, parent: Aum, mark: number): Aum {
  const { state } = tipOf(scene);
  const filler = Array.from({ length: MAX_KEYS - 2 }, (_, i) => ({
    kind: KEY_25519,
    votes: 1n,
    publicKey: new Uint8Array(32)
      .fill(mark)
      .fill(i, 0, 1)
      .fill(i >> 8, 1, 2),
    meta: new Map([["k", "x".repeat(500)]]),
  }));
  const large: State = { ...state, keys: [...(state.keys ?? []), ...filler] };
  const fields = { prevAumHash: hashToBytes(aumHash(parent)), state: { ...large, lastAumHash: null } };
  return signAum(makeAum(AUM_KIND.checkpoint, fields), scene.alice.lockKey);
}

describe("a sleeper", () => {
  test("of 500 or of 2,500 AUMs catches up in batches [Y6]", async () => {
    const scene = await lockedScene();
    const [asleep, dozing] = [await Follower.join(scene.bob), await Follower.join(scene.carol)];
    const early = await grow(scene.tailnet, scene.alice, 2000, tipOf(scene));
    dozing.take(early);
    const late = { ...tipOf(scene), head: aumHash(early.at(-1) as Aum) };
    const updates = await grow(scene.tailnet, scene.alice, 500, late);
    for (const sleeper of [asleep, dozing]) expect(await sleeper.follow()).toBe(aumHash(updates.at(-1) as Aum));
    expect([asleep.batches, dozing.batches]).toEqual([[1000, 1000, 500], [500]]);
  });

  test("that has compacted its own chain catches up too [Y7]", async () => {
    const scene = await lockedScene();
    const sleeper = await Follower.join(scene.bob);
    const updates = await grow(scene.tailnet, scene.alice, 1200, tipOf(scene));
    sleeper.take(updates.slice(0, 180));
    sleeper.authority = compact(sleeper.chonk, sleeper.authority, 15 * DAY, COMPACTION_DEFAULTS);
    expect(sleeper.chonk.aum(aumHash(scene.genesis))).toBeNull();
    expect(await sleeper.follow()).toBe(aumHash(updates.at(-1) as Aum));
    expect(sleeper.batches).toEqual([1000, 20]);
  });

  test("on a branch that lost comes back, though the branch forks off far behind", async () => {
    const scene = await lockedScene();
    const { tailnet, alice, bob } = scene;
    const shared = idle(40, tipOf(scene), alice.lockKey);
    await sendAll(alice, shared);
    const tip = { ...tipOf(scene), head: aumHash(shared.at(-1) as Aum) };
    const won = idle(1500, tip, alice.lockKey);
    let mark = 1n;
    let lost = idle(3, tip, alice.lockKey, mark);
    while (compareHashes(aumHash(lost[0] as Aum), aumHash(won[0] as Aum)) < 0)
      lost = idle(3, tip, alice.lockKey, ++mark);
    const sleeper = await Follower.join(bob);
    sleeper.take([...shared, ...lost]);
    await sendAll(alice, won.slice(0, 1000));
    await passTime(tailnet, 15 * DAY);
    await sendAll(alice, won.slice(1000));
    expect(await sleeper.follow()).toBe(aumHash(won.at(-1) as Aum));
    expect(sleeper.batches.length).toBeLessThanOrEqual(3);
  });
});

describe("a newcomer", () => {
  test("begins with the genesis while the chain is short, and with a settled checkpoint where it is long [Y11]", async () => {
    const scene = await lockedScene();
    const begins = async (): Promise<string> =>
      aumHash(decodeAum(accepted(await scene.carol.tka("bootstrap"), bootstrapResponse).GenesisAUM));
    const updates = await grow(scene.tailnet, scene.alice, 999, tipOf(scene));
    expect(await begins()).toBe(aumHash(scene.genesis));
    const tip = { ...tipOf(scene), head: aumHash(updates.at(-1) as Aum) };
    const more = await grow(scene.tailnet, scene.alice, 2001, tip);
    const dave = new TestNode("dave");
    await join(scene.tailnet, dave);
    const newcomer = await Follower.join(dave);
    const oldest = newcomer.authority.oldestAncestor;
    expect(oldest).not.toBe(aumHash(scene.genesis));
    expect(await newcomer.follow()).toBe(aumHash(more.at(-1) as Aum));
    expect(newcomer.authority.state).toEqual({ ...tip.state, lastAumHash: newcomer.authority.head });
    expect(newcomer.chonk.hashes().length).toBeLessThan(1100);
  });
});

describe("an answer", () => {
  test("is bounded in bytes, and brings at least one AUM [Y6]", async () => {
    const scene = await lockedScene();
    const sleeper = await Follower.join(scene.carol);
    let parent = scene.genesis;
    for (let mark = 1; mark <= COUNT; mark++) {
      const next = largeCheckpoint(scene, parent, mark);
      accepted(await send(scene.alice, [next]), syncSendResponse);
      parent = next;
    }
    const { MissingAUMs } = await sleeper.offer();
    const bytes = MissingAUMs.reduce((sum, aum) => sum + aum.length, 0);
    expect(encodeAum(parent).length).toBeGreaterThan(250_000);
    expect([MissingAUMs.length < COUNT, bytes <= MAX_SYNC_BYTES]).toEqual([true, true]);
    expect(await sleeper.follow()).toBe(aumHash(parent));
    expect(sleeper.batches.every((count) => count >= 1)).toBe(true);
  });

  test("is that of the authority itself, wherever the other node stands", async () => {
    const scene = await lockedScene();
    const updates = idle(160, tipOf(scene), scene.alice.lockKey);
    await sendAll(scene.alice, updates);
    const [ours, theirs] = [new MemoryChonk(), new MemoryChonk()];
    const authority = inform(ours, bootstrap(ours, scene.genesis, fastVerifier, 0), updates, fastVerifier, 0);
    let behind = bootstrap(theirs, scene.genesis, fastVerifier, 0);
    for (const upTo of [0, 1, 49, 50, 51, 120, 160]) {
      const lacking = updates.slice(0, upTo).filter((aum) => theirs.aum(aumHash(aum)) === null);
      if (lacking.length > 0) behind = inform(theirs, behind, lacking, fastVerifier, 0);
      const offer = makeSyncOffer(theirs, behind);
      const answer = await scene.bob.tka("syncOffer", { Head: offer.head, Ancestors: offer.ancestors });
      const { Head, Ancestors, MissingAUMs } = accepted(answer, syncOfferResponse);
      expect(MissingAUMs).toEqual(missingAums(ours, authority, offer).map(({ bytes }) => bytes));
      const { head, ancestors } = makeSyncOffer(ours, authority);
      expect(Head).toBe(head);
      expect(Ancestors.filter((hash) => hash !== offer.head)).toEqual(ancestors.filter((hash) => hash !== offer.head));
    }
  });

  test("refuses an offer that shares nothing, and one that shares only what lost", async () => {
    const scene = await lockedScene();
    const updates = idle(2, tipOf(scene), scene.alice.lockKey);
    await sendAll(scene.alice, updates);
    let mark = 1n;
    let [lost] = idle(1, tipOf(scene), scene.alice.lockKey, mark);
    while (compareHashes(aumHash(lost as Aum), aumHash(updates[0] as Aum)) < 0)
      [lost] = idle(1, tipOf(scene), scene.alice.lockKey, ++mark);
    await sendAll(scene.alice, [lost as Aum]);
    const offer = (Head: string, Ancestors: readonly string[]) => scene.bob.tka("syncOffer", { Head, Ancestors });
    refused(await offer("A".repeat(52), ["A".repeat(52)]), "no_intersection");
    refused(await offer(aumHash(lost as Aum), [aumHash(lost as Aum)]), "no_intersection");
    const shares = await offer(aumHash(lost as Aum), [aumHash(scene.genesis)]);
    expect(accepted(shares, syncOfferResponse).MissingAUMs).toHaveLength(2);
    expect(MAX_SYNC_AUMS).toBeLessThan(2000);
  });
});
