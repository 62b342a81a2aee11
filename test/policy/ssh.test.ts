/** Who logs in by Tailscale SSH, as Go's client judges the SSHPolicy: the first rule whose principal and account match. */

import { describe, expect, test } from "vitest";
import { NODES, compiledFor, type Name } from "./tailnet.ts";

interface SshRule {
  readonly principals: readonly { readonly node: string }[];
  readonly sshUsers: Readonly<Record<string, string>>;
  readonly action: { readonly accept?: boolean };
  readonly acceptEnv?: readonly string[];
}

function rulesOf(policy: string, name: Name): SshRule[] {
  return (JSON.parse(compiledFor(policy, name).sshPolicy) as { rules: SshRule[] }).rules;
}

/** The account that `from` gets on `to`, where the machine has one that is called what is asked for; null for none. */
function login(policy: string, from: Name, to: Name, account: string): string | null {
  for (const { principals, sshUsers, action } of rulesOf(policy, to)) {
    if (!principals.some(({ node }) => node === NODES[from].stableId)) continue;
    const mapped = sshUsers[account] ?? sshUsers["*"] ?? "";
    const given = mapped === "=" ? (account === "root" ? "" : account) : mapped;
    if (given !== "") return action.accept === true ? given : null;
  }
  return null;
}

const SELF = `{"ssh": [{"action": "accept", "src": ["autogroup:member"], "dst": ["autogroup:self"], "users": ["autogroup:nonroot", "root"]}]}`;
const TAGS = `"tagOwners": {"tag:web": [], "tag:db": [], "tag:prod": []}`;

describe("ssh", () => {
  test("without the section nobody logs in, all-allowing rules or not [F12]", () => {
    for (const policy of ["{}", `{"grants": [{"src": ["*"], "dst": ["*"], "ip": ["*"]}]}`])
      expect(rulesOf(policy, "laptop")).toEqual([]);
  });

  test("to one's own devices, as whoever one says", () => {
    expect(login(SELF, "laptop", "phone", "alice")).toBe("alice");
    expect(login(SELF, "phone", "laptop", "root")).toBe("root");
    expect(login(SELF, "bob", "laptop", "alice")).toBeNull();
    expect(login(SELF, "web", "laptop", "alice")).toBeNull();
    expect(login(SELF, "laptop", "web", "alice")).toBeNull();
    expect(login(SELF, "stranger", "web", "alice")).toBeNull();
  });

  test("root is let in only where it is named", () => {
    const policy = `{${TAGS}, "ssh": [{"action": "accept", "src": ["owner@example.com"], "dst": ["tag:web"], "users": ["autogroup:nonroot"]}]}`;
    expect(login(policy, "laptop", "web", "alice")).toBe("alice");
    expect(login(policy, "laptop", "web", "root")).toBeNull();
    expect(login(policy, "bob", "web", "alice")).toBeNull();
    expect(login(policy, "laptop", "db", "alice")).toBeNull();
  });

  test("a named account is that one alone", () => {
    const policy = `{${TAGS}, "ssh": [{"action": "accept", "src": ["tag:web"], "dst": ["tag:db"], "users": ["backup", "__proto__"]}]}`;
    expect(login(policy, "web", "db", "backup")).toBe("backup");
    expect(login(policy, "web", "db", "other")).toBeNull();
    expect(login(policy, "web", "db", "root")).toBeNull();
    expect(login(policy, "laptop", "db", "backup")).toBeNull();
  });

  test("principals are devices by their stable IDs, of those who are meant and no others [F9]", () => {
    const [rule] = rulesOf(SELF, "laptop");
    expect(rule?.principals).toEqual([{ node: "n1" }, { node: "n2" }]);
  });

  test("variables go along where a rule names them", () => {
    const policy = `{${TAGS}, "ssh": [{"action": "accept", "src": ["tag:web"], "dst": ["tag:db"], "users": ["root"], "acceptEnv": ["GIT_*"]}]}`;
    expect(rulesOf(policy, "db")[0]?.acceptEnv).toEqual(["GIT_*"]);
    expect(compiledFor(policy, "db").attributes).toContain("ssh-env-vars");
    expect(compiledFor(policy, "laptop").attributes).not.toContain("ssh-env-vars");
  });

  test("a device learns that SSH may be served, and whether a rule leads to it", () => {
    expect(compiledFor("{}", "laptop").attributes).toEqual(["https://tailscale.com/cap/ssh"]);
    expect(compiledFor(SELF, "laptop").attributes).toContain("https://tailscale.com/cap/ssh-rule-in");
    expect(compiledFor(SELF, "web").attributes).not.toContain("https://tailscale.com/cap/ssh-rule-in");
  });
});
