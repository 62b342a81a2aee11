/** Syncing with a control plane that lies [Z16] to [Z19]. */

import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { AgentError, FileChonk, nodeKdf, nodeVerifier } from "../../src/node/index.ts";
import { LocalLock } from "../../src/node/local-lock.ts";
import { needsSync, syncLock } from "../../src/node/lock-sync.ts";
import { tkaInfo, type TkaInfo } from "../../src/protocol/index.ts";
import { MemoryChonk, TkaError, encodeAum, signAum, type Aum } from "../../src/tka/index.ts";
import { lockKey, nodeKey } from "../support/chains-keys.ts";
import { addKey, checkpoint, removeKey } from "../support/chains-recipes.ts";
import { chain, type DrawnChain } from "../support/chains.ts";
import { FakeControl } from "./support/fake-control.ts";
import { testFolder } from "./support/folder.ts";

const SECRET = new Uint8Array(32).fill(0x5e);
const VALUE = nodeKdf(SECRET);

//  G - A - B - C      the true chain
//       \- F          a fork that loses: B has more votes
const c = chain("G -> A -> B -> C / A -> F", {
  keys: { alice: 2, bob: 1 },
  state: { disablementValues: [VALUE] },
  aums: { A: addKey("carol") },
  signers: { F: ["bob"] },
});

class World {
  readonly control = new FakeControl();
  readonly chonk = new MemoryChonk();
  readonly lines: string[] = [];
  readonly lock = new LocalLock({
    chonk: this.chonk,
    verifier: nodeVerifier,
    kdf: nodeKdf,
    now: () => this.now,
  });
  now = 1_800_000_000_000;
  disallowed: string[] = [];

  /** Syncs to what is said, which is the truth by default. */
  sync(said: object = { Head: this.control.authority?.head }): Promise<boolean> {
    const { control: client, lock, disallowed } = this;
    const log = (line: string): number => this.lines.push(line);
    return syncLock({ client, lock, nodeKey: nodeKey("n"), disallowed, log: (line) => void log(line) }, infoOf(said));
  }

  get head(): string {
    return c.nameOf(this.lock.authority?.head ?? null);
  }
}

function infoOf(said: object): TkaInfo {
  return tkaInfo(said, "info");
}

async function synced(from: DrawnChain = c, ...names: readonly string[]): Promise<World> {
  const world = new World();
  world.control.lock(...from.aums(...(names.length === 0 ? ["G", "A", "B"] : names)));
  await world.sync();
  return world;
}

async function codeOf(act: Promise<unknown>): Promise<string> {
  try {
    await act;
  } catch (error) {
    if (error instanceof TkaError || error instanceof AgentError) return error.code;
    throw error;
  }
  return "ok";
}

describe("the lock comes on [Z16]", () => {
  test("by the genesis, and what follows it", async () => {
    const world = await synced();
    expect(world.head).toBe("B");
    expect(world.control.asked.map(({ what }) => what)).toEqual(["bootstrap", "offer", "send"]);
    expect(world.control.asked[0]?.body).toMatchObject({ Head: "" });
    expect(world.control.asked[2]?.body).toMatchObject({ Head: c.hash("B"), Interactive: false });
  });

  const forged = (name: string): Aum => signAum({ ...c.aum(name), signatures: null }, lockKey("mallory"));
  test.each([
    ["signed by a key that it does not trust", () => encodeAum(forged("G")), "unknown_key"],
    ["without a signature", () => encodeAum({ ...c.aum("G"), signatures: null }), "unsigned_aum"],
    ["that is no checkpoint", () => encodeAum(c.aum("A")), "invalid_genesis"],
    ["that is garbage", () => Uint8Array.of(1, 2, 3), "malformed_cbor"],
    ["that is nothing", () => new Uint8Array(0), "malformed_cbor"],
  ])("but not by a genesis %s", async (_what, genesis, code) => {
    const world = new World();
    world.control.lock(...c.aums("G"));
    world.control.tamper = { bootstrap: () => ({ GenesisAUM: genesis() }) };
    expect(await codeOf(world.sync())).toBe(code);
    expect(world.lock.authority).toBeNull();
    expect(world.chonk.hashes()).toEqual([]);
  });

  test("but not by a chain that was turned off on this node", async () => {
    const world = new World();
    world.control.lock(...c.aums("G"));
    const { stateId1, stateId2 } = c.stateAfter("G");
    world.disallowed = [`${stateId1}:${stateId2}`];
    await world.sync();
    expect(world.lock.authority).toBeNull();
    expect(world.lines).toEqual([expect.stringContaining("passed over")]);
    // Not asked for again as long as nothing else is said [Z23].
    expect(needsSync(world.lock, infoOf({ Head: c.hash("G") }))).toBe(false);
    expect(needsSync(world.lock, infoOf({ Head: c.hash("A") }))).toBe(true);
  });

  test("not at all where only nothing is said", async () => {
    const world = new World();
    await world.sync({ Head: "" });
    expect(world.control.asked).toEqual([]);
  });
});

