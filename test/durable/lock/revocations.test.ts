/** Recoveries at the object: those that win, and those that would not and are refused with what they lack [Y9]. */

import { describe, expect, test, vi } from "vitest";
import { emptyResponse, syncSendResponse } from "../../../src/protocol/index.ts";
import {
  AUM_KIND,
  UpdateBuilder,
  aumHash,
  compareHashes,
  cosignRevocation,
  hashToBytes,
  makeAum,
  makeRevocation,
  signAum,
  type Aum,
  type AumHash,
} from "../../../src/tka/index.ts";
import { join, stored } from "../../support/workerd/control.ts";
import { Follower } from "../../support/workerd/exchange.ts";
import { lock, newGenesis, newSecrets, send, sign, trustedKey } from "../../support/workerd/locked.ts";
import { makeTailnet } from "../../support/workerd/control.ts";
import { DAY, idle, passTime, sendAll } from "../../support/workerd/long-chain.ts";
import { refused } from "../../support/workerd/refused.ts";
import { TestNode, accepted, type Answer } from "../../support/workerd/test-node.ts";

// Long chains are signed anew for every test.
vi.setConfig({ testTimeout: 60_000 });

interface Story {
  readonly tailnet: string;
  readonly alice: TestNode;
  readonly bob: TestNode;
  /** Trusted with one vote, and gone bad. */
  readonly mallory: TestNode;
  /** Whom mallory brings in. */
  readonly rogue: TestNode;
  readonly genesis: Aum;
  /** Of alice, and up to date with what mallory has done. */
  readonly chain: Follower;
}

async function takeIn(node: TestNode, edit: (builder: UpdateBuilder) => unknown): Promise<readonly Aum[]> {
  const follower = await Follower.join(node);
  await follower.follow();
  const builder = new UpdateBuilder(follower.authority, node.lockKey);
  edit(builder);
  const updates = builder.finalize(follower.chonk);
  accepted(await send(node, updates), syncSendResponse);
  return updates;
}

/** Alice, bob and mallory have a vote each; mallory trusts a key of the rogue's, which signs the rogue's node. */
async function compromised(): Promise<Story> {
  const tailnet = await makeTailnet();
  const [alice, bob, mallory, rogue] = [
    new TestNode("alice"),
    new TestNode("bob"),
    new TestNode("mallory"),
    new TestNode("rogue"),
  ];
  await join(tailnet, alice, bob, mallory, rogue);
  const genesis = newGenesis([alice, bob, mallory], newSecrets().values);
  await lock(alice, genesis);
  await takeIn(mallory, (builder) => builder.addKey(trustedKey(rogue)));
  accepted(await sign(rogue, rogue), emptyResponse);
  const chain = await Follower.join(alice);
  await chain.follow();
  return { tailnet, alice, bob, mallory, rogue, genesis, chain };
}

/** The recovery without mallory's and the rogue's keys, signed by `signers`. */
function recovery(story: Story, signers: readonly TestNode[], forkFrom: AumHash = aumHash(story.genesis)): Aum {
  const { chain, alice, mallory, rogue } = story;
  const bad = [mallory.lockKey.publicKey, rogue.lockKey.publicKey];
  const unsigned = makeRevocation(chain.chonk, chain.authority, bad, alice.lockKey.publicKey, forkFrom);
  return signers.reduce((aum, { lockKey }) => cosignRevocation(aum, lockKey), unsigned);
}

function finish(node: TestNode, aum: Aum): Promise<Answer> {
  return send(node, [aum], false);
}

/** A sibling of the recovery that loses to `rival` where the votes are equal. */
function losing(make: (mark: number) => Aum, rival: AumHash): Aum {
  for (let mark = 0; ; mark++) {
    const aum = make(mark);
    if (compareHashes(aumHash(aum), rival) > 0) return aum;
  }
}

describe("a recovery with more votes", () => {
  test("wins, and what it undid is gone from every node's chain", async () => {
    const story = await compromised();
    const aum = recovery(story, [story.alice, story.bob]);
    expect(accepted(await finish(story.bob, aum), syncSendResponse).Head).toBe(aumHash(aum));
    expect(await story.chain.follow()).toBe(aumHash(aum));
    const rogue = await Follower.join(story.rogue);
    expect(await rogue.follow()).toBe(aumHash(aum));
    expect(rogue.authority.state.keys?.map(({ publicKey }) => publicKey)).toEqual(
      [story.alice, story.bob].map(({ lockKey }) => lockKey.publicKey),
    );
    expect(accepted(await finish(story.bob, aum), syncSendResponse).Head).toBe(aumHash(aum));
  });

  test("wins also over a chain that has grown since", async () => {
    const story = await compromised();
    const tip = { head: story.chain.authority.head, state: story.chain.authority.state };
    await sendAll(story.mallory, idle(300, tip, story.mallory.lockKey));
    const aum = recovery(story, [story.alice, story.bob]);
    expect(accepted(await finish(story.bob, aum), syncSendResponse).Head).toBe(aumHash(aum));
  });
});

