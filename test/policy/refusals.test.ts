/** Policy files that are refused, each with the place and the reason. */

import { describe, expect, test } from "vitest";
import { MAX_POLICY_CHARS, PolicyError, parsePolicy } from "../../src/policy/index.ts";
import { PEOPLE } from "./tailnet.ts";

function refusal(text: string): string {
  try {
    parsePolicy(text, PEOPLE);
  } catch (error) {
    if (error instanceof PolicyError) return error.message;
    throw error;
  }
  return "taken";
}

/** The file's text, and the beginning of the message, place included. */
const REFUSED: readonly (readonly [string, string])[] = [
  // Syntax.
  ["", "line 1, column 1: this is not human JSON"],
  ["[]", "line 1, column 1: a policy file is an object"],
  ['{"acls": [}', "line 1, column 11: this is not human JSON: it ends too early"],
  ['{"acls": [}}', "line 1, column 11: this is not human JSON: unexpected token } found"],
  ['{"acls": []', "line 1, column 12: this is not human JSON: it ends too early"],
  ['{"acls": [\n  {"action": "accept"}', "line 2, column 22: this is not human JSON: it ends too early"],
  ['{"acls": []}}', "line 1, column 13: this is not human JSON: unexpected token } found"],
  ["{acls: []}", "line 1, column 2: this is not human JSON"],
  ["{'acls': []}", "line 1, column 2: this is not human JSON"],
  ['{"acls": []} x', "line 1, column 14: this is not human JSON"],
  ['{"acls": [], /* no end', "line 1, column"],
  // Names that are there twice [F4].
  ['{"acls": [],\n "acls": []}', 'line 2, column 2: "acls" is there twice'],
  ['{"acls": [], "ACLs": []}', 'line 1, column 14: "ACLs" is there twice'],
  [
    '{"acls": [{"action": "accept", "src": ["*"], "src": [], "dst": ["*:*"]}]}',
    'line 1, column 46: "src" is there twice',
  ],
  [
    '{"acls": [{"action": "accept", "src": ["*"], "users": ["*"], "dst": ["*:*"]}]}',
    "line 1, column 55: src is there by its older name too",
  ],
  // Unknown names, with a hint.
  ['{\n  "acl": []\n}', 'line 2, column 3: a policy file has no field "acl": is "acls" meant?'],
  ['{"rules": []}', 'line 1, column 2: a policy file has no field "rules": they are acls, grants,'],
  [
    '{"acls": [{"action": "accept", "source": ["*"], "dst": ["*:*"]}]}',
    'line 1, column 32: an entry of acls has no field "source": they are action, src',
  ],
  [
    '{"grants": [{"src": ["*"], "dest": ["*"], "ip": ["*"]}]}',
    'line 1, column 28: an entry of grants has no field "dest": is "dst" meant?',
  ],
  // What is not served [F5].
  [
    '{"postures": {"posture:x": ["node:os == \'macos\'"]}}',
    "line 1, column 14: device posture: this is not served here",
  ],
  ['{"ipsets": {"ipset:x": ["10.0.0.0/8"]}}', "line 1, column 12: ipsets: this is not served here"],
  ['{"autoApprovers": {"exitNode": ["*"]}}', "line 1, column 19: approval of routes"],
  ['{"disableIPv4": true}', "line 1, column 17: a tailnet without IPv4"],
  [
    '{"grants": [{"src": ["*"], "dst": ["*"], "ip": ["*"], "srcPosture": ["posture:x"]}]}',
    "line 1, column 69: device posture",
  ],
  ['{"grants": [{"src": ["*"], "dst": ["*"], "ip": ["*"], "via": ["tag:x"]}]}', "line 1, column 62: routing by via"],
  [
    '{"nodeAttrs": [{"target": ["*"], "attr": ["funnel"]}]}',
    'line 1, column 43: the attribute "funnel" is not served here',
  ],
  // Nothing is widened by a slip.
  ['{"acls": null}', "line 1, column 2: acls is null"],
  ['{"grants": null}', "line 1, column 2: grants is null"],
  ['{"acls": {}}', "line 1, column 10: acls is a list"],
  [
    '{"acls": [{"action": "deny", "src": ["*"], "dst": ["*:*"]}]}',
    'line 1, column 22: the action of an entry of acls is "accept"',
  ],
  ['{"acls": [{"src": ["*"], "dst": ["*:*"]}]}', 'line 1, column 11: the action of an entry of acls is "accept"'],
  ['{"acls": [{"action": "accept", "src": "*", "dst": ["*:*"]}]}', "line 1, column 39: src is a list"],
  ['{"acls": [{"action": "accept", "src": [1], "dst": ["*:*"]}]}', "line 1, column 40: an entry of src is a text"],
  // Names of rules.
  [
    '{"acls": [{"action": "accept", "src": ["group:x"], "dst": ["*:*"]}]}',
    'line 1, column 40: there is no "group:x" in groups',
  ],
  [
    '{"acls": [{"action": "accept", "src": ["tag:x"], "dst": ["*:*"]}]}',
    'line 1, column 40: "tag:x" is not in tagOwners',
  ],
  ['{"acls": [{"action": "accept", "src": ["tag:1x"], "dst": ["*:*"]}]}', 'line 1, column 40: "tag:1x" is no tag'],
  [
    '{"acls": [{"action": "accept", "src": ["autogroup:everyone"], "dst": ["*:*"]}]}',
    'line 1, column 40: there is no "autogroup:everyone" here',
  ],
  [
    '{"acls": [{"action": "accept", "src": ["autogroup:danger-all"], "dst": ["*:*"]}]}',
    "line 1, column 40: there is no",
  ],
  [
    '{"acls": [{"action": "accept", "src": ["databse"], "dst": ["*:*"]}]}',
    'line 1, column 40: "databse" is neither a user',
  ],
  [
    '{"acls": [{"action": "accept", "src": ["user:*@example.com"], "dst": ["*:*"]}]}',
    'line 1, column 40: "user:*@example.com": no domain',
  ],
  [
    '{"acls": [{"action": "accept", "src": ["autogroup:self"], "dst": ["*:*"]}]}',
    'line 1, column 40: "autogroup:self" is a destination',
  ],
  [
    '{"acls": [{"action": "accept", "src": ["*"], "dst": ["autogroup:shared:*"]}]}',
    'line 1, column 54: "autogroup:shared" is a source',
  ],
  [
    '{"tagOwners": {"tag:x": []}, "acls": [{"action": "accept", "src": ["tag:x"], "dst": ["autogroup:self:*"]}]}',
    "line 1, column 86: autogroup:self goes with",
  ],
  ['{"acls": [{"action": "accept", "src": ["ipset:x"], "dst": ["*:*"]}]}', "line 1, column 40: ipsets are not served"],
  [
    '{"grants": [{"src": ["*"], "dst": ["autogroup:self"], "ip": ["*"]}]}',
    "line 1, column 36: autogroup:self goes with sources that are people: users",
  ],
  // Addresses.
  [
    '{"acls": [{"action": "accept", "src": ["10.0.0.1/8"], "dst": ["*:*"]}]}',
    'line 1, column 40: "10.0.0.1/8" is no prefix',
  ],
  [
    '{"acls": [{"action": "accept", "src": ["10.0.0.0/33"], "dst": ["*:*"]}]}',
    'line 1, column 40: "10.0.0.0/33" is no prefix',
  ],
  [
    '{"acls": [{"action": "accept", "src": ["10.0.0.256"], "dst": ["*:*"]}]}',
    'line 1, column 40: "10.0.0.256" is no address',
  ],
  [
    '{"acls": [{"action": "accept", "src": ["*"], "dst": ["0.0.0.0/0:*"]}]}',
    'line 1, column 54: for all addresses write "*"',
  ],
  [
    '{"acls": [{"action": "accept", "src": ["*"], "dst": ["fd7a::1:22"]}]}',
    "line 1, column 54: an IPv6 address stands in brackets",
  ],
  // Ports and protocols.
  ['{"acls": [{"action": "accept", "src": ["*"], "dst": ["*"]}]}', 'line 1, column 54: "*" has no ports'],
  ['{"acls": [{"action": "accept", "src": ["*"], "dst": ["*:0"]}]}', "line 1, column 54: there is no port 0"],
  ['{"acls": [{"action": "accept", "src": ["*"], "dst": ["*:65536"]}]}', 'line 1, column 54: "65536" is no port'],
  ['{"acls": [{"action": "accept", "src": ["*"], "dst": ["*:90-80"]}]}', "line 1, column 54: the range"],
  ['{"acls": [{"action": "accept", "src": ["*"], "dst": ["*:22,"]}]}', 'line 1, column 54: "" is no port'],
  [
    '{"acls": [{"action": "accept", "src": ["*"], "dst": ["*:22-23-24"]}]}',
    'line 1, column 54: "22-23-24" is no range',
  ],
  ['{"acls": [{"action": "accept", "src": ["*"], "dst": ["*:ssh"]}]}', 'line 1, column 54: "ssh" is no port'],
  [
    '{"acls": [{"action": "accept", "proto": "http", "src": ["*"], "dst": ["*:*"]}]}',
    'line 1, column 41: there is no protocol "http"',
  ],
  [
    '{"acls": [{"action": "accept", "proto": "256", "src": ["*"], "dst": ["*:*"]}]}',
    'line 1, column 41: there is no protocol "256"',
  ],
  [
    '{"acls": [{"action": "accept", "proto": "constructor", "src": ["*"], "dst": ["*:*"]}]}',
    "line 1, column 41: there is no protocol",
  ],
  [
    '{"acls": [{"action": "accept", "proto": "icmp", "src": ["*"], "dst": ["*:22"]}]}',
    "line 1, column 71: only TCP, UDP and SCTP have ports",
  ],
  ['{"grants": [{"src": ["*"], "dst": ["*"]}]}', "line 1, column 13: a grant has ip or app"],
  ['{"grants": [{"src": ["*"], "dst": ["*"], "ip": ["icmp"]}]}', 'line 1, column 49: "icmp" is no port'],
  [
    '{"grants": [{"src": ["*"], "dst": ["*"], "app": {"https://x.com/y": []}}]}',
    'line 1, column 50: "https://x.com/y": a capability is',
  ],
  [
    '{"grants": [{"src": ["*"], "dst": ["*"], "app": {"tailscale.com/cap/funnel": []}}]}',
    'line 1, column 50: "tailscale.com/cap/funnel" is a name of Tailscale',
  ],
  // Names that a file makes.
  ['{"groups": {"ops": []}}', 'line 1, column 13: "ops": the name of a group begins with group:'],
  ['{"groups": {"group:a": ["group:b"], "group:b": []}}', 'line 1, column 25: "group:b": a group has no groups'],
  ['{"groups": {"group:a": ["tag:b"]}}', 'line 1, column 25: "tag:b" is no user'],
  ['{"hosts": {"x": "10.0.0"}}', 'line 1, column 17: "10.0.0" is no address'],
  ['{"hosts": {"10.0.0.1": "10.0.0.2"}}', 'line 1, column 12: "10.0.0.1" cannot be the name of a host'],
  ['{"hosts": {"tag:x": "10.0.0.2"}}', 'line 1, column 12: "tag:x" cannot be the name of a host'],
  ['{"tagOwners": {"web": []}}', 'line 1, column 16: "web" is no tag'],
  ['{"tagOwners": {"tag:web": ["*"]}}', 'line 1, column 28: "*" owns no tag'],
  // SSH.
  [
    ssh(`"action": "check", "src": ["autogroup:member"], "dst": ["autogroup:self"], "users": ["root"]`),
    'line 1, column 21: the action "check" is not served here',
  ],
  [
    ssh(`"action": "Accept", "src": ["autogroup:member"], "dst": ["autogroup:self"], "users": ["root"]`),
    'line 1, column 21: the action of an entry of ssh is "accept"',
  ],
  [
    ssh(`"action": "accept", "src": ["*"], "dst": ["autogroup:self"], "users": ["root"]`),
    'line 1, column 39: "*": sources of ssh are',
  ],
  [
    ssh(`"action": "accept", "src": ["autogroup:member"], "dst": ["*"], "users": ["root"]`),
    'line 1, column 68: "*": destinations of ssh are',
  ],
  [
    ssh(`"action": "accept", "src": ["autogroup:member"], "dst": ["bob@example.com"], "users": ["root"]`),
    'line 1, column 68: "bob@example.com": a user\'s devices',
  ],
  [
    ssh(`"action": "accept", "src": ["autogroup:tagged"], "dst": ["autogroup:self"], "users": ["root"]`),
    "line 1, column 68: autogroup:self goes with",
  ],
  [
    ssh(`"action": "accept", "src": ["autogroup:member"], "dst": ["autogroup:self"], "users": []`),
    "line 1, column 10: an entry of ssh names its users",
  ],
  [
    ssh(`"action": "accept", "src": ["autogroup:member"], "dst": ["autogroup:self"], "users": ["*"]`),
    'line 1, column 97: "*" is no account',
  ],
  [
    ssh(`"action": "accept", "src": ["autogroup:member"], "dst": ["autogroup:self"], "users": ["localpart:*@x.com"]`),
    "line 1, column 97:",
  ],
  [
    ssh(
      `"action": "accept", "src": ["autogroup:member"], "dst": ["autogroup:self"], "users": ["root"], "recorder": ["tag:x"]`,
    ),
    "line 1, column 118: session recording",
  ],
  // Tests.
  ['{"tests": [{"src": "bob@example.com"}]}', "line 1, column 12: a test has accept or deny"],
  ['{"tests": [{"accept": ["bob@example.com:22"]}]}', "line 1, column 12: a test names its src"],
  [
    '{"tests": [{"src": "bob@example.com", "accept": ["bob@example.com:22,23"]}]}',
    'line 1, column 50: "bob@example.com:22,23": a test is about one port',
  ],
  [
    '{"tests": [{"src": "*", "accept": ["bob@example.com:22"]}]}',
    'line 1, column 20: "*" cannot be the source of a test',
  ],
  [
    '{"sshTests": [{"src": "bob@example.com", "dst": ["bob@example.com"], "check": ["root"]}]}',
    "line 1, column 79: the action check",
  ],
  [
    '{"tests": [{"src": "bob@example.com", "accept": ["10.0.0.0/8:22"]}]}',
    'line 1, column 50: "10.0.0.0/8" is a prefix: a test is about one address',
  ],
];

