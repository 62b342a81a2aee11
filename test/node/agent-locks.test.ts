/** An agent through several locks, asleep and awake [Z17], and what deltas cannot do [Z11] to [Z13]. */

import { describe, expect, test, vi } from "vitest";
import { nodeKdf } from "../../src/node/index.ts";
import {
  UpdateBuilder,
  makeGenesis,
  rotateSignature,
  signDirect,
  type Aum,
  type NodeKey,
} from "../../src/tka/index.ts";
import { lockKey, nodeKey, stateOf } from "../support/chains-keys.ts";
import { FakeControl, mapNode } from "./support/fake-control.ts";
import { seen, startAgent, type TestAgent } from "./support/test-agent.ts";
import { eventually } from "../support/eventually.ts";

const secretOf = (lock: number): Uint8Array => new Uint8Array(32).fill(lock);

/** The genesis of lock 1, 2, 3: each with state IDs and a secret of its own. */
function genesis(lock: number): Aum {
  const state = stateOf({ alice: 1 }, { stateId1: BigInt(lock), disablementValues: [nodeKdf(secretOf(lock))] });
  return makeGenesis(state, lockKey("alice"));
}

function followed({ agent }: TestAgent): bigint | null {
  return agent.lock.authority?.state.stateId1 ?? null;
}

function signedPeer(control: FakeControl, id: number, name: string, key: NodeKey = nodeKey(name)): void {
  control.add(mapNode(id, name, key, signDirect(key, null, lockKey("alice"))));
}

async function following(control: FakeControl): Promise<TestAgent> {
  control.lock(genesis(1));
  const one = startAgent(control);
  await eventually(() => expect(followed(one)).toBe(1n));
  return one;
}

async function asleep(one: TestAgent): Promise<string> {
  one.stop();
  await one.running;
  return one.directory;
}

describe("awake", () => {
  test("it follows a lock off, and the next one on, several in a row", async () => {
    const control = new FakeControl();
    const one = await following(control);
    for (const lock of [1, 2]) {
      control.unlock(secretOf(lock));
      await eventually(() => expect(followed(one)).toBeNull());
      control.lock(genesis(lock + 1));
      await eventually(() => expect(followed(one)).toBe(BigInt(lock + 1)));
    }
  });

  test("a head that it has left behind, and that was on its way meanwhile, is not asked about", async () => {
    const control = new FakeControl();
    const one = await following(control);
    const old = control.authority?.head ?? "";
    const builder = new UpdateBuilder(one.agent.lock.require(), lockKey("alice"));
    control.extend(...builder.setKeyVotes(lockKey("alice").publicKey, 2n).finalize(one.agent.lock.chonk));
    await eventually(() => expect(one.agent.lock.authority?.head).toBe(control.authority?.head));
    const offers = vi.spyOn(control, "syncOffer");
    control.change(() => (control.saysOfLock = { Head: old, Disabled: false }));
    signedPeer(control, 1, "a");
    await eventually(() => expect(seen(one)).toEqual(["a"]));
    expect(offers).not.toHaveBeenCalled();
    control.change(() => (control.saysOfLock = { Head: "A".repeat(52), Disabled: false }));
    await eventually(() => expect(offers).toHaveBeenCalled());
  });

  test("it shows everybody while the lock is off, and filters again once it is on", async () => {
    const control = new FakeControl();
    const one = await following(control);
    signedPeer(control, 1, "a");
    control.add(mapNode(2, "m", nodeKey("m")));
    await eventually(() => expect(seen(one)).toEqual(["a"]));
    control.unlock(secretOf(1));
    await eventually(() => expect(seen(one)).toEqual(["a", "m"]));
    control.lock(genesis(2));
    signedPeer(control, 1, "a");
    await eventually(() => expect(seen(one)).toEqual(["a"]));
  });

  test.each([
    ["none", new Uint8Array(0)],
    ["that of another lock", secretOf(2)],
  ])("told that the lock is off, with a secret that is not its own (%s), it stays locked", async (_what, secret) => {
    const control = new FakeControl();
    const one = await following(control);
    control.add(mapNode(2, "m", nodeKey("m")));
    control.secret = secret;
    control.change(() => (control.saysOfLock = { Head: "", Disabled: true }));
    await eventually(() => expect(one.lines.join("\n")).toContain("stays on"));
    expect(followed(one)).toBe(1n);
    expect(seen(one)).toEqual([]);
  });
});

