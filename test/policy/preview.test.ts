/** Which entries of a policy are about somebody, or an address and a port. */

import { expect, test } from "vitest";
import { previewPolicy, type PolicyNode, type PreviewFor } from "../../src/policy/index.ts";

const PEOPLE = [
  { login: "ann@x.test", roles: ["member", "owner"] as const },
  { login: "bob@x.test", roles: ["member"] as const },
];

function node(id: number, user: string | null, tags: readonly string[], address: string): PolicyNode {
  return { id, stableId: `n${id}`, user, tags, addresses: [address], routes: [], sharedWith: null };
}

const NODES = [node(1, "ann@x.test", [], "100.64.0.1"), node(2, null, ["tag:web"], "100.64.0.2")];

const TEXT = `{
  "groups": {"group:dev": ["bob@x.test"]},
  "tagOwners": {"tag:web": []},
  "acls": [
    {"action": "accept", "src": ["group:dev"], "dst": ["tag:web:80,443"]},
    {"action": "accept", "src": ["100.64.0.1"], "dst": ["100.64.0.2:22"]},
  ],
  "grants": [
    {"src": ["autogroup:member"], "dst": ["autogroup:self"], "ip": ["tcp:22", "80"]},
  ],
}`;

function lines(wanted: PreviewFor): number[] | null {
  return previewPolicy(TEXT, PEOPLE, NODES, wanted)?.map(({ line }) => line) ?? null;
}

test("a person is named by login, by group, by role, and by the addresses of their devices", () => {
  expect(lines({ kind: "user", login: "bob@x.test" })).toEqual([5, 9]);
  expect(lines({ kind: "user", login: "ann@x.test" })).toEqual([6, 9]);
  expect(lines({ kind: "user", login: "eve@x.test" })).toEqual([]);
});

test("an address stands for the device that has it, and the port decides", () => {
  expect(lines({ kind: "address", address: "100.64.0.2", port: 443 })).toEqual([5]);
  expect(lines({ kind: "address", address: "100.64.0.2", port: 22 })).toEqual([6]);
  expect(lines({ kind: "address", address: "100.64.0.1", port: 22 })).toEqual([9]);
  expect(lines({ kind: "address", address: "100.64.0.1", port: 23 })).toEqual([]);
  expect(lines({ kind: "address", address: "100.64.0", port: 22 })).toBeNull();
});

test("entries are shown as they are written", () => {
  expect(previewPolicy(TEXT, PEOPLE, NODES, { kind: "user", login: "bob@x.test" })).toEqual([
    { users: ["group:dev"], ports: ["tag:web:80,443"], line: 5 },
    { users: ["autogroup:member"], ports: ["autogroup:self:tcp:22", "autogroup:self:80"], line: 9 },
  ]);
});

test("a policy that is not understood is refused", () => {
  expect(() => previewPolicy(`{"acls": 1}`, PEOPLE, NODES, { kind: "user", login: "x" })).toThrow("acls");
});

test("of a small file that stands for very much, so much is shown and no more", () => {
  const many = (count: number, one: (i: number) => string): string =>
    JSON.stringify(Array.from({ length: count }, (_, i) => one(i)));
  const dst = many(2000, (i) => `10.0.${i >> 8}.${i & 255}`);
  const grant = `{"src": ["*"], "dst": ${dst}, "ip": ${many(2000, (i) => String(i + 1))}}`;
  const matches = previewPolicy(`{"grants": [${grant}, ${grant}]}`, [], [], {
    kind: "user",
    login: "alice@example.com",
  });
  expect(matches?.map(({ ports }) => ports.length)).toEqual([10_000, 0]);
});
