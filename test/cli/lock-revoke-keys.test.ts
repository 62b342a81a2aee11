/** `lock revoke-keys`: its steps, its copied lines, and what our key never signs [Z22]. */

import { describe, expect, test } from "vitest";
import {
  decodeAum,
  decodeHex,
  encodeAum,
  encodeHex,
  formatLockKey,
  hashToBytes,
  makeAum,
  signAum,
  AUM_KIND,
  UpdateBuilder,
  aumHash,
  type Aum,
  type State,
} from "../../src/tka/index.ts";
import { refused } from "../node/support/fake-control.ts";
import { DISABLEMENT_VALUE, idOf, lockKey, trusted } from "../support/chains-keys.ts";
import { chain } from "../support/chains.ts";
import { eventually } from "../support/eventually.ts";
import { expectRefusal, lockedSeat, seat, tailward, type Ran, type Seat } from "./support.ts";

const name = (key: string): string => formatLockKey(idOf(key));
const COSIGN = /^\ttailward lock revoke-keys --cosign ([0-9A-F]+)$/gm;
const FINISH = /^\ttailward lock revoke-keys --finish ([0-9A-F]+)$/gm;

function blobIn({ out }: Ran, line = COSIGN): string {
  const blobs = [...out.matchAll(line)].map(([, hex = ""]) => hex);
  expect(blobs).toHaveLength(1);
  return blobs[0] ?? "";
}

function aumOf(blob: string): Aum {
  return decodeAum(decodeHex(blob) ?? new Uint8Array(0));
}

const hexOf = (aum: Aum): string => encodeHex(encodeAum(aum)).toUpperCase();

/** A lock of three signers, ours among them, in which Mallory's key has then added an accomplice's. */
async function compromised(): Promise<Seat & { readonly before: string }> {
  const one = await lockedSeat();
  expect((await one.run("lock", "add", name("bob"), name("mallory"))).code).toBe(0);
  const before = one.agent.lock.require().head;
  const { authority, chonk } = one.control;
  if (authority === null) throw new Error("no lock");
  one.control.extend(...new UpdateBuilder(authority, lockKey("mallory")).addKey(trusted("eve", 9)).finalize(chonk));
  await eventually(() => expect(one.agent.lock.require().head).not.toBe(before));
  return { ...one, before };
}

function trustedOf({ agent }: Seat): string[] {
  return (agent.lock.require().state.keys ?? []).map(({ publicKey }) => formatLockKey(publicKey ?? new Uint8Array(0)));
}