describe("the lock goes off [Z17]", () => {
  test("by a valid disablement secret", async () => {
    const world = await synced();
    world.control.secret = SECRET;
    await world.sync({ Disabled: true });
    expect(world.lock.authority).toBeNull();
    expect(world.chonk.hashes()).toEqual([]);
    expect(world.control.asked.at(-1)).toMatchObject({ what: "bootstrap", body: { Head: c.hash("B") } });
  });

  test.each([
    ["no secret", new Uint8Array(0)],
    ["a wrong secret", new Uint8Array(32).fill(1)],
    ["the value, which everybody knows", VALUE],
  ])("but not by %s", async (_what, secret) => {
    const world = await synced();
    world.control.secret = secret;
    await world.sync({ Disabled: true });
    expect(world.head).toBe("B");
    expect(world.lines.at(-1)).toContain("stays on");
  });

  test("and saying so to a node without a lock asks it nothing", async () => {
    const world = new World();
    await world.sync({ Disabled: true });
    expect(world.control.asked).toEqual([]);
  });

  test("and comes on again, by another chain", async () => {
    const world = await synced();
    world.control.secret = SECRET;
    await world.sync({ Disabled: true });
    const next = new FakeControl();
    const other = chain("G -> A", { keys: { bob: 1 }, state: { stateId1: 7n } });
    next.lock(...other.aums("G", "A"));
    const { lock } = world;
    await syncLock(
      { client: next, lock, nodeKey: nodeKey("n"), disallowed: [], log: () => undefined },
      infoOf({ Head: next.authority?.head }),
    );
    expect(lock.authority?.head).toBe(other.hash("A"));
  });
});

describe("a node that slept while its lock was turned off and another on [Z17]", () => {
  //  G - A      the lock of before        H      the one since, of another tailnet state
  const other = chain("H", { keys: { bob: 1 }, state: { stateId1: 7n } });

  async function woken(secret: Uint8Array): Promise<World> {
    const world = await synced();
    const since = new FakeControl();
    since.lock(...other.aums("H"));
    since.secret = secret;
    const log = (line: string): void => void world.lines.push(line);
    const said = infoOf({ Head: other.hash("H") });
    await syncLock({ client: since, lock: world.lock, nodeKey: nodeKey("n"), disallowed: [], log }, said).catch(
      () => undefined,
    );
    return world;
  }

  test("is shown the secret that retired its chain, and follows the new one", async () => {
    expect((await woken(SECRET)).lock.authority?.head).toBe(other.hash("H"));
  });

  test("stays with its own without a valid one: nobody slips a lock under it", async () => {
    expect((await woken(new Uint8Array(0))).head).toBe("B");
    expect((await woken(new Uint8Array(32).fill(1))).head).toBe("B");
  });
});

