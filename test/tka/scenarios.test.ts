/** Stories of several nodes and a control plane, honest ones and attacks. A control plane relays; what counts is what nodes take in. */

import { describe, expect, test } from "vitest";
import {
  AUM_KIND,
  cosignRevocation,
  hashToBytes,
  inform,
  makeAum,
  makeGenesis,
  makeRevocation,
  openAuthority,
  signAum,
  type Aum,
  type AumHash,
  type SyncOffer,
} from "../../src/tka/index.ts";
import { idOf, lockKey, stateOf, trusted } from "../support/chains-keys.ts";
import { StoryControl, StoryNode, type SyncAnswer } from "../support/chains-nodes.ts";
import { codeOf } from "../support/expect-code.ts";
import { fastVerifier } from "../support/host-crypto.ts";

const GENESIS = makeGenesis(stateOf({ alice: 2, bob: 2, carol: 1 }), lockKey("alice"));

interface Cast {
  readonly control: StoryControl;
  readonly laptop: StoryNode;
  readonly phone: StoryNode;
  readonly server: StoryNode;
}

function cast(control = new StoryControl("control", GENESIS)): Cast {
  const [laptop, phone, server] = ["laptop", "phone", "server"].map((name) => new StoryNode(name, GENESIS));
  if (laptop === undefined || phone === undefined || server === undefined) throw new Error("a role is not played");
  return { control, laptop, phone, server };
}

/** Lets every node sync until nobody learns anything new. */
function settle({ control, laptop, phone, server }: Cast): void {
  const nodes = [laptop, phone, server];
  for (let round = 0; round < 4; round++) for (const node of nodes) node.sync(control);
}

function heads({ control, laptop, phone, server }: Cast): Set<string> {
  return new Set([control.head, laptop.head, phone.head, server.head]);
}

function following(head: AumHash, signer: string, fields: Partial<Aum> & { kind: number }): Aum {
  const { kind, ...rest } = fields;
  return signAum(makeAum(kind, { prevAumHash: hashToBytes(head), ...rest }), lockKey(signer));
}

describe("ordinary life", () => {
  test("a change spreads through control to everyone", () => {
    const all = cast();
    all.laptop.change("alice", (builder) => builder.addKey(trusted("dave")));
    settle(all);
    expect(heads(all).size).toBe(1);
    expect(all.server.trusts).toEqual(["alice", "bob", "carol", "dave"]);
  });

  test("two changes made at once become one chain, the same for everyone", () => {
    const all = cast();
    all.laptop.change("alice", (builder) => builder.addKey(trusted("dave")));
    all.phone.change("bob", (builder) => builder.addKey(trusted("erin")));
    settle(all);
    expect(heads(all).size).toBe(1);
    expect(["dave", "erin"].filter((name) => all.server.trusts.includes(name))).toHaveLength(1);
  });

  test("of two changes made at once, the one that removes a key stays", () => {
    const all = cast();
    all.laptop.change("alice", (builder) => builder.addKey(trusted("dave")));
    all.phone.change("bob", (builder) => builder.removeKey(idOf("carol")));
    settle(all);
    expect(heads(all).size).toBe(1);
    expect(all.server.trusts).toEqual(["alice", "bob"]);
  });

  test("a sleeper of 500 changes wakes up", () => {
    const all = cast();
    for (let i = 0; i < 500; i++)
      all.laptop.change("alice", (builder) => builder.setKeyVotes(idOf("carol"), BigInt(1 + (i % 2))));
    settle(all);
    expect(heads(all).size).toBe(1);
    expect(openAuthority(all.server.chonk)).toEqual(all.server.authority);
  });

  test("a node that joins late begins with the genesis and catches up", () => {
    const all = cast();
    all.laptop.change("alice", (builder) => builder.addKey(trusted("dave")).removeKey(idOf("carol")));
    settle(all);
    const late = new StoryNode("late", GENESIS);
    late.sync(all.control);
    expect([late.head, late.trusts]).toEqual([all.control.head, ["alice", "bob", "dave"]]);
  });
});