describe("the steps", () => {
  test("make a recovery, add signatures, and finish", async () => {
    const one = await compromised();
    const begun = await one.run("lock", "revoke-keys", `${name("mallory")},`, name("eve"));
    expect(begun.code).toBe(0);
    expect(begun.out).toContain(`It revokes:\n - ${name("mallory")}\n - ${name("eve")}\n`);
    expect(begun.out).toContain(`keys:\n - ${one.ownKey}\n - ${name("bob")}\n`);
    const blob = blobIn(begun);
    expect(aumOf(blob).signatures).toHaveLength(1);
    // Bob, at his own node.
    const cosigned = signAum(aumOf(blob), lockKey("bob"));
    const done = await one.run("lock", "revoke-keys", "--finish", hexOf(cosigned));
    expect(done).toMatchObject({ code: 0, err: "" });
    expect(done.out).toContain(`Recovery completed. The lock's head is ${aumHash(cosigned)} now.\n`);
    expect(one.agent.lock.require().head).toBe(aumHash(cosigned));
    expect(trustedOf(one)).toEqual([one.ownKey, name("bob")]);
    expect(one.control.asked.filter(({ what }) => what === "send").at(-2)?.body).toMatchObject({
      Head: aumHash(cosigned),
      Interactive: false,
    });
  });

  test("finishing once more is success", async () => {
    const one = await compromised();
    const blob = blobIn(await one.run("lock", "revoke-keys", name("mallory"), name("eve")));
    const cosigned = hexOf(signAum(aumOf(blob), lockKey("bob")));
    await one.run("lock", "revoke-keys", "--finish", cosigned);
    expect((await one.run("lock", "revoke-keys", "--finish", cosigned)).code).toBe(0);
  });

  test("the same node cannot sign twice", async () => {
    const one = await compromised();
    const blob = blobIn(await one.run("lock", "revoke-keys", name("mallory"), name("eve")));
    expectRefusal(await one.run("lock", "revoke-keys", "--cosign", blob), /signed this recovery already/);
  });

  test("--cosign with --finish sends what was just signed", async () => {
    const one = await compromised();
    const blob = blobIn(await one.run("lock", "revoke-keys", name("mallory"), name("eve")));
    const byBob = hexOf(signAum({ ...aumOf(blob), signatures: null }, lockKey("bob")));
    const ran = await one.run("lock", "revoke-keys", "--cosign", "--finish", byBob);
    expect(ran).toMatchObject({ code: 0, err: "" });
    expect(one.agent.lock.require().head).toBe(aumHash(aumOf(blobIn(ran))));
  });

  test("--cosign on the node of another signer", async () => {
    const one = await compromised();
    // Begun by Bob, from where ours and his are trusted and Eve's is not.
    const begun = blobIn(await one.run("lock", "revoke-keys", name("mallory"), name("eve")));
    const byBob = signAum({ ...aumOf(begun), signatures: null }, lockKey("bob"));
    const ran = await one.run("lock", "revoke-keys", "--cosign", hexOf(byBob));
    expect(ran).toMatchObject({ code: 0, err: "" });
    expect(ran.out).toContain("outweighs");
    expect(blobIn(ran)).toBe(blobIn(ran, FINISH));
    expect(aumOf(blobIn(ran)).signatures).toHaveLength(2);
    expect(ran.out).toContain(`It is signed by:\n - ${name("bob")}\n - ${one.ownKey}\n`);
    expect(one.agent.lock.isActive(aumHash(aumOf(blobIn(ran))))).toBe(false);
  });

  test("says where it is not enough yet", async () => {
    const one = await lockedSeat();
    const three = ["bob", "mallory", "eve"].map(name);
    expect((await one.run("lock", "add", name("bob"), `${name("mallory")}?3`)).code).toBe(0);
    const { authority, chonk } = one.control;
    if (authority === null) throw new Error("no lock");
    one.control.extend(...new UpdateBuilder(authority, lockKey("mallory")).addKey(trusted("eve")).finalize(chonk));
    await eventually(() => expect(trustedOf(one)).toEqual([one.ownKey, ...three]));
    const blob = blobIn(
      await one.run("lock", "revoke-keys", "--fork-from", authority.head, name("mallory"), name("eve")),
    );
    const byBob = signAum({ ...aumOf(blob), signatures: null }, lockKey("bob"));
    const cosigned = await one.run("lock", "revoke-keys", "--cosign", hexOf(byBob));
    expect(cosigned.out).toContain("NOT ENOUGH");
    // A control plane that takes it all the same: the recovery is stored, and lost.
    expectRefusal(await one.run("lock", "revoke-keys", "--finish", blobIn(cosigned)), /does not count: the head is/);
    expect(trustedOf(one)).toContain(name("eve"));
  });

  test("what the control plane refuses is said, with exit code 1", async () => {
    const one = await compromised();
    const blob = blobIn(await one.run("lock", "revoke-keys", name("mallory"), name("eve")));
    one.control.failures.set("send", [refused("insufficient_weight", "it lacks 1 vote")]);
    expectRefusal(await one.run("lock", "revoke-keys", "--finish", blob), /it lacks 1 vote; more signing nodes must/);
  });

  test("--fork-from takes a hash as the log prints it, or in hex", async () => {
    const one = await compromised();
    const genesis = one.agent.lock.log(99).at(-1)?.hash;
    if (genesis === undefined) throw new Error("no genesis");
    const text = blobIn(await one.run("lock", "revoke-keys", "--fork-from", genesis, name("mallory")));
    const hex = blobIn(
      await one.run("lock", "revoke-keys", `-fork-from=${encodeHex(hashToBytes(genesis))}`, name("mallory")),
    );
    expect(text).toBe(hex);
    expect(aumOf(text).prevAumHash).toEqual(hashToBytes(genesis));
    expectRefusal(
      await one.run("lock", "revoke-keys", "--fork-from", "x", name("mallory")),
      /--fork-from takes the hash/,
    );
  });
});