describe("updates [Z18] [Z19]", () => {
  test("bring the node to the control plane's head", async () => {
    const world = await synced();
    world.control.extend(...c.aums("C"));
    await world.sync();
    expect(world.head).toBe("C");
  });

  const lie = (world: World, ...aums: readonly Aum[]): void => {
    world.control.extend(...c.aums("C"));
    world.control.tamper = { offer: () => ({ MissingAUMs: aums.map(encodeAum) }) };
  };
  const removal = chain("G -> A -> B -> R", {
    keys: { alice: 2, bob: 1 },
    state: { disablementValues: [VALUE] },
    aums: { A: addKey("carol"), R: removeKey("alice") },
  });

  test.each<[string, () => readonly Aum[], string]>([
    [
      "signed by a stranger",
      () => [signAum({ ...removal.aum("R"), signatures: null }, lockKey("mallory"))],
      "unknown_key",
    ],
    ["not signed", () => [{ ...removal.aum("R"), signatures: null }], "unsigned_aum"],
    ["changed after signing", () => [{ ...removal.aum("R"), keyId: lockKey("bob").publicKey }], "bad_signature"],
    ["good, with a forged one after it: none is taken", () => [c.aum("C"), forgedAfter("C")], "unknown_key"],
    ["without their parent", () => [chain("X -> Y").aum("Y")], "aum_not_found"],
  ])("%s are refused, and the head stays", async (_what, aums, code) => {
    const world = await synced();
    lie(world, ...aums());
    expect(await codeOf(world.sync())).toBe(code);
    expect(world.head).toBe("B");
    expect(c.namesOf(world.chonk.hashes())).toEqual(["A", "B", "G"]);
  });

  test("an old head shown again moves nothing back: what the control plane lacks is sent to it", async () => {
    const world = await synced(c, "G", "A", "B", "C");
    const rolledBack = new FakeControl();
    rolledBack.lock(...c.aums("G", "A"));
    const { lock } = world;
    await syncLock(
      { client: rolledBack, lock, nodeKey: nodeKey("n"), disallowed: [], log: () => undefined },
      infoOf({ Head: c.hash("A") }),
    );
    expect(world.head).toBe("C");
    expect(rolledBack.authority?.head).toBe(c.hash("C"));
  });

  test("a fork that loses is kept, and does not win", async () => {
    const world = await synced();
    world.control.extend(...c.aums("F"));
    await world.sync({ Head: c.hash("F") });
    expect(world.head).toBe("B");
  });

  test("a control plane that never agrees is said so, and harms nothing", async () => {
    const world = await synced();
    await world.sync({ Head: c.hash("F") });
    expect(world.head).toBe("B");
  });
});

function forgedAfter(name: string): Aum {
  const longer = chain("G -> A -> B -> C -> D", {
    keys: { alice: 2, bob: 1 },
    state: { disablementValues: [VALUE] },
    aums: { A: addKey("carol") },
  });
  expect(longer.hash(name)).toBe(c.hash(name));
  return signAum({ ...longer.aum("D"), signatures: null }, lockKey("mallory"));
}

describe("a sync is needed", () => {
  test("where what is said differs from what is there, and only then", async () => {
    const world = await synced();
    expect(needsSync(world.lock, null)).toBe(false);
    expect(needsSync(world.lock, infoOf({ Head: c.hash("B") }))).toBe(false);
    expect(needsSync(world.lock, infoOf({ Head: c.hash("C") }))).toBe(true);
    expect(needsSync(world.lock, infoOf({ Disabled: true }))).toBe(true);
    expect(needsSync(world.lock, infoOf({}))).toBe(false);
    expect(needsSync(new World().lock, infoOf({ Disabled: true }))).toBe(false);
    expect(needsSync(new World().lock, infoOf({ Head: c.hash("C") }))).toBe(true);
  });
});