function ssh(entry: string): string {
  return `{"ssh": [{${entry}}]}`;
}

describe("a policy file is refused with the place and the reason [F5]", () => {
  test.each(REFUSED)("%s", (text, message) => {
    expect(refusal(text)).toContain(message);
  });

  test("what is too long is not looked at", () => {
    expect(refusal(`{${" ".repeat(MAX_POLICY_CHARS)}}`)).toContain("a policy file has at most");
  });

  test("what is nested without end is refused, and nothing breaks", () => {
    expect(refusal("[".repeat(MAX_POLICY_CHARS))).not.toBe("taken");
    expect(
      refusal(
        `{"grants": [{"src": ["*"], "dst": ["*"], "app": {"a.com/b": ${"[".repeat(100_000)}${"]".repeat(100_000)}}}]}`,
      ),
    ).not.toBe("taken");
  });

  test("a message quotes no more than a line, and no control characters", () => {
    const message = refusal(`{"${"\\u001b".repeat(300)}": 1}`);
    expect(message.length).toBeLessThan(1000);
    expect(message).not.toContain("\u001b");
  });
});

describe("a policy file is taken", () => {
  test.each([
    "{}",
    "// Nothing.\n{}",
    '{"acls": [], /* and */ "groups": {},}',
    '{"Hosts": {"a": "10.0.0.0/8",}, "acls": [{"action": "accept", "src": ["a"], "dst": ["a:*",]},],}',
    '{"acls": [{"action": "accept", "src": ["*"], "dst": ["[fd7a:115c:a1e0::]/48:22"]}]}',
    // Sections that say nothing.
    '{"postures": {}, "ipsets": null, "disableIPv4": false, "oneCGNATRoute": "", "autoApprovers": {}}',
    '{"acls": [{"action": "accept", "src": [" owner@example.com "], "dst": ["*:*"], "proto": ""}]}',
  ])("%s", (text) => {
    expect(refusal(text)).toBe("taken");
  });
});