describe("asleep while the lock went off and another came on, it comes back by itself", () => {
  test("told of the new head alone", async () => {
    const control = new FakeControl();
    const directory = await asleep(await following(control));
    control.unlock(secretOf(1));
    control.lock(genesis(2));
    const again = startAgent(control, { directory, authKey: null });
    await eventually(() => expect(followed(again)).toBe(2n));
  });

  test("told first that its lock is off, and then of the new head", async () => {
    const control = new FakeControl();
    const directory = await asleep(await following(control));
    const oldHead = control.authority?.head;
    control.unlock(secretOf(1));
    control.lock(genesis(2));
    control.saysOfLock = { Head: "", Disabled: true };
    const bootstrap = control.bootstrap.bind(control);
    control.bootstrap = async (body) => {
      const answer = await bootstrap(body);
      if (body["Head"] === oldHead) setTimeout(() => control.change(() => (control.saysOfLock = null)), 20);
      return answer;
    };
    const again = startAgent(control, { directory, authKey: null });
    await eventually(() => expect(followed(again)).toBe(2n));
    const heads = control.asked.filter(({ what }) => what === "bootstrap").map(({ body }) => body["Head"]);
    expect(heads.slice(-2)).toEqual([oldHead, ""]);
  });

  test("over two locks more", async () => {
    const control = new FakeControl();
    const directory = await asleep(await following(control));
    for (const lock of [1, 2]) {
      control.unlock(secretOf(lock));
      control.lock(genesis(lock + 1));
    }
    const again = startAgent(control, { directory, authKey: null });
    await eventually(() => expect(followed(again)).toBe(3n));
  });

  test("but not where the control plane has no secret of its lock: nobody slips another under it", async () => {
    const control = new FakeControl();
    const directory = await asleep(await following(control));
    control.unlock(secretOf(9));
    control.lock(genesis(2));
    signedPeer(control, 1, "a");
    control.add(mapNode(2, "m", nodeKey("m")));
    const again = startAgent(control, { directory, authKey: null });
    await eventually(() => expect(again.lines.join("\n")).toContain("stays on"));
    expect(followed(again)).toBe(1n);
    await eventually(() => expect(seen(again)).toEqual(["a"]));
  });
});

describe("deltas", () => {
  test("cannot bring in a peer that is said to need no signature [Z11] [Z13]", async () => {
    const control = new FakeControl();
    const one = await following(control);
    signedPeer(control, 1, "a");
    await eventually(() => expect(seen(one)).toEqual(["a"]));
    control.add({ ...mapNode(2, "m", nodeKey("m")), UnsignedPeerAPIOnly: true });
    control.add({ ...mapNode(1, "a", nodeKey("a")), UnsignedPeerAPIOnly: true });
    await eventually(() => expect(one.agent.view.peers.filtered).toHaveLength(2));
    expect(seen(one)).toEqual([]);
  });

  //  k0 (direct, wraps the node's key) - k1, k2: rotations by the same key, as by two copies of one node
  const first = signDirect(nodeKey("k0"), lockKey("node's").publicKey, lockKey("alice"));
  const copy = (name: string): Uint8Array => rotateSignature(first, nodeKey(name), lockKey("node's"));

  test("that bring a clone put out both, and one that takes it away brings the other back [Z12] [Z13]", async () => {
    const control = new FakeControl();
    const one = await following(control);
    control.add(mapNode(1, "k1", nodeKey("k1"), copy("k1")));
    await eventually(() => expect(seen(one)).toEqual(["k1"]));
    control.add(mapNode(2, "k2", nodeKey("k2"), copy("k2")));
    await eventually(() => expect(one.agent.view.peers.filtered).toHaveLength(2));
    expect(seen(one)).toEqual([]);
    const longer = rotateSignature(copy("k2"), nodeKey("k3"), lockKey("node's"));
    control.add(mapNode(2, "k3", nodeKey("k3"), longer));
    await eventually(() => expect(seen(one)).toEqual(["k3"]));
  });

  test("that bring back a key which was rotated out do not bring in its holder [Z12] [Z13]", async () => {
    const control = new FakeControl();
    const one = await following(control);
    control.add(mapNode(1, "k1", nodeKey("k1"), copy("k1")));
    await eventually(() => expect(seen(one)).toEqual(["k1"]));
    control.add(mapNode(2, "k0", nodeKey("k0"), first));
    await eventually(() => expect(one.agent.view.peers.filtered).toHaveLength(1));
    expect(seen(one)).toEqual(["k1"]);
  });
});