describe("a node far behind [Z24]", () => {
  const names = Array.from({ length: 120 }, (_, i) => `N${i}`);
  const long = chain(["G", ...names].join(" -> "));

  /** A control plane that gives 50 AUMs at most. */
  function inBatches(control: FakeControl): void {
    control.tamper = {
      offer: (answer) => ({ MissingAUMs: (answer as { MissingAUMs: Uint8Array[] }).MissingAUMs.slice(0, 50) }),
    };
  }

  test("goes on until it stands where the control plane stands", async () => {
    const world = await synced(long, "G", "N0");
    inBatches(world.control);
    world.control.extend(...long.aums(...names.slice(1)));
    const before = world.control.asked.length;
    await world.sync();
    expect(world.lock.authority?.head).toBe(long.hash("N119"));
    expect(world.control.asked.slice(before).map(({ what }) => what)).toEqual(
      Array.from({ length: 3 }, () => ["offer", "send"]).flat(),
    );
  });

  test("a newcomer too", async () => {
    const world = new World();
    inBatches(world.control);
    world.control.lock(...long.aums("G", ...names));
    await world.sync();
    expect(world.lock.authority?.head).toBe(long.hash("N119"));
  });

  test("stops where a round brings it no further, and says so", async () => {
    const world = await synced(long, "G", "N0");
    world.control.extend(...long.aums(...names.slice(1)));
    world.control.tamper = { offer: () => ({ MissingAUMs: [] }) };
    await world.sync();
    expect(world.lock.authority?.head).toBe(long.hash("N0"));
    expect(world.lines.at(-1)).toContain("out of step");
  });

  test("a round that fails leaves it as far as it was, and the next sync goes on from there", async () => {
    const world = await synced(long, "G", "N0");
    inBatches(world.control);
    world.control.extend(...long.aums(...names.slice(1)));
    const offer = world.control.syncOffer.bind(world.control);
    let rounds = 0;
    world.control.syncOffer = (body) => {
      rounds++;
      return rounds === 2 ? Promise.reject(new Error("lost")) : offer(body);
    };
    await expect(world.sync()).rejects.toThrow("lost");
    expect(world.lock.authority?.head).toBe(long.hash("N50"));
    await world.sync();
    expect(world.lock.authority?.head).toBe(long.hash("N119"));
  });
});

describe("after a sync", () => {
  const names = Array.from({ length: 130 }, (_, i) => `N${i}`);
  const long = chain(["G", ...names].join(" -> "), {
    aums: { N49: checkpoint(), N99: checkpoint() },
  });

  test("what is older than 14 days and 24 AUMs back to a checkpoint is forgotten; the rest works on, also from the disk", async () => {
    const folder = testFolder();
    const file = FileChonk.open(join(folder, "chain.log"));
    const control = new FakeControl();
    control.lock(...long.aums("G", ...names.slice(0, 128)));
    let now = 1_800_000_000_000;
    const lock = new LocalLock({ chonk: file, verifier: nodeVerifier, kdf: nodeKdf, now: () => now });
    const sync = (): Promise<boolean> =>
      syncLock(
        { client: control, lock, nodeKey: nodeKey("n"), disallowed: [], log: () => undefined },
        infoOf({ Head: control.authority?.head }),
      );
    await sync();
    expect(file.hashes()).toHaveLength(129);
    now += 15 * 24 * 60 * 60 * 1000;
    control.extend(...long.aums("N128"));
    await sync();
    expect(file.aum(long.hash("N98"))).toBeNull();
    expect(file.hashes()).toHaveLength(30);
    expect(lock.authority?.oldestAncestor).toBe(long.hash("N99"));
    file.close();
    const again = FileChonk.open(join(folder, "chain.log"));
    const reopened = new LocalLock({ chonk: again, verifier: nodeVerifier, kdf: nodeKdf, now: () => now });
    expect(reopened.authority?.head).toBe(long.hash("N128"));
    expect(reopened.authority?.state).toEqual(long.stateAfter("N128"));
    again.close();
  });
});