describe("our key does not sign [Z22]", () => {
  /** A recovery by Bob that forks off where Mallory's work began, with changes. */
  async function forged(edit: (state: State, own: string) => Partial<State>): Promise<{ one: Seat; blob: string }> {
    const one = await compromised();
    const good = aumOf(blobIn(await one.run("lock", "revoke-keys", name("mallory"), name("eve"))));
    if (good.state === null) throw new Error("no state");
    const bad: Aum = { ...good, signatures: null, state: { ...good.state, ...edit(good.state, one.ownKey) } };
    return { one, blob: hexOf(signAum(bad, lockKey("bob"))) };
  }

  test.each<[string, (state: State) => Partial<State>, RegExp]>([
    ["trusts a new key", ({ keys }) => ({ keys: [...(keys ?? []), trusted("zoe")] }), /does not trust so/],
    ["gives a key more votes", () => ({ keys: [trusted("bob", 9)] }), /does not trust so/],
    ["changes the disablement values", () => ({ disablementValues: [DISABLEMENT_VALUE] }), /disablement secrets/],
    ["is of another lock", () => ({ stateId1: 7n }), /another lock's/],
  ])("what %s", async (_what, edit, line) => {
    const { one, blob } = await forged(edit);
    expectRefusal(await one.run("lock", "revoke-keys", "--cosign", blob), line);
  });

  test("what revokes nothing, is another change, or forks off at what we do not have", async () => {
    const one = await compromised();
    const { state, head } = one.agent.lock.require();
    const checkpoint = { ...state, lastAumHash: null };
    const make = (aum: Aum): string => hexOf(signAum(aum, lockKey("bob")));
    const same = make(makeAum(AUM_KIND.checkpoint, { state: checkpoint, prevAumHash: hashToBytes(head) }));
    expectRefusal(await one.run("lock", "revoke-keys", "--cosign", same), /revokes no key/);
    const addition = make(makeAum(AUM_KIND.addKey, { key: trusted("zoe"), prevAumHash: hashToBytes(head) }));
    expectRefusal(await one.run("lock", "revoke-keys", "--cosign", addition), /another change/);
    const nowhere = make(makeAum(AUM_KIND.checkpoint, { state: checkpoint, prevAumHash: new Uint8Array(32).fill(1) }));
    expectRefusal(await one.run("lock", "revoke-keys", "--cosign", nowhere), /which this node does not know/);
  });

  test("what somebody else's signature spoils: every node would refuse it", async () => {
    const one = await compromised();
    const good = aumOf(blobIn(await one.run("lock", "revoke-keys", name("mallory"), name("eve"))));
    const spoilt = hexOf(signAum({ ...good, signatures: null }, lockKey("stranger")));
    expectRefusal(await one.run("lock", "revoke-keys", "--cosign", spoilt), /key not found|not trusted/);
  });

  test("anything while this node may not sign", async () => {
    const one = await seat();
    expectRefusal(await one.run("lock", "revoke-keys", name("bob")), /not enabled/);
    one.control.lock(...chain("G", { keys: { alice: 1, bob: 1 } }).aums("G"));
    await eventually(() => expect(one.agent.lockStatus().Enabled).toBe(true));
    expectRefusal(await one.run("lock", "revoke-keys", name("bob")), /not trusted by Tailnet Lock/);
  });
});

describe("what is refused", () => {
  test.each<[string[], RegExp]>([
    [[], /which tailnet lock keys/],
    [["nonsense"], /argument 1 is not a key/],
    [["--cosign"], /usage: tailward lock revoke-keys/],
    [["--finish"], /usage: tailward lock revoke-keys/],
    [["--finish", "00", "00"], /usage: tailward lock revoke-keys/],
    [["--cosign", "xyz"], /not hex/],
    [["--finish", "00"], /cannot be read/],
  ])("%j, before any agent is asked", async (args, line) => {
    expectRefusal(await tailward(null, ["lock", "revoke-keys", ...args]), line);
  });

  test("keys that nobody trusts, or all of them", async () => {
    const one = await compromised();
    expectRefusal(await one.run("lock", "revoke-keys", name("zoe")), /none of the keys to revoke is trusted/);
    expectRefusal(
      await one.run("lock", "revoke-keys", one.ownKey, ...["bob", "mallory", "eve"].map(name)),
      /cannot be revoked/,
    );
  });
});
