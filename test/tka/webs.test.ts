/**
 * Webs of forks that grow at random, with pinned seeds: every node decides alike whatever it heard first [F1][F2][F3], a batch is all or
 * nothing [P1], and two nodes agree once they have told each other what they lack.
 */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  AUM_KIND,
  MemoryChonk,
  TkaError,
  aumHash,
  bootstrap,
  hashToBytes,
  inform,
  makeAum,
  makeGenesis,
  makeSyncOffer,
  missingAums,
  openAuthority,
  resumeAuthority,
  sealAum,
  signAum,
  stateAt,
  type Aum,
  type Authority,
  type State,
} from "../../src/tka/index.ts";
import { idOf, lockKey, stateOf, trusted } from "../support/chains-keys.ts";
import { fastVerifier } from "../support/host-crypto.ts";

const NAMES = ["alice", "bob", "carol", "dave"];
const GENESIS = makeGenesis(stateOf({ alice: 2, bob: 1, carol: 1 }), lockKey("alice"));

/** One AUM of a random web: where it hangs, what it does, who signs. */
interface Twig {
  readonly parent: number;
  readonly act: number;
  readonly subject: number;
  readonly signers: readonly number[];
}

const twig: fc.Arbitrary<Twig> = fc.record({
  parent: fc.nat({ max: 1000 }),
  act: fc.nat({ max: 5 }),
  subject: fc.nat({ max: NAMES.length - 1 }),
  signers: fc.uniqueArray(fc.nat({ max: 2 }), { minLength: 1, maxLength: 2 }),
});

interface Node {
  readonly chonk: MemoryChonk;
  authority: Authority;
}

function newNode(): Node {
  const chonk = new MemoryChonk();
  return { chonk, authority: bootstrap(chonk, GENESIS, fastVerifier, 0) };
}

function tell(node: Node, updates: readonly Aum[]): void {
  if (updates.length > 0) node.authority = inform(node.chonk, node.authority, updates, fastVerifier, 0);
}

function act({ act: number, subject }: Twig, state: State, nonce: number): Partial<Aum> & { kind: number } {
  const name = NAMES[subject] ?? "alice";
  switch (number) {
    case 0:
      return { kind: AUM_KIND.addKey, key: trusted(name, 1 + (nonce % 3)) };
    case 1:
      return { kind: AUM_KIND.removeKey, keyId: idOf(name) };
    case 2:
      return { kind: AUM_KIND.updateKey, keyId: idOf(name), votes: BigInt(1 + (nonce % 4)) };
    case 3:
      return { kind: AUM_KIND.checkpoint, state: { ...state, lastAumHash: null } };
    default:
      return { kind: AUM_KIND.noOp, keyId: Uint8Array.of(nonce & 0xff) };
  }
}

/** A web of valid AUMs that grow from the genesis, parents first. Twigs that would not be valid are left out. */
function grow(twigs: readonly Twig[]): Aum[] {
  const node = newNode();
  const grown: Aum[] = [];
  twigs.forEach((one, nonce) => {
    const parent = one.parent % (grown.length + 1);
    const hash = parent === 0 ? aumHash(GENESIS) : aumHash(grown[parent - 1] as Aum);
    const { kind, ...fields } = act(one, stateAt(node.chonk, hash, 2000), nonce);
    const unsigned = makeAum(kind, { ...fields, prevAumHash: hashToBytes(hash) });
    const signed = one.signers.reduce((aum, signer) => signAum(aum, lockKey(NAMES[signer] ?? "alice")), unsigned);
    try {
      tell(node, [signed]);
      grown.push(signed);
    } catch (error) {
      if (!(error instanceof TkaError)) throw error;
    }
  });
  return grown;
}

const web = fc.array(twig, { minLength: 2, maxLength: 14 }).map(grow);
const order = fc.array(fc.nat(), { minLength: 14, maxLength: 14 });

/** The web in another order, parents still first: picks the next of those whose parent is there by each number in turn. */
function shuffled(aums: readonly Aum[], picks: readonly number[]): Aum[] {
  const waiting = aums.map((aum) => sealAum(aum));
  const there = new Set([aumHash(GENESIS)]);
  const out: Aum[] = [];
  for (let i = 0; waiting.length > 0; i++) {
    const ready = waiting.filter(({ parent }) => parent !== null && there.has(parent));
    const next = ready[(picks[i % picks.length] ?? 0) % ready.length];
    if (next === undefined) break;
    waiting.splice(waiting.indexOf(next), 1);
    if (!there.has(next.hash)) out.push(next.aum);
    there.add(next.hash);
  }
  return out;
}

