/** Every node ends at the object's head, whatever it heard when: forks made offline, recoveries, sleepers of hundreds and thousands. */

import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import {
  openAuthority,
  aumHash,
  hashToBytes,
  makeAum,
  signAum,
  AUM_KIND,
  MemoryChonk,
  decodeAum,
  bootstrap,
  inform,
  keyTrusted,
  type Aum,
} from "../../../src/tka/index.ts";
import { fastVerifier } from "../../support/host-crypto.ts";
import { authorityOf, join, makeTailnet } from "../../support/workerd/control.ts";
import { Follower } from "../../support/workerd/exchange.ts";
import { lock, newGenesis, newSecrets, send } from "../../support/workerd/locked.ts";
import { grow, idle, sendAll, type Tip } from "../../support/workerd/long-chain.ts";
import { TestNode } from "../../support/workerd/test-node.ts";

// Long chains are signed anew for every test.
vi.setConfig({ testTimeout: 60_000 });

const NODES = 4;
const RUNS = 12;

interface Tailnet {
  readonly id: string;
  readonly genesis: Aum;
  /** All of them are trusted, with a vote each. */
  readonly nodes: readonly [TestNode, TestNode, ...TestNode[]];
}

async function makeLocked(): Promise<Tailnet> {
  const id = await makeTailnet();
  const nodes: Tailnet["nodes"] = [new TestNode("n0"), new TestNode("n1"), new TestNode("n2"), new TestNode("n3")];
  await join(id, ...nodes);
  const genesis = newGenesis(nodes, newSecrets().values);
  await lock(nodes[0], genesis);
  return { id, genesis, nodes };
}

/** A recovery without the last node's key, on top of `parent`, signed by so many of the others. */
function recovery({ nodes, genesis }: Tailnet, parent: Aum, signers: number): Aum {
  const keys = (genesis.state?.keys ?? []).slice(0, NODES - 1);
  const state = genesis.state === null ? null : { ...genesis.state, keys };
  const unsigned = makeAum(AUM_KIND.checkpoint, { state, prevAumHash: hashToBytes(aumHash(parent)) });
  return nodes.slice(0, signers).reduce((aum, { lockKey }) => signAum(aum, lockKey), unsigned);
}

/** Everything that the object has, judged anew by the authority itself. */
async function judged({ id, genesis }: Tailnet): Promise<string> {
  const exported = await authorityOf(id).exportLock();
  if (!exported.ok) throw new Error(exported.error.message);
  const chonk = new MemoryChonk();
  const start = bootstrap(chonk, genesis, fastVerifier, 0);
  const rest = exported.value.aums.slice(1).map(decodeAum);
  if (rest.length > 0) inform(chonk, start, rest, fastVerifier, 0);
  return openAuthority(chonk).head;
}

type Act =
  | { readonly kind: "change"; readonly node: number; readonly mark: number }
  | { readonly kind: "sync"; readonly node: number }
  | { readonly kind: "recover"; readonly node: number; readonly back: number; readonly signers: number };

const node = fc.nat(NODES - 1);
const act: fc.Arbitrary<Act> = fc.oneof(
  fc.record({ kind: fc.constant("change" as const), node, mark: fc.nat(1000) }),
  fc.record({ kind: fc.constant("sync" as const), node }),
  fc.record({ kind: fc.constant("recover" as const), node, back: fc.nat(3), signers: fc.integer({ min: 1, max: 3 }) }),
);

/** The AUM so many steps before the follower's head. */
function ancestor(follower: Follower, back: number): Aum {
  let at = follower.chonk.aum(follower.authority.head);
  for (let i = 0; i < back && at?.parent != null; i++) at = follower.chonk.aum(at.parent);
  if (at === null) throw new Error("the chain has a hole");
  return at.aum;
}

async function play(tailnet: Tailnet, followers: readonly Follower[], one: Act): Promise<void> {
  const follower = followers[one.node];
  if (follower === undefined) throw new Error("no such node");
  if (one.kind === "change") {
    const { lockKey } = follower.node;
    if (!keyTrusted(follower.authority, lockKey.publicKey)) return;
    const { head, state } = follower.authority;
    follower.take(idle(1, { head, state }, lockKey, BigInt(one.mark)));
  } else if (one.kind === "recover") {
    // One that loses is refused: then nobody has it.
    await send(follower.node, [recovery(tailnet, ancestor(follower, one.back), one.signers)], false);
  } else await exchangeOrRefused(follower);
}

/** A branch may be refused; what the answer brought is taken in all the same. */
async function exchangeOrRefused(follower: Follower): Promise<void> {
  try {
    await follower.exchange();
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith("refused: 409"))) throw error;
  }
}

/** All exchange until nobody has news for anybody: twice at least, since what one sends last another has not heard. */
async function settle(followers: readonly Follower[]): Promise<Set<string>> {
  const heads = (): string[] => followers.map(({ authority }) => authority.head);
  for (let round = 0; round < 3; round++) {
    const before = heads();
    for (const follower of followers) await exchangeOrRefused(follower);
    if (round > 0 && heads().every((head, i) => head === before[i])) break;
  }
  return new Set(heads());
}

describe("every node's head agrees", () => {
  test("whatever the order of hearing", async () => {
    const script = fc.array(act, { minLength: 6, maxLength: 18 });
    await fc.assert(
      fc.asyncProperty(script, async (acts) => {
        const tailnet = await makeLocked();
        const followers: Follower[] = [];
        for (const each of tailnet.nodes) followers.push(await Follower.join(each));
        for (const one of acts) await play(tailnet, followers, one);
        const heads = await settle(followers);
        const map = await tailnet.nodes[0].map();
        expect([...heads]).toEqual([map.TKAInfo?.Head]);
        expect(await judged(tailnet)).toBe(map.TKAInfo?.Head);
      }),
      { numRuns: RUNS, seed: 20_261_125 },
    );
  });

  test("with sleepers of 2,500 and of 500 AUMs, and one on the branch that a recovery undid, in any order", async () => {
    const orders = [
      [0, 1, 2, 3],
      [3, 2, 1, 0],
      [2, 0, 3, 1],
    ];
    const tailnet = await makeLocked();
    const [first, second, third, bad] = tailnet.nodes as [TestNode, TestNode, TestNode, TestNode];
    const tip: Tip = { head: aumHash(tailnet.genesis), state: tailnet.genesis.state as Tip["state"] };
    const joined = (nodes: readonly TestNode[]): Promise<Follower[]> =>
      Promise.all(nodes.map((each) => Follower.join(each)));
    const early = await Promise.all(orders.map(() => joined([second, third])));
    const trunk = await grow(tailnet.id, first, 2000, tip);
    const late = { ...tip, head: aumHash(trunk.at(-1) as Aum) };
    const more = idle(500, late, first.lockKey);
    await sendAll(first, more);
    const misled = await joined(orders.map(() => bad));
    for (const each of misled) await each.follow();
    const theft = idle(30, { ...tip, head: aumHash(more.at(-1) as Aum) }, bad.lockKey, 7n);
    await sendAll(bad, theft);
    const aum = recovery(tailnet, more.at(-3) as Aum, 3);
    expect(await sendAll(first, [aum])).toBe(aumHash(aum));
    for (const each of misled) each.take(theft);
    for (const [i, order] of orders.entries()) {
      const [asleep, dozing] = early[i] as [Follower, Follower];
      dozing.take(trunk);
      const all = [asleep, dozing, misled[i] as Follower, await Follower.join(first)];
      for (const place of order) expect(await (all[place] as Follower).follow()).toBe(aumHash(aum));
    }
  });
});