describe("a control plane that lies", () => {
  /** Sends whatever it is told to, besides what it should. */
  class LyingControl extends StoryControl {
    lies: readonly Aum[] = [];
    override answer(offer: SyncOffer): SyncAnswer {
      const honest = super.answer(offer);
      return { ...honest, missing: [...honest.missing, ...this.lies] };
    }
  }

  const lie = (make: (head: AumHash) => Aum): { all: Cast; control: LyingControl } => {
    const control = new LyingControl("control", GENESIS);
    const all = cast(control);
    control.lies = [make(all.laptop.authority.head)];
    return { all, control };
  };

  const addMallory = { kind: AUM_KIND.addKey, key: trusted("mallory") };

  test.each<[string, string, (head: AumHash) => Aum]>([
    ["unknown_key", "adds a key of its own, signed by itself", (head) => following(head, "mallory", addMallory)],
    [
      "unsigned_aum",
      "adds a key of its own, unsigned",
      (head) => makeAum(AUM_KIND.addKey, { prevAumHash: hashToBytes(head), key: trusted("mallory") }),
    ],
    [
      "bad_signature",
      "puts its key into what Alice signed",
      (head) => ({
        ...following(head, "alice", { kind: AUM_KIND.addKey, key: trusted("dave") }),
        key: trusted("mallory"),
      }),
    ],
    [
      "bad_signature",
      "says that Alice signed what it signed",
      (head) => {
        const forged = following(head, "mallory", addMallory);
        return {
          ...forged,
          signatures: [{ keyId: idOf("alice"), signature: forged.signatures?.[0]?.signature ?? null }],
        };
      },
    ],
    ["no_parent", "offers another genesis", () => makeGenesis(stateOf({ mallory: 9 }), lockKey("mallory"))],
    [
      "unknown_key",
      "offers a checkpoint that trusts nobody else",
      (head) => following(head, "mallory", { kind: AUM_KIND.checkpoint, state: stateOf({ mallory: 9 }) }),
    ],
  ])("a lie on its way is refused with %s: it %s", (code, _, make) => {
    const { all } = lie(make);
    const before = all.laptop.authority;
    expect(codeOf(() => all.laptop.sync(all.control))).toBe(code);
    expect(all.laptop.authority).toBe(before);
    expect(all.laptop.chonk.hashes()).toHaveLength(1);
  });

  test("one lie among good news spoils the batch, and nothing else: without it the news arrives", () => {
    const { all, control } = lie((head) => following(head, "mallory", addMallory));
    control.change("alice", (builder) => builder.addKey(trusted("dave")));
    expect(codeOf(() => all.laptop.sync(control))).toBe("unknown_key");
    expect(all.laptop.trusts).toEqual(["alice", "bob", "carol"]);
    control.lies = [];
    all.laptop.sync(control);
    expect(all.laptop.trusts).toContain("dave");
  });

  test("withholding news leaves a node behind, never astray", () => {
    const all = cast();
    const updates = all.laptop.change("alice", (builder) => builder.addKey(trusted("dave")).removeKey(idOf("carol")));
    all.phone.inform(updates.slice(0, 1));
    expect(all.phone.trusts).toEqual(["alice", "bob", "carol", "dave"]);
    expect(codeOf(() => all.server.inform(updates.slice(1)))).toBe("aum_not_found");
  });

  test("showing two nodes two sides of a fork ends when they meet", () => {
    const all = cast();
    const left = all.laptop.change("alice", (builder) => builder.addKey(trusted("dave")));
    const right = all.phone.change("bob", (builder) => builder.addKey(trusted("erin")));
    expect(all.laptop.head).not.toBe(all.phone.head);
    all.laptop.inform(right);
    all.phone.inform(left);
    expect(all.laptop.head).toBe(all.phone.head);
  });

  test("replaying an old chain changes nothing", () => {
    const all = cast();
    const added = all.laptop.change("alice", (builder) => builder.addKey(trusted("dave")));
    const removed = all.laptop.change("alice", (builder) => builder.removeKey(idOf("dave")));
    const { head } = all.laptop;
    all.laptop.inform([...added, ...removed, ...added]);
    expect([all.laptop.head, all.laptop.trusts]).toEqual([head, ["alice", "bob", "carol"]]);
  });

  test("a late checkpoint bootstraps a node that knows nothing: who it trusts first is up to whoever tells it", () => {
    const forged = makeGenesis(stateOf({ mallory: 9 }), lockKey("mallory"));
    const victim = new StoryNode("victim", forged);
    expect(victim.trusts).toEqual(["mallory"]);
    expect(codeOf(() => victim.sync(cast().control))).toBe("no_intersection");
  });
});