/** Parts a list at the given places, the order kept. */
function batches(aums: readonly Aum[], cuts: readonly number[]): Aum[][] {
  const parts: Aum[][] = [[]];
  aums.forEach((aum, i) => {
    if ((cuts[i % cuts.length] ?? 0) % 2 === 0) parts.push([]);
    parts.at(-1)?.push(aum);
  });
  return parts;
}

describe("webs of forks", () => {
  test("are drawn large enough to mean something", () => {
    const sizes = fc.sample(web, { seed: 20261118, numRuns: 60 }).map(({ length }) => length);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeGreaterThan(240);
  });

  test("[F1][F2][F3] the head does not depend on the order in which AUMs arrive, nor on how they are batched", () => {
    fc.assert(
      fc.property(web, order, order, (aums, picks, cuts) => {
        const [one, two, three] = [newNode(), newNode(), newNode()];
        tell(one, aums);
        for (const aum of shuffled(aums, picks)) tell(two, [aum]);
        for (const batch of batches(shuffled(aums, cuts), picks)) tell(three, batch);
        expect(two.authority).toEqual(one.authority);
        expect(three.authority).toEqual(one.authority);
        expect(openAuthority(two.chonk)).toEqual(one.authority);
        expect(resumeAuthority(three.chonk)).toEqual(one.authority);
      }),
      { seed: 20261118, numRuns: 60 },
    );
  });

  test("two nodes that know different parts agree once each has told the other what it lacks", () => {
    fc.assert(
      fc.property(web, order, order, (aums, left, right) => {
        const [one, two] = [newNode(), newNode()];
        const part = (picks: readonly number[]): Aum[] => {
          const list = shuffled(aums, picks);
          return list.slice(0, (picks[0] ?? 0) % (list.length + 1));
        };
        tell(one, part(left));
        tell(two, part(right));
        // Each round can uncover a fork that the last one hid; a handful always does.
        for (let round = 0; round < 3; round++) {
          const offers = [makeSyncOffer(one.chonk, one.authority), makeSyncOffer(two.chonk, two.authority)] as const;
          const forOne = missingAums(two.chonk, two.authority, offers[0]).map(({ aum }) => aum);
          const forTwo = missingAums(one.chonk, one.authority, offers[1]).map(({ aum }) => aum);
          tell(one, forOne);
          tell(two, forTwo);
        }
        expect(one.authority.head).toBe(two.authority.head);
        expect(one.authority.state).toEqual(two.authority.state);
      }),
      { seed: 20261119, numRuns: 60 },
    );
  });

  test("[P1] Inform is all or nothing: one bad AUM anywhere, and nothing has happened", () => {
    fc.assert(
      fc.property(web, fc.nat(), fc.nat({ max: 63 }), (aums, where, at) => {
        const index = where % (aums.length || 1);
        const victim = aums[index];
        if (victim === undefined) return;
        const [first, ...others] = victim.signatures ?? [];
        const signature = Uint8Array.from(first?.signature ?? []);
        signature[at] = (signature[at] ?? 0) ^ 0x10;
        const spoiled = { ...victim, signatures: [{ keyId: first?.keyId ?? null, signature }, ...others] };
        const node = newNode();
        const { authority } = node;
        expect(() =>
          tell(
            node,
            aums.map((aum, i) => (i === index ? spoiled : aum)),
          ),
        ).toThrow(TkaError);
        expect(node.authority).toBe(authority);
        expect(node.chonk.hashes()).toHaveLength(1);
      }),
      { seed: 20261120, numRuns: 60 },
    );
  });

  test("[P2] telling a node what it knows changes nothing", () => {
    fc.assert(
      fc.property(web, order, (aums, picks) => {
        const node = newNode();
        tell(node, aums);
        const { authority } = node;
        const stored = node.chonk.hashes().length;
        tell(node, shuffled(aums, picks));
        expect(node.authority).toEqual(authority);
        expect(node.chonk.hashes()).toHaveLength(stored);
      }),
      { seed: 20261121, numRuns: 30 },
    );
  });
});
