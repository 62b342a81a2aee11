/** What the outbox costs: rows of SQLite for one event, from its commit to its acknowledgement. An alarm that is set is one more, once in half a minute. */

import { runInDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";
import { BY_SYSTEM } from "../../../src/durable/audit/events.ts";
import { verifier } from "../../../src/durable/lock/native-verifier.ts";
import { Store } from "../../../src/durable/store.ts";
import { Tailnet } from "../../../src/durable/authority/tailnet.ts";
import { authorityOf, makeTailnet } from "../../support/workerd/control.ts";
import { settled } from "../../support/workerd/record.ts";

/** Rows that `body` reads and writes. */
function cost(storage: DurableObjectStorage, body: (tailnet: Tailnet) => void): { read: number; written: number } {
  const rows = { read: 0, written: 0 };
  const exec = (query: string, ...values: unknown[]) => {
    const cursor = storage.sql.exec(query, ...values);
    const found = cursor.toArray();
    rows.read += cursor.rowsRead;
    rows.written += cursor.rowsWritten;
    return { toArray: () => found };
  };
  const transactionSync = (inner: () => unknown): unknown => storage.transactionSync(inner);
  const tailnet = new Tailnet(
    new Store({ sql: { exec }, transactionSync } as unknown as DurableObjectStorage),
    verifier,
  );
  [rows.read, rows.written] = [0, 0];
  body(tailnet);
  return rows;
}

test("an event costs the same few rows, however many came before it", async () => {
  const tailnet = await makeTailnet();
  await settled(tailnet);
  await runInDurableObject(authorityOf(tailnet), (_, { storage }) => {
    const event = { kind: "tailnet.settings", target: { type: "TAILNET", id: tailnet, name: "" } } as const;
    const record = (each: Tailnet): number => each.record(BY_SYSTEM, event, Date.now());
    const acknowledge = (each: Tailnet): void => {
      const { seq } = each.info();
      each.outbox.acknowledge("record", [seq]);
      each.outbox.acknowledge("sessions", [seq]);
      each.outbox.tries = 0;
    };
    for (const before of [0, 2000]) {
      cost(storage, (each) => {
        for (let i = 0; i < before; i++) record(each);
      });
      const recorded = cost(storage, (each) => record(each));
      // The tailnet's seq, the event, and the outbox's row.
      expect([before, recorded.written]).toEqual([before, 3]);
      expect(recorded.read).toBeLessThan(10);
      const acknowledged = cost(storage, acknowledge);
      // The outbox's row goes, and how far the sessions objects are.
      expect([before, acknowledged.written]).toEqual([before, 2]);
      expect(acknowledged.read).toBeLessThan(10);
      const looked = cost(storage, (each) => each.outbox.isEmpty());
      expect(looked.read).toBeLessThan(10);
    }
  });
});
