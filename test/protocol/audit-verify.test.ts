/** Whether a log is the one that was written: attacks on it, and what is no attack [W20][W21][W22]. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  AuditVerifier,
  auditHash,
  auditRecord,
  canonicalJson,
  formatAuditHead,
  parseAuditHead,
  unverifiedAuditEvent,
  type AuditHead,
  type AuditRecord,
  type AuditVerdict,
} from "../../src/protocol/index.ts";
import { encodeHex } from "../../src/tka/index.ts";
import { WrittenLog } from "../support/audit-log.ts";

function verdict(records: readonly unknown[], ...heads: readonly AuditHead[]): AuditVerdict {
  const verifier = new AuditVerifier();
  for (const [index, value] of records.entries()) verifier.take(JSON.parse(JSON.stringify(value)), `log:${index + 1}`);
  return verifier.finish(heads);
}

function codes({ problems }: AuditVerdict): string[] {
  return problems.map(({ code }) => code);
}

/** The log with its hashes made anew from that record on, as a forger would. */
function rehashed(records: readonly AuditRecord[], from: number): AuditRecord[] {
  let before = records[from - 1]?.hash ?? "";
  return records.map((record, i) => {
    if (i < from) return record;
    const event = unverifiedAuditEvent(record, "record");
    const bytes = Uint8Array.from(before.match(/../g) ?? [], (hex) => Number.parseInt(hex, 16));
    before = encodeHex(auditHash(bytes, event));
    return { ...record, hash: before };
  });
}

const LOG = new WrittenLog().addMany(19);
const RECORDS = LOG.records;
const HEAD = LOG.head;

describe("a log as it was written", () => {
  test("holds, and gives the head to keep", () => {
    const found = verdict(RECORDS, HEAD);
    expect([found.problems, found.notes, found.events]).toEqual([[], [], 20]);
    expect(found.head).toEqual(HEAD);
  });

  test("holds where batches came again, whole or in part", () => {
    const again = [...RECORDS.slice(0, 8), ...RECORDS.slice(3, 15), ...RECORDS.slice(3, 15), ...RECORDS.slice(15)];
    const found = verdict(again, HEAD);
    expect([found.problems, found.events]).toEqual([[], 20]);
  });

  test("holds where its members were put in another order, and others were put to them", () => {
    const piped = RECORDS.map((record) => ({
      ...Object.fromEntries(Object.entries(record).reverse()),
      source: "collector",
    }));
    expect(codes(verdict(piped, HEAD))).toEqual([]);
  });

  test("holds with events from before there were groups", () => {
    const log = new WrittenLog();
    log.add("node.joined", { new: { a: 1, b: 2 } }, null);
    log.add("node.joined", { new: { a: 1, b: 2 } });
    expect(codes(verdict(log.records, log.head))).toEqual([]);
    expect(log.records.map(({ eventGroupID }) => eventGroupID)).toEqual(["g", "", "g"]);
  });

  test("says so where nobody has kept a head, and where it begins in the middle", () => {
    expect(verdict(RECORDS).notes.join()).toContain("no head was given");
    const found = verdict(RECORDS.slice(5), HEAD);
    expect(found.problems).toEqual([]);
    expect(found.notes.join()).toContain("begins with event 6");
  });

  test("goes on from a head that was kept of what is before it", () => {
    const [first, second] = [verdict(RECORDS.slice(0, 7)), RECORDS.slice(7)];
    if (first.head === null) throw new Error("no head");
    expect(verdict(second, first.head)).toMatchObject({ problems: [], notes: [] });
    const other = { ...first.head, hash: new Uint8Array(32).fill(7) };
    expect(codes(verdict(second, other))).toEqual(["edited"]);
  });

  test("shows from an event that tells of it that nothing is missing after what was let go of", () => {
    const log = new WrittenLog().addMany(10).trim(6).addMany(3);
    const kept = log.records.slice(6);
    expect(verdict(kept, log.head)).toMatchObject({ problems: [], notes: [] });
    const [first, ...rest] = kept;
    const edited = { ...first, old: { days: 100 } };
    expect(codes(verdict([edited, ...rest], log.head))).toEqual(["edited"]);
  });
});

