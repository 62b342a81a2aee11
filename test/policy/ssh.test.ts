/** Who logs in by Tailscale SSH, as Go's client judges the SSHPolicy: the first rule whose principal and account match. */

import { describe, expect, test } from "vitest";
import { NODES, compiledFor, type Name } from "./tailnet.ts";

interface SshRule {
  readonly principals: readonly { readonly node?: string; readonly userLogin?: string }[];
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
    // What a device with tags, or of another tailnet, is shown under is no person's login [F9].
    const { stableId, user } = NODES[from];
    if (!principals.some(({ node, userLogin = "" }) => node === stableId || userLogin === user)) continue;
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

  test("principals are people by their logins, and devices with tags by their stable IDs [F9]", () => {
    expect(rulesOf(SELF, "laptop")[0]?.principals).toEqual([{ userLogin: "owner@example.com" }]);
    const policy = `{${TAGS}, "groups": {"group:ops": ["bob@example.com", "carol@example.com"]}, "ssh": [{"action": "accept", "src": ["group:ops", "bob@example.com", "tag:web"], "dst": ["tag:db"], "users": ["root"]}]}`;
    expect(rulesOf(policy, "db")[0]?.principals).toEqual([
      { userLogin: "bob@example.com" },
      { userLogin: "carol@example.com" },
      { node: "n4" },
      { node: "n5" },
    ]);
  });

  test("what one may do to one's own devices is said of one user, not of all", () => {
    expect(rulesOf(SELF.replace("autogroup:member", "bob@example.com"), "laptop")).toEqual([]);
    expect(rulesOf(SELF, "bob")[0]?.principals).toEqual([{ userLogin: "bob@example.com" }]);
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
