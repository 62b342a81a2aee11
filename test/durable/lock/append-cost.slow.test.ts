/** What an append and an opening read and write: the same however long the chain is, and however much is in the archive [Y4]. */

import { runInDurableObject } from "cloudflare:test";
import { expect, test, vi } from "vitest";
import { syncSend } from "../../../src/durable/lock/sync.ts";
import { verifier } from "../../../src/durable/lock/native-verifier.ts";
import { Store } from "../../../src/durable/store.ts";
import { Tailnet } from "../../../src/durable/authority/tailnet.ts";
import { aumHash, encodeAum, type Aum } from "../../../src/tka/index.ts";
import { authorityOf } from "../../support/workerd/control.ts";
import { lockedScene } from "../../support/workerd/locked.ts";
import { grow, idle, sendAll } from "../../support/workerd/long-chain.ts";

// Long chains are signed anew for every test.
vi.setConfig({ testTimeout: 120_000 });

interface Rows {
  read: number;
  written: number;
}

/** The object's storage, which counts the rows that SQLite reads and writes. */
function counting(storage: DurableObjectStorage, rows: Rows): DurableObjectStorage {
  const exec = (query: string, ...values: unknown[]) => {
    const cursor = storage.sql.exec(query, ...values);
    return {
      toArray: () => {
        const found = cursor.toArray();
        rows.read += cursor.rowsRead;
        rows.written += cursor.rowsWritten;
        return found;
      },
    };
  };
  const transactionSync = (body: () => unknown): unknown => storage.transactionSync(body);
  return { sql: { exec }, transactionSync } as unknown as DurableObjectStorage;
}

interface Cost {
  readonly opening: number;
  readonly read: number;
  readonly written: number;
}

/** The cost of opening the chain, and then of one append, with so many AUMs in the archive and so many after it. */
async function costOf(archived: number, live: number): Promise<Cost> {
  const { tailnet, alice, genesis } = await lockedScene();
  if (genesis.state === null) throw new Error("the genesis has no state");
  const tip = { head: aumHash(genesis), state: genesis.state };
  const settled = archived === 0 ? [] : await grow(tailnet, alice, archived, tip);
  const from = settled.length === 0 ? tip : { ...tip, head: aumHash(settled.at(-1) as Aum) };
  const updates = idle(live + 2, from, alice.lockKey);
  await sendAll(alice, updates.slice(0, live));
  return runInDurableObject(authorityOf(tailnet), (_, { storage }) => {
    const rows: Rows = { read: 0, written: 0 };
    const store = new Store(counting(storage, rows));
    const anew = new Tailnet(store, verifier);
    rows.read = 0;
    anew.lock.require();
    const opening = rows.read;
    const node = anew.nodes.require(alice.nodeKey, alice.machineKey);
    const append = (update: Aum): void => {
      const request = { Version: 1, NodeKey: alice.nodeKey, Head: aumHash(update), MissingAUMs: [encodeAum(update)] };
      store.transaction(() => {
        syncSend(anew, node, { ...request, Interactive: true }, Date.now());
      });
    };
    // The first one after a checkpoint may move the ancestor; the one after it is like all others.
    append(updates[live] as Aum);
    [rows.read, rows.written] = [0, 0];
    append(updates[live + 1] as Aum);
    return { opening, ...rows };
  });
}

test("is the same with 10, 1,000 and 1,900 AUMs, and beside 5,000 archived ones", async () => {
  const short = await costOf(0, 10);
  expect(short.read).toBeLessThan(100);
  for (const [archived, live] of [
    [0, 1000],
    [0, 1900],
    [5000, 10],
  ] as const) {
    const long = await costOf(archived, live);
    expect([long.read - short.read, long.written]).toEqual([expect.closeTo(0, -1), short.written]);
    expect(long.opening).toBeLessThan(200);
  }
});