describe("a signer who turned", () => {
  /** Carol's key is stolen; the thief trusts keys of their own and throws out Alice. */
  function robbed(): Cast {
    const all = cast();
    all.phone.change("carol", (builder) => builder.addKey(trusted("mallory", 4096)));
    all.phone.change("mallory", (builder) => builder.removeKey(idOf("alice")));
    settle(all);
    expect(all.laptop.trusts).toEqual(["bob", "carol", "mallory"]);
    return all;
  }

  function recovery(node: StoryNode, forkFrom: AumHash | null, ...signers: readonly string[]): Aum {
    const revoked = ["carol", "mallory"].map(idOf);
    const unsigned = makeRevocation(node.chonk, node.authority, revoked, idOf("bob"), forkFrom);
    return signers.reduce((aum, signer) => cosignRevocation(aum, lockKey(signer)), unsigned);
  }

  test("is undone by a recovery with more votes than the key had where the fork is", () => {
    const all = robbed();
    const genesis = openAuthority(all.laptop.chonk).oldestAncestor;
    all.laptop.inform([recovery(all.laptop, genesis, "bob")]);
    settle(all);
    expect(heads(all).size).toBe(1);
    expect(all.server.trusts).toEqual(["bob"]);
  });

  test("cannot be undone by this where everybody else was thrown out: a recovery keeps the keys of the head", () => {
    const genesis = makeGenesis(stateOf({ alice: 1, carol: 1 }), lockKey("alice"));
    const [thief, victim] = [new StoryNode("thief", genesis), new StoryNode("victim", genesis)];
    victim.inform(thief.change("carol", (builder) => builder.removeKey(idOf("alice"))));
    const { chonk, authority } = victim;
    const revoke = (): Aum =>
      makeRevocation(chonk, authority, [idOf("carol")], idOf("alice"), authority.oldestAncestor);
    expect(codeOf(revoke)).toBe("cannot_revoke_all");
    expect(victim.trusts).toEqual(["carol"]);
  });

  test("ties go to RemoveKey: a thief that throws out a signer beats a recovery of the same weight", () => {
    const genesis = makeGenesis(stateOf({ alice: 1, bob: 1, carol: 1 }), lockKey("alice"));
    const all = { ...cast(), laptop: new StoryNode("laptop", genesis), phone: new StoryNode("phone", genesis) };
    all.laptop.inform(all.phone.change("carol", (builder) => builder.removeKey(idOf("alice"))));
    const { chonk, authority } = all.laptop;
    const unsigned = makeRevocation(chonk, authority, [idOf("carol")], idOf("bob"), authority.oldestAncestor);
    const before = all.laptop.head;
    all.laptop.inform([signAum(unsigned, lockKey("bob"))]);
    expect(all.laptop.head).toBe(before);
    all.laptop.inform([cosignRevocation(signAum(unsigned, lockKey("bob")), lockKey("alice"))]);
    expect(all.laptop.trusts).toEqual(["bob"]);
  });

  test("cannot win the chain back with the revoked keys, from before or from after", () => {
    const all = robbed();
    const genesis = all.laptop.authority.oldestAncestor;
    all.laptop.inform([recovery(all.laptop, genesis, "alice", "bob")]);
    settle(all);
    const { head } = all.laptop;
    const again = following(all.laptop.authority.head, "mallory", { kind: AUM_KIND.noOp });
    expect(codeOf(() => all.laptop.inform([again]))).toBe("unknown_key");
    all.laptop.inform([following(genesis, "carol", { kind: AUM_KIND.removeKey, keyId: idOf("bob") })]);
    expect(all.laptop.head).toBe(head);
  });

  test("who asks control to forget the recovery gains nothing: a node that has it keeps it, and gives it on", () => {
    const all = robbed();
    all.laptop.inform([recovery(all.laptop, all.laptop.authority.oldestAncestor, "alice", "bob")]);
    const forgetful = { ...all, control: new StoryControl("control", GENESIS) };
    settle(forgetful);
    expect(heads(forgetful)).toEqual(new Set([all.laptop.head]));
  });
});

describe("a lock that begins anew", () => {
  test("is another authority: nothing of the old one can be told to its nodes", () => {
    const all = cast();
    const old = all.laptop.change("alice", (builder) => builder.addKey(trusted("dave")));
    const renewed = makeGenesis(stateOf({ alice: 2, bob: 2, carol: 1 }, { stateId1: 77n }), lockKey("alice"));
    const control = new StoryControl("control", renewed);
    const node = new StoryNode("node", renewed);
    expect(codeOf(() => node.inform(old))).toBe("aum_not_found");
    expect(codeOf(() => all.phone.sync(control))).toBe("no_intersection");
    node.change("alice", (builder) => builder.addKey(trusted("erin")));
    node.sync(control);
    expect(control.trusts).toContain("erin");
  });

  test("a stolen state with the old IDs does not graft the old chain onto the new", () => {
    const node = new StoryNode("node", makeGenesis(stateOf({ alice: 1 }, { stateId1: 77n }), lockKey("alice")));
    const graft = following(node.authority.head, "alice", { kind: AUM_KIND.checkpoint, state: stateOf({ alice: 1 }) });
    expect(codeOf(() => node.inform([graft]))).toBe("state_id_mismatch");
  });
});

test("foreseeing a change takes nothing in", () => {
  const { laptop } = cast();
  const change = following(laptop.authority.head, "alice", { kind: AUM_KIND.addKey, key: trusted("dave") });
  const foreseen = laptop.foresee([change]);
  expect(laptop.trusts).toEqual(["alice", "bob", "carol"]);
  expect(inform(laptop.chonk, laptop.authority, [change], fastVerifier, 0)).toEqual(foreseen);
});