describe("a recovery that would not become active [Y9]", () => {
  test("is refused with the votes that it lacks, and nothing of it is stored", async () => {
    const story = await compromised();
    const { tailnet, alice, bob, mallory, chain } = story;
    const [more] = await takeIn(mallory, (builder) => builder.setKeyVotes(alice.lockKey.publicKey, 1n));
    if (more === undefined) throw new Error("nothing was built");
    const rival = chain.authority.head;
    const aum = losing((mark) => {
      const made = recovery(story, []);
      const state = made.state === null ? null : { ...made.state, disablementValues: [new Uint8Array(32).fill(mark)] };
      return signAum({ ...made, state }, alice.lockKey);
    }, rival);
    const before = await stored(tailnet);
    const refusal = refused(await finish(bob, aum), "insufficient_weight");
    expect(refusal.message).toBe("the recovery has 1 votes behind it, and 1 stand against it: 1 more would do");
    expect([refusal.subject, refusal.head]).toEqual([aumHash(aum), aumHash(more)]);
    expect(await stored(tailnet)).toEqual(before);
    // With a co-signer it has enough.
    const signed = cosignRevocation(aum, bob.lockKey);
    expect(accepted(await finish(bob, signed), syncSendResponse).Head).toBe(aumHash(signed));
  });

  test("is a person's change like others where it is sent as one [Y2]", async () => {
    const story = await compromised();
    refused(await send(story.bob, [recovery(story, [story.alice, story.bob])], true), "head_moved");
  });

  test("is refused also where it is stored already, from when it lacked nothing", async () => {
    const story = await compromised();
    const { alice, bob, genesis, chain } = story;
    const prevAumHash = hashToBytes(aumHash(genesis));
    // A checkpoint of the genesis's state, without a further vote behind it, as long as the rogue's key is not trusted.
    const all = [alice, bob, story.mallory, story.rogue].map((node) => trustedKey(node));
    const stale = losing((mark) => {
      const disablementValues = [new Uint8Array(32).fill(mark)];
      const state = { ...chain.authority.state, keys: all, disablementValues, lastAumHash: null };
      return signAum(makeAum(AUM_KIND.checkpoint, { state, prevAumHash }), alice.lockKey);
    }, chain.authority.head);
    accepted(await finish(bob, stale), syncSendResponse);
    accepted(await finish(bob, stale), syncSendResponse);
    const carol = new TestNode("carol");
    await takeIn(bob, (builder) => builder.addKey(trustedKey(carol)));
    refused(await finish(bob, stale), "insufficient_weight");
  });

  test("that forks off before the last active ancestor is refused, however many votes it has", async () => {
    const story = await compromised();
    const { tailnet, alice, bob, chain } = story;
    const tip = { head: chain.authority.head, state: chain.authority.state };
    await sendAll(alice, idle(80, tip, alice.lockKey));
    await passTime(tailnet, 15 * DAY);
    await takeIn(bob, (builder) => builder.setKeyVotes(bob.lockKey.publicKey, 1n));
    const refusal = refused(await finish(bob, recovery(story, [alice, bob])), "insufficient_weight");
    expect(refusal.message).toContain("no votes would do");
  });
});

describe("what is no recovery", () => {
  test("a sleeper's losing branch with a builder's checkpoint is taken in, and the sleeper comes back", async () => {
    const story = await compromised();
    const { bob, chain, genesis, rogue } = story;
    const sleeper = await Follower.join(bob);
    const tip = { head: aumHash(genesis), state: sleeper.authority.state };
    const losingBranch = losing((mark) => idle(1, tip, bob.lockKey, BigInt(mark))[0] as Aum, chain.authority.head);
    const rest = idle(50, { ...tip, head: aumHash(losingBranch) }, bob.lockKey);
    sleeper.take([losingBranch, ...rest]);
    expect(rest.at(-1)?.kind).toBe(AUM_KIND.checkpoint);
    expect(await sleeper.follow()).toBe(chain.authority.head);
    expect(sleeper.authority.state.keys).toContainEqual(trustedKey(rogue));
  });

  test("a sleeper whose branch is refused for one has our chain nevertheless", async () => {
    const story = await compromised();
    const { bob, chain } = story;
    const sleeper = await Follower.join(bob);
    const { state, head } = sleeper.authority;
    const own = losing((mark) => {
      const disablementValues = [new Uint8Array(32).fill(mark)];
      const fields = { state: { ...state, disablementValues, lastAumHash: null }, prevAumHash: hashToBytes(head) };
      return signAum(makeAum(AUM_KIND.checkpoint, fields), bob.lockKey);
    }, chain.authority.head);
    sleeper.take([own]);
    await expect(sleeper.exchange()).rejects.toThrow("insufficient_weight");
    expect(await sleeper.follow()).toBe(chain.authority.head);
  });
});