describe("a log is not the one that was written", () => {
  test("where a part of an event was edited, whichever [W20]", () => {
    const edits: readonly Partial<AuditRecord>[] = [
      { eventTime: "2025-11-24T16:00:11.001Z" },
      { eventGroupID: "h" },
      { eventGroupID: "" },
      { origin: "NODE" },
      { actor: { type: "USER", id: "u2T1", displayName: "Alice", loginName: "alice@example.com" } },
      { target: { type: "TAILNET", id: "T0123456789", name: "example.org" } },
      { action: "DELETE" },
      { old: { days: 99 } },
      { new: { days: 99 } },
      { kind: "tailnet.deleted" },
      { error: "no" },
      { hash: "00".repeat(31) + "01" },
    ];
    for (const edit of edits) {
      const edited = RECORDS.map((record, i) => (i === 10 ? { ...record, ...edit } : record));
      expect(new Set(codes(verdict(edited, HEAD)))).toEqual(new Set(["edited"]));
    }
  });

  test("where its first event was edited, or that of an epoch after a restore [W20]", () => {
    const log = new WrittenLog().addMany(9).restore("e0000000002", 6).addMany(4);
    for (const at of [0, 10]) {
      const edited = log.records.map((record, i) => (i === at ? { ...record, new: { days: 99 } } : record));
      expect(codes(verdict(edited, log.head))).toEqual(["edited"]);
    }
  });

  test("where events were dropped, though only one [W20]", () => {
    const found = verdict([...RECORDS.slice(0, 9), ...RECORDS.slice(10)], HEAD);
    expect(found.problems).toMatchObject([{ code: "dropped", message: "event 10 missing after event 9" }]);
  });

  test("where two were dropped and the rest numbered and linked anew, by a head that was kept [W22]", () => {
    const log = new WrittenLog().addMany(17);
    expect(codes(verdict(log.records))).toEqual([]);
    expect(codes(verdict(log.records, HEAD))).toEqual(["cut"]);
    const forged = rehashed(
      RECORDS.map((record, i) => (i === 10 ? { ...record, new: { days: 99 } } : record)),
      10,
    );
    expect(codes(verdict(forged))).toEqual([]);
    expect(codes(verdict(forged, HEAD))).toEqual(["rewritten"]);
  });

  test("where it was cut off before a head that was kept [W22]", () => {
    expect(codes(verdict(RECORDS.slice(0, -1), HEAD))).toEqual(["cut"]);
    const undone = { ...HEAD, epoch: "e9999999999" };
    expect(codes(verdict(RECORDS, undone))).toEqual(["rewritten"]);
  });

  test("where its beginning was cut off after a head that was kept, and the log does not tell of it [W22]", () => {
    const early = verdict(RECORDS.slice(0, 4)).head;
    if (early === null) throw new Error("no head");
    expect(codes(verdict(RECORDS.slice(10), early, HEAD))).toEqual(["cut"]);
    const trimmed = new WrittenLog().addMany(10).trim(6).addMany(3);
    expect(verdict(trimmed.records.slice(6), early, trimmed.head).problems).toEqual([]);
    // What it tells of having let go of ends before this one.
    const later = verdict(trimmed.records.slice(0, 8)).head;
    if (later === null) throw new Error("no head");
    expect(codes(verdict(trimmed.records.slice(10), later, trimmed.head))).toEqual(["cut"]);
  });

  test("where an actor is shown under another name than the one that the hash is over [W17]", () => {
    for (const other of [{ displayName: "Bob" }, { loginName: "bob@example.com" }]) {
      const edited = RECORDS.map((record, i) => {
        const { displayName: name, loginName: login, ...rest } = record.actor;
        const actor = { displayName: name, loginName: login, ...other, ...rest, name, login };
        return i === 10 ? { ...record, actor } : record;
      });
      expect(codes(verdict(edited, HEAD))).toContain("unreadable");
    }
  });

  test("where events were put in another order [W20]", () => {
    const swapped = [...RECORDS.slice(0, 9), RECORDS[10], RECORDS[9], ...RECORDS.slice(11)];
    expect(codes(verdict(swapped, HEAD))).toEqual(["dropped", "reordered"]);
  });

  test("where there are two events of one number [W20]", () => {
    const other = rehashed(
      RECORDS.map((record, i) => (i === 10 ? { ...record, new: { days: 99 } } : record)),
      10,
    );
    expect(codes(verdict([...RECORDS, other[10]], HEAD))).toEqual(["rewritten"]);
    // By its hash it is the same, and says something else.
    expect(codes(verdict([...RECORDS, { ...RECORDS[10], new: { days: 99 } }], HEAD))).toEqual(["edited"]);
  });

  test("where something in it is no record", () => {
    expect(codes(verdict([...RECORDS, { eventTime: "yesterday" }], HEAD))).toEqual(["unreadable"]);
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(codes(verdict([value]))).toEqual(["unreadable"]);
      }),
    );
  });

  test("whatever single change was made to it past its beginning", () => {
    const change = fc.record({
      at: fc.integer({ min: 1, max: RECORDS.length - 2 }),
      with: fc.nat(RECORDS.length - 1),
      how: fc.nat(2),
    });
    fc.assert(
      fc.property(change, ({ at, with: other, how }) => {
        fc.pre(at !== other);
        const list = [...RECORDS];
        const [one] = list.splice(at, 1);
        if (how === 1) list.splice(other, 0, one as AuditRecord);
        if (how === 2) list.splice(at, 0, { ...(RECORDS[other] as AuditRecord), sequence: at + 1 });
        expect(verdict(list, HEAD).problems).not.toEqual([]);
      }),
    );
  });
});

