/** The tests that a policy brings along, and who may give which tags. */

import { describe, expect, test } from "vitest";
import { parsePolicy, refusedTags, runTests } from "../../src/policy/index.ts";
import { NODES, PEOPLE } from "./tailnet.ts";

const NAMES = `"tagOwners": {"tag:web": [], "tag:db": []}, "groups": {"group:ops": ["owner@example.com", "bob@example.com"]}, "hosts": {"front": "100.64.0.4"}`;
const RULES = `"acls": [
  {"action": "accept", "src": ["group:ops"], "dst": ["tag:web:22,80"]},
  {"action": "accept", "proto": "udp", "src": ["tag:web"], "dst": ["tag:db:53"]},
  {"action": "accept", "src": ["autogroup:member"], "dst": ["autogroup:self:*"]}],
  "ssh": [{"action": "accept", "src": ["bob@example.com"], "dst": ["tag:web"], "users": ["autogroup:nonroot"]}]`;

function failures(tests: string): string[] {
  const policy = parsePolicy(`{${NAMES}, ${RULES}, ${tests}}`, PEOPLE);
  return runTests(policy, Object.values(NODES)).map(({ source, reason }) => `${source}: ${reason}`);
}

describe("tests", () => {
  test.each([
    `"tests": [{"src": "group:ops", "accept": ["tag:web:22"], "deny": ["tag:web:23", "tag:db:22"]}]`,
    `"tests": [{"src": "bob@example.com", "accept": ["tag:web:80"], "deny": ["owner@example.com:22"]}]`,
    `"tests": [{"src": "tag:web", "accept": ["tag:db:53"]}, {"src": "tag:web", "proto": "tcp", "deny": ["tag:db:53"]}]`,
    `"tests": [{"src": "owner@example.com", "accept": ["autogroup:self:22", "owner@example.com:9"]}]`,
    // An address stands for the device that has it; a host too.
    `"tests": [{"src": "100.64.0.1", "accept": ["front:22", "100.64.0.4:80"], "deny": ["100.64.0.6:80"]}]`,
    `"tests": [{"user": "bob@example.com", "allow": ["tag:web:22"]}]`,
    `"sshTests": [{"src": "bob@example.com", "dst": ["tag:web"], "accept": ["alice"], "deny": ["root"]}]`,
    `"sshTests": [{"src": "owner@example.com", "dst": ["tag:web"], "deny": ["alice"]}]`,
  ])("hold: %s", (tests) => {
    expect(failures(tests)).toEqual([]);
  });

  test.each([
    [
      `"tests": [{"src": "group:ops", "accept": ["tag:db:22"]}]`,
      'group:ops: "tag:db:22" should be reached, and is not',
    ],
    [
      `"tests": [{"src": "group:ops", "deny": ["tag:web:22"]}]`,
      'group:ops: "tag:web:22" should not be reached, and is',
    ],
    [
      `"tests": [{"src": "bob@example.com", "proto": "udp", "accept": ["bob@example.com:1", "tag:web:443"]}]`,
      'bob@example.com: "tag:web:443" should be reached',
    ],
    [`"tests": [{"src": "100.64.0.6", "accept": ["front:22"]}]`, '100.64.0.6: "front:22" should be reached'],
    [`"tests": [{"src": "100.64.9.9", "accept": ["front:22"]}]`, '100.64.9.9: "front:22" should be reached'],
    [
      `"tests": [{"src": "tag:web", "accept": ["autogroup:self:22"]}]`,
      'tag:web: "autogroup:self:22" should be reached',
    ],
    [
      `"sshTests": [{"src": "bob@example.com", "dst": ["tag:web"], "accept": ["root"]}]`,
      'bob@example.com: "root" on "tag:web" should be let in',
    ],
    [
      `"sshTests": [{"src": "bob@example.com", "dst": ["tag:web"], "deny": ["alice"]}]`,
      "should not be let in by ssh, and is",
    ],
    [`"sshTests": [{"src": "group:ops", "dst": ["tag:web"], "accept": ["alice"]}]`, "should be let in"],
  ])("fail: %s", (tests, expected) => {
    const found = failures(tests);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(expected);
  });

  test("that would take for ever are refused, at once", () => {
    const members = Array.from({ length: 2000 }, (_, i) => `"u${i}@x.com"`).join(",");
    const rule = `{"action": "accept", "src": ["tag:web"], "dst": ["group:all:1"]}`;
    const policy = `{"tagOwners": {"tag:web": []}, "groups": {"group:all": [${members}]}, "acls": [${Array.from({ length: 500 }, () => rule).join(",")}],
      "tests": [{"src": "group:all", "deny": ["group:all:1"]}]}`;
    expect(() => runTests(parsePolicy(policy, PEOPLE), [])).toThrow("its tests take too long");
  });

  test("a group without members stands for nobody, and a test of it fails", () => {
    const policy = `{"groups": {"group:none": []}, "acls": [], "tests": [{"src": "group:none", "deny": ["bob@example.com:1"]}]}`;
    expect(runTests(parsePolicy(policy, PEOPLE), [])[0]?.reason).toContain("stands for nobody");
  });
});

describe("owners of tags [F10]", () => {
  const policy = parsePolicy(
    `{"groups": {"group:ops": ["bob@example.com"]}, "tagOwners": {"tag:web": ["group:ops"], "tag:db": ["tag:web", "autogroup:admin"], "tag:none": []}}`,
    PEOPLE,
  );
  const [owner, bob] = [
    { user: "owner@example.com", tags: [] },
    { user: "bob@example.com", tags: [] },
  ];

  test("give them, and nobody else does", () => {
    expect(refusedTags(policy, bob, ["tag:web", "tag:db", "tag:none", "tag:unknown"])).toEqual([
      "tag:db",
      "tag:none",
      "tag:unknown",
    ]);
    expect(refusedTags(policy, owner, ["tag:web", "tag:db"])).toEqual(["tag:web"]);
    expect(refusedTags(policy, { user: null, tags: [] }, ["tag:web"])).toEqual(["tag:web"]);
  });

  test("may be tags; a tag that one has is one's own", () => {
    expect(refusedTags(policy, { user: null, tags: ["tag:web"] }, ["tag:web", "tag:db", "tag:none"])).toEqual([
      "tag:none",
    ]);
  });
});
