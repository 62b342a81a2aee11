/** AUMs that come again under other signatures [P3] [P4]: the hole in the consensus, shown, and closed. */

import { describe, expect, test } from "vitest";
import {
  MemoryChonk,
  bootstrap,
  inform,
  prepare,
  refuseDoubleSigners,
  refuseRepublished,
  sealAum,
  signAum,
  type Aum,
  type Authority,
} from "../../src/tka/index.ts";
import { chain } from "../support/chains.ts";
import { lockKey, namesOf } from "../support/chains-keys.ts";
import { addKey, checkpoint, removeKey } from "../support/chains-recipes.ts";
import { codeOf, verdictOf } from "../support/expect-code.ts";
import { fastVerifier } from "../support/host-crypto.ts";

const NOW = 1_800_000_000_000;

/** A tailnet that trusted `bad` for a while: G, then bad is added, then carol, then bad is removed. */
const story = chain("G -> bad -> carol -> gone", {
  keys: { alice: 1, bob: 1 },
  aums: { bad: addKey("bad"), carol: addKey("carol"), gone: removeKey("bad") },
});

function held(): { chonk: MemoryChonk; authority: Authority } {
  const chonk = new MemoryChonk();
  const genesis = bootstrap(chonk, story.aum("G"), fastVerifier, NOW);
  return { chonk, authority: inform(chonk, genesis, story.aums("bad", "carol", "gone"), fastVerifier, NOW) };
}

/** The AUM with its first signature written `times` over. */
function repeated(aum: Aum, times: number): Aum {
  const [signature] = aum.signatures ?? [];
  if (signature === undefined) throw new Error("unsigned");
  return { ...aum, signatures: Array.from({ length: times }, () => signature) };
}

describe("a signature written twice [P3]", () => {
  test("would undo what followed the original: nobody need hold a key for it", () => {
    const { chonk, authority } = held();
    expect(namesOf(authority.state)).not.toContain("bad");
    const won = Array.from({ length: 40 }, (_, i) => repeated(story.aum("carol"), i + 2)).find(
      (copy) => prepare(chonk, authority, [copy], fastVerifier).head !== authority.head,
    );
    if (won === undefined) throw new Error("no copy won, which 40 coin tosses do not do");
    expect(namesOf(prepare(chonk, authority, [won], fastVerifier).state)).toContain("bad");
    expect(
      codeOf(() => {
        refuseRepublished(chonk, [won].map(sealAum));
      }),
    ).toBe("republished");
  });

  test("is refused whatever is stored, in a genesis too", () => {
    expect(
      codeOf(() => {
        refuseRepublished(new MemoryChonk(), [repeated(story.aum("carol"), 2)].map(sealAum));
      }),
    ).toBe("republished");
    expect(
      codeOf(() => {
        refuseDoubleSigners(repeated(story.aum("G"), 2));
      }),
    ).toBe("republished");
  });
});

describe("the same content beside what is stored [P4]", () => {
  const cosigned = (...names: string[]): Aum =>
    names.reduce<Aum>((aum, name) => signAum(aum, lockKey(name)), { ...story.aum("carol"), signatures: null });

  /** What the second of two AUMs of the same content gets, where the first is stored. */
  function after(first: Aum, second: Aum): string {
    const chonk = new MemoryChonk();
    const genesis = bootstrap(chonk, story.aum("G"), fastVerifier, NOW);
    inform(chonk, genesis, [story.aum("bad"), first], fastVerifier, NOW);
    return verdictOf(() => {
      refuseRepublished(chonk, [second].map(sealAum));
    });
  }

  test("in another order is refused", () => {
    expect(after(cosigned("alice", "bob"), cosigned("bob", "alice"))).toBe("republished");
  });

  test("with a signature left out is refused", () => {
    expect(after(cosigned("alice", "bob"), cosigned("bob"))).toBe("republished");
  });

  test("with one more signer is refused, where it is no checkpoint: a builder signs once", () => {
    expect(after(cosigned("alice"), cosigned("alice", "bob"))).toBe("republished");
  });

  test("with one more signer is taken, where it is a checkpoint: a recovery gathers them", () => {
    const recovery = chain("G -> R", { keys: { alice: 1, bob: 1 }, aums: { R: checkpoint() } });
    const chonk = new MemoryChonk();
    const genesis = bootstrap(chonk, recovery.aum("G"), fastVerifier, NOW);
    inform(chonk, genesis, [recovery.aum("R")], fastVerifier, NOW);
    const more = signAum(recovery.aum("R"), lockKey("bob"));
    expect(
      verdictOf(() => {
        refuseRepublished(chonk, [more].map(sealAum));
      }),
    ).toBe("ok");
  });

  test("as it is stored is taken", () => {
    expect(after(cosigned("alice", "bob"), cosigned("alice", "bob"))).toBe("ok");
  });

  test("twice in one batch is refused, and the index names the second", () => {
    const chonk = new MemoryChonk();
    bootstrap(chonk, story.aum("G"), fastVerifier, NOW);
    const batch = [story.aum("bad"), cosigned("alice", "bob"), cosigned("bob", "alice")];
    expect(
      codeOf(() => {
        refuseRepublished(chonk, batch.map(sealAum));
      }),
    ).toBe("republished");
    expect(sealAum(cosigned("alice", "bob")).hash).not.toBe(sealAum(cosigned("bob", "alice")).hash);
  });
});