describe("a restore", () => {
  const restored = (): WrittenLog => new WrittenLog().addMany(9).restore("e0000000002", 6).addMany(4);

  test("goes on from the event that it names, and what it undid is told [W21]", () => {
    const log = restored();
    const found = verdict(log.records, log.head);
    expect(found.problems).toEqual([]);
    expect(found.notes).toEqual(["a restore undid events 7 to 10 of e0000000001"]);
    expect(found.head).toEqual(log.head);
  });

  test("undoes heads that were kept of what came after, and no other [W22]", () => {
    const log = restored();
    const headOf = (i: number): AuditHead => {
      const event = log.events[i];
      if (event === undefined) throw new Error("no event");
      return { epoch: event.epoch, sequence: event.seq, hash: event.hash };
    };
    const kept = log.records.filter(({ epoch, sequence }) => epoch === "e0000000002" || sequence <= 6);
    expect(verdict(kept, headOf(8)).problems).toEqual([]);
    expect(verdict(kept, headOf(8)).notes.join()).toContain("a restore undid the events up to the head");
    expect(codes(verdict(kept, { ...headOf(4), hash: new Uint8Array(32).fill(1) }))).toEqual(["rewritten"]);
    // A head before the restore is of what holds still: the log is to reach back to it.
    expect(codes(verdict(log.records.slice(4), headOf(1), log.head))).toEqual(["cut"]);
  });

  test("that names another event than the log has is found, and so is a gap before it [W21]", () => {
    const log = restored();
    const first = log.records.filter(({ epoch }) => epoch === "e0000000001");
    const second = log.records.filter(({ epoch }) => epoch === "e0000000002");
    expect(codes(verdict([...first.slice(0, 5), ...second], log.head))).toEqual(["cut"]);
    const forged = rehashed(
      first.map((record, i) => (i === 3 ? { ...record, new: { days: 99 } } : record)),
      3,
    );
    expect(codes(verdict([...forged, ...second], log.head))).toEqual(["rewritten"]);
    const later = rehashed(
      second.map((record) => ({ ...record, sequence: record.sequence + 1 })),
      0,
    );
    expect(codes(verdict([...first, ...later]))).toEqual(["edited"]);
    expect(verdict([...first, ...second.slice(1)], log.head).problems).toMatchObject([
      { code: "dropped", message: "the restore that began epoch e0000000002 is missing, before event 8" },
    ]);
  });

  test("without the epoch before it leaves that to be believed", () => {
    const log = restored();
    const second = log.records.filter(({ epoch }) => epoch === "e0000000002");
    expect(verdict(second, log.head).problems).toEqual([]);
    expect(verdict(second, log.head).notes.join()).toContain(
      "epoch e0000000001, before the restore at log:1, is not in the log",
    );
    // But for the event that the restore names.
    const named = log.events[5];
    if (named === undefined) throw new Error("no event");
    const head: AuditHead = { epoch: named.epoch, sequence: named.seq, hash: named.hash };
    expect(verdict(second, head).problems).toEqual([]);
    expect(codes(verdict(second, { ...head, hash: new Uint8Array(32).fill(1) }))).toEqual(["rewritten"]);
  });
});

describe("a head as text", () => {
  test("is read as it was written, and nothing else is", () => {
    expect(parseAuditHead(formatAuditHead(HEAD))).toEqual(HEAD);
    for (const text of ["", "e1:1:00", `e1:-1:${"0".repeat(64)}`, `e1:1:${"G".repeat(64)}`, ` e1:1:${"0".repeat(64)}`])
      expect(parseAuditHead(text)).toBeNull();
  });
});

test("what a forger of the derived parts writes is the log's own", () => {
  const event = unverifiedAuditEvent(RECORDS[0], "record");
  expect(canonicalJson(auditRecord(event))).toBe(canonicalJson(RECORDS[0]));
});
