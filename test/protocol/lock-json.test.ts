/** The stable JSON v1 [J3]: what is left out, what is null, what is empty. That Go prints the same: lock-json.interop.test.ts. */

import { describe, expect, test } from "vitest";
import {
  lockLogJson,
  lockStatus,
  lockStatusJson,
  lockStatusReplacer,
  nodeKeySignatureText,
} from "../../src/protocol/index.ts";
import { decodeNodeKeySignature } from "../../src/tka/index.ts";
import { SIGNATURES, STATUSES, UPDATES } from "./lock-fixtures.ts";

interface Log {
  readonly SchemaVersion: string;
  readonly Messages: readonly { readonly Hash: string; readonly AUM: Readonly<Record<string, unknown>> }[];
}

function named<T>(fixtures: Readonly<Record<string, T>>, name: string): T {
  const fixture = fixtures[name];
  if (fixture === undefined) throw new Error(`no fixture ${name}`);
  return fixture;
}

describe("lock log", () => {
  const log = JSON.parse(lockLogJson(UPDATES)) as Log;

  test("names every update by its hash, in the order given", () => {
    expect(log.SchemaVersion).toBe("1");
    expect(log.Messages.map(({ Hash }) => Hash)).toEqual(UPDATES.map(({ hash }) => hash));
  });

  test("an empty log is an empty list", () => {
    expect(lockLogJson([])).toBe('{\n  "SchemaVersion": "1",\n  "Messages": []\n}\n');
  });

  test("leaves out what is zero, and keeps what is nil inside a state as null", () => {
    expect(log.Messages[2]?.AUM["State"]).toMatchObject({ DisablementValues: null, Keys: null, StateID1: 0 });
    expect(log.Messages[3]?.AUM).not.toHaveProperty("State");
    expect(log.Messages[8]?.AUM).not.toHaveProperty("Votes");
    expect(log.Messages[0]?.AUM).not.toHaveProperty("PrevAUMHash");
  });

  test("writes 64 bits as they are", () => {
    expect(lockLogJson(UPDATES)).toContain('"StateID1": 18446744073709551615');
  });
});

describe("lock status", () => {
  test("without a lock says little", () => {
    expect(lockStatusJson(named(STATUSES, "off, without keys"))).toBe(
      '{\n  "SchemaVersion": "1",\n  "Enabled": false\n}\n',
    );
  });

  test("with a lock never leaves out the lists", () => {
    expect(JSON.parse(lockStatusJson(named(STATUSES, "on, locked out, no peers")))).toMatchObject({
      NodeKeySigned: false,
      TrustedKeys: [],
      VisiblePeers: [],
      FilteredPeers: [],
    });
  });

  test.each(Object.entries(STATUSES))("survives the way from the agent: %s", (_what, status) => {
    expect(lockStatus(JSON.parse(JSON.stringify(status, lockStatusReplacer)), "status")).toEqual(status);
  });
});

describe("signatures as text", () => {
  test("one line a field, nested ones indented", () => {
    const lines = nodeKeySignatureText(decodeNodeKeySignature(named(SIGNATURES, "rotation"))).split("\n");
    expect(lines[0]).toBe("SigKind: rotation");
    expect(lines[1]).toMatch(/^Pubkey: \[[A-Za-z0-9+/]{5}\]$/);
    expect(lines[2]).toBe("Nested:");
    expect(lines[3]).toBe("  SigKind: direct");
    expect(lines.slice(4).map((line) => line.split(":")[0])).toEqual(["  Pubkey", "  KeyID", "  WrappingPubkey"]);
  });

  test.each([
    ["for a node key of another form", "Pubkey: <error: missing/incorrect type prefix np>"],
    ["for a node key cut short", "Pubkey: <error: incorrect len for NodePublic (20 != 34)>"],
    ["for the zero node key", "Pubkey:"],
    ["of an unknown kind", "SigKind: Sig?<99>"],
  ])("%s", (what, line) => {
    expect(nodeKeySignatureText(decodeNodeKeySignature(named(SIGNATURES, what))).split("\n")).toContain(line);
  });
});
