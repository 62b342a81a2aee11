/** An event as the record's JSON has it, and back; what its hash is over [W17][W18]. */

import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  EVENT_KINDS,
  ShapeError,
  auditHash,
  auditPreimage,
  auditRecord,
  canonicalJson,
  isConsistent,
  unverifiedAuditEvent,
  type AuditEvent,
} from "../../src/protocol/index.ts";
import { encodeHex } from "../../src/tka/index.ts";

const EVENT: AuditEvent = {
  epoch: "e0123456789",
  seq: 7,
  at: 1_764_000_000_123,
  kind: "node.signed",
  actor: '{"id":"n1T1","name":"alice","type":"NODE"}',
  origin: "NODE",
  target: '{"id":"n2T1","name":"bob","property":"TKA","type":"NODE"}',
  old: "null",
  new: '{"signedBy":"tlpub:00"}',
  group: "00112233445566778899aabbccddeeff",
  hash: new Uint8Array(32).fill(0xab),
};

/** As it was stored before there were groups: its texts in the order in which they came. */
const OLD: AuditEvent = {
  ...EVENT,
  actor: '{"type":"USER","id":"owner","name":"Owner"}',
  target: '{"type":"NODE","id":"n2T1","name":"bob"}',
  new: '{"b":1,"a":2}',
  group: null,
};

const text = fc.string({ unit: "binary", maxLength: 12 });
const detail = fc.jsonValue({ maxDepth: 2 });

const anyEvent: fc.Arbitrary<AuditEvent> = fc
  .record({
    epoch: text,
    seq: fc.nat(),
    at: fc.integer({ min: 0, max: 4_000_000_000_000 }),
    kind: fc.constantFrom(...EVENT_KINDS),
    actor: fc.record({ type: text, id: text, name: text, login: text }, { requiredKeys: ["type", "id", "name"] }),
    origin: text,
    target: fc.record({ type: text, id: text, name: text, property: text }, { requiredKeys: ["type", "id", "name"] }),
    old: detail,
    new: detail,
    group: fc.option(fc.string({ minLength: 1 })),
    hash: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  })
  .map((parts) => {
    const json = parts.group === null ? JSON.stringify : canonicalJson;
    const { actor, target } = parts;
    return { ...parts, actor: json(actor), target: json(target), old: json(parts.old), new: json(parts.new) };
  });

/** JSON whose members stand in another order, as a log pipeline may leave them. */
function turned(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(turned);
  const entries = Object.entries(value).reverse();
  return Object.fromEntries(entries.map(([name, member]) => [name, turned(member)]));
}

describe("a record", () => {
  test("has Tailscale's names, and what links it", () => {
    expect(auditRecord(EVENT)).toEqual({
      eventTime: "2025-11-24T16:00:00.123Z",
      type: "CONFIG",
      deferredAt: "0001-01-01T00:00:00Z",
      eventGroupID: "00112233445566778899aabbccddeeff",
      origin: "NODE",
      actor: { type: "NODE", id: "n1T1", displayName: "alice" },
      target: { type: "NODE", id: "n2T1", name: "bob", property: "TKA" },
      action: "UPDATE",
      old: null,
      new: { signedBy: "tlpub:00" },
      kind: "node.signed",
      epoch: "e0123456789",
      sequence: 7,
      hash: "ab".repeat(32),
    });
  });

  test("says why where somebody was refused, and what a person gave as the reason", () => {
    const refused = { ...EVENT, kind: "attempt.refused", new: '{"error":"an auditor may not do: lock.disable"}' };
    expect(auditRecord(refused)).toMatchObject({ action: "REFUSE", error: "an auditor may not do: lock.disable" });
    const reported = { ...EVENT, kind: "node.reported", new: '{"details":"on holiday"}' };
    expect(auditRecord(reported)).toMatchObject({ action: "DISCONNECT_NODE", actionDetails: "on holiday" });
  });

  test("gives the event back whole, whatever it holds", () => {
    fc.assert(
      fc.property(anyEvent, (event) => {
        const sent: unknown = JSON.parse(JSON.stringify(auditRecord(event)));
        expect(unverifiedAuditEvent(sent, "record")).toEqual(event);
        expect(isConsistent(sent, event)).toBe(true);
      }),
    );
  });

  test("gives it back where its members were put in another order [W18]", () => {
    fc.assert(
      fc.property(
        anyEvent.filter(({ group }) => group !== null),
        (event) => {
          const sent: unknown = turned(JSON.parse(JSON.stringify(auditRecord(event))));
          expect(unverifiedAuditEvent(sent, "record")).toEqual(event);
        },
      ),
    );
  });

  test("gives back an event from before there were groups, as it was stored [W18]", () => {
    expect(unverifiedAuditEvent(JSON.parse(JSON.stringify(auditRecord(OLD))), "record")).toEqual(OLD);
  });

  test("is not consistent where a part that no hash covers says something else", () => {
    for (const edit of [
      { action: "DELETE" },
      { error: "no" },
      { type: "NETWORK" },
      { deferredAt: "2026-01-01T00:00:00Z" },
    ])
      expect(isConsistent({ ...auditRecord(EVENT), ...edit }, EVENT)).toBe(false);
  });

  test("of any shape is a ShapeError or an event", () => {
    const sent = auditRecord(EVENT);
    for (const edit of [
      { hash: "AB" },
      { eventTime: "2025-11-24T16:00:00Z" },
      { sequence: 1.5 },
      { actor: [] },
      { old: undefined },
    ])
      expect(() => unverifiedAuditEvent({ ...sent, ...edit }, "record")).toThrow(ShapeError);
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(() => unverifiedAuditEvent(value, "record")).toThrow(ShapeError);
      }),
    );
  });
});

describe("a hash", () => {
  test("is over the one before and ten fields [W17]", () => {
    const before = new Uint8Array(32).fill(1);
    expect(JSON.parse(auditPreimage(EVENT))).toEqual([
      EVENT.epoch,
      EVENT.seq,
      EVENT.at,
      EVENT.kind,
      EVENT.actor,
      EVENT.origin,
      EVENT.target,
      EVENT.old,
      EVENT.new,
      EVENT.group,
    ]);
    const expected = createHash("sha256").update(before).update(auditPreimage(EVENT)).digest("hex");
    expect(encodeHex(auditHash(before, EVENT))).toBe(expected);
  });

  test("is over nine where there were no groups yet [W18]", () => {
    expect(JSON.parse(auditPreimage(OLD))).toHaveLength(9);
  });
});

test("canonical JSON orders members by their UTF-16, and leaves out what is undefined", () => {
  expect(
    canonicalJson({ "\u{1f600}": 1, "\ufb33": 2, b: [undefined, -0, 1e21], a: { z: undefined, "1": "\ud800" } }),
  ).toBe('{"a":{"1":"\\ud800"},"b":[null,0,1e+21],"\u{1f600}":1,"\ufb33":2}');
});
