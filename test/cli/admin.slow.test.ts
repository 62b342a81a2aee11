/** `tailward admin` against the control plane as a newcomer starts it, with real agents. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { formatLockKey } from "../../src/tka/index.ts";
import { eventually } from "../support/eventually.ts";
import { AdminStage } from "./admin-stage.ts";
import { expectRefusal, type Ran } from "./support.ts";

const stage = new AdminStage();
beforeAll(() => stage.open(), 120_000);
afterAll(() => stage.close(), 30_000);

describe("tailward admin", () => {
  test("makes a tailnet and a key, lets nodes in, acts on them, and shows it all", async () => {
    expect(await stage.printed("tailnet", "list")).toContain("No tailnets");
    expect(await stage.printed("tailnet", "create", "one.test")).toMatch(/^one\.test is there: T/);
    const key = (
      await stage.printed("key", "create", "--reusable", "--expiry", "1h", "--description", "for a test")
    ).trim();
    expect(key).toMatch(/^tskey-auth-/);
    const keys = await stage.printed("key", "list");
    expect(keys).toMatch(/good +until .* reusable preauthorized +for a test/);
    expect(keys).not.toContain(key.split("-").at(-1));

    const alice = stage.start("alice", key);
    await stage.joined(alice);
    expect(await stage.printed("device", "list")).toMatch(/^n\w{21} +alice\.one\.test +100\.\S+ +\w+ +- +fine\n$/);
    expect(await stage.printed("device", "rename", "alice", "mainframe")).toContain("is called mainframe");
    expect(await stage.printed("device", "tag", "mainframe", "tag:a,tag:b", "tag:c")).toContain(
      "tag:a, tag:b, tag:c\n",
    );
    expect(await stage.printed("device", "tag", "mainframe", "tag:ci")).toContain("has the tags tag:ci");
    const one = await stage.printed("device", "get", "mainframe");
    expect(one).toMatch(/key expires +never/);
    expect(one).toMatch(/host +alice/);
    const [shown] = JSON.parse(await stage.printed("device", "list", "--json")) as { name: string; tags: string[] }[];
    expect(shown).toMatchObject({ name: "mainframe.one.test", tags: ["tag:ci"] });
    expect(await stage.printed("settings", "set", "devicesKeyDurationDays=9")).toMatch(/devicesKeyDurationDays +9/);
    expect(await stage.printed("settings", "get")).toMatch(/devicesKeyDurationDays +9/);
  }, 60_000);

  test("reads, checks, sets and edits the policy", async () => {
    expect(await stage.printed("policy", "get")).toContain("none was set");
    const file = join(stage.root, "policy.hujson");
    const check = (): Promise<Ran> => stage.admin("policy", "check", file);
    writeFileSync(file, `// Ours.\n{"acls": [{"action": "accept", "src": ["*"], "dst": ["*:22"]},]}\n`);
    expect((await check()).out).toContain("The policy is good");
    expect(await stage.printed("policy", "get")).toContain("none was set");
    const [, etag = ""] = /ETag is "(\w+)"/.exec(await stage.printed("policy", "set", file)) ?? [];
    expect(await stage.printed("policy", "get")).toBe(readFileSync(file, "utf8"));

    writeFileSync(file, `{\n  "acl": []\n}`);
    for (const refused of [await check(), await stage.admin("policy", "set", file)])
      expectRefusal(refused, 'line 2, column 3: a policy file has no field "acl": is "acls" meant?');
    writeFileSync(file, `{"acls": [], "tests": [{"src": "a@b.com", "accept": ["a@b.com:22"]}]}`);
    for (const refused of [await check(), await stage.admin("policy", "set", file)])
      expectRefusal(refused, "should be reached, and is not");

    const editing = { ...stage.control.environment, EDITOR: "sed -i s/22/23/" };
    expect((await stage.run(editing, ["admin", "policy", "edit"])).out).toContain("in force");
    expect(await stage.printed("policy", "get")).toContain(`"*:23"`);
    expectRefusal(await stage.admin("policy", "set", "--etag", etag, file), "has changed since it was read");
    expectRefusal(await stage.admin("policy", "set", join(stage.root, "nothing")), "cannot read");
    writeFileSync(file, "{}");
    await stage.printed("policy", "set", file);
  }, 60_000);

  test("lets a node in that has no auth key", async () => {
    const bob = stage.start("bob", null);
    const id = await eventually(async () => {
      const [, found = ""] = /^(\S+) +bob /m.exec(await stage.printed("login", "list")) ?? [];
      expect(found).not.toBe("");
      return found;
    });
    const { node } = await bob.status();
    expect(node.approvalUrl).toBe(`${stage.control.url}/login/${id}`);
    const page = await fetch(node.approvalUrl);
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining(`login approve ${id}`)]);
    expect(await stage.printed("login", "approve", id)).toContain("comes in");
    expect((await stage.joined(bob)).node.name).toContain("bob");
    expect(await stage.printed("login", "list")).toContain("No node waits");
  }, 60_000);

  test("adds people, gives them roles and tokens, and takes both away", async () => {
    expect(await stage.printed("user", "add", "Bob@example.com", "--role", "auditor")).toMatch(
      /^bob@example\.com is there, as auditor: u\w{21}\n$/,
    );
    expect(await stage.printed("user", "list")).toMatch(/ bob@example\.com +auditor +active +0 devices/);
    const token = (await stage.printed("token", "create", "--user", "bob@example.com", "--expiry", "1h")).trim();
    expect(token).toMatch(/^tskey-api-T/);
    const bob = { ...stage.control.environment, TAILWARD_TOKEN: token };
    const asBob = (...args: string[]): Promise<Ran> => stage.run(bob, ["admin", ...args]);
    expect((await asBob("device", "list")).code).toBe(0);
    expectRefusal(
      await asBob("device", "remove", "mainframe"),
      /this needs the right to do: device\.remove; a role that may is wanted \(owner, admin, it-admin\)/,
    );
    expect(await stage.printed("user", "role", "bob@example.com", "admin")).toContain("has the role admin");
    const own = (await asBob("token", "create", "--scopes", "dns:read,users:read", "--description", "for a test")).out;
    const [, id = ""] =
      /^(k\w{10}) +bob@example\.com +good +until \S+ +never used +dns:read users:read +for a test$/m.exec(
        await stage.printed("token", "list"),
      ) ?? [];
    expect(own).toContain(id);
    expect(await stage.printed("key", "list")).not.toContain(id);
    expect(await stage.printed("token", "revoke", id)).toContain("is revoked");
    const client = await stage.printed("client", "create", "--scopes", "auth_keys", "--tags", "tag:ci");
    expect(client).toMatch(/^client ID +k\w{10}\nclient secret +tskey-client-T\S+\n$/);
    expect(await stage.printed("client", "list")).toMatch(/ good +for good +never used +auth_keys +tag:ci\n$/);
    expect(await stage.printed("user", "approve", "bob@example.com")).toContain("is approved");
    expect(await stage.printed("user", "suspend", "bob@example.com")).toContain("is suspended");
    expectRefusal(await asBob("device", "list"), /is suspended/);
    expect(await stage.printed("user", "restore", "bob@example.com")).toContain("is let in again");
    expect(await stage.printed("user", "remove", "bob@example.com")).toContain("is removed");
    expect(await stage.printed("user", "list")).not.toContain("bob@");
    expectRefusal(await stage.admin("user", "remove", "owner@one.test"), /this is the last owner/);
    expectRefusal(await stage.admin("user", "role", "nobody@one.test", "admin"), /there is no user nobody@one\.test/);
  }, 60_000);

  test("invites people: the address of an invite is shown once", async () => {
    const { code, out: made, err } = await stage.admin("user", "invite", "Eve@example.com", "--role", "auditor");
    expect([code, err]).toEqual([0, expect.stringMatching(/^warning: this control plane asks no OpenID provider/)]);
    const [, id = ""] =
      /^http:\S+\/invite#(i\w{21})-\w{32}\n\nIt makes eve@example\.com a user of the tailnet, as auditor, once/.exec(
        made,
      ) ?? [];
    const { out: anybody } = await stage.admin("user", "invite");
    expect(anybody).toContain("It makes whoever opens it first a user of the tailnet, as member");
    const listed = await stage.printed("user", "invites");
    expect(listed).toMatch(new RegExp(`^${id} +auditor +eve@example\\.com +\\S+$`, "m"));
    expect(listed).not.toContain("#");
    expect(await stage.printed("user", "withdraw-invite", id)).toContain("is withdrawn");
    expect(await stage.printed("user", "invites")).not.toContain("eve@");
    expectRefusal(await stage.admin("user", "invite", "--role", "owner"), /role/);
    expect(await stage.printed("settings", "set", "usersApprovalOn=true")).toMatch(/^usersApprovalOn +true$/m);
    expect(await stage.printed("settings", "set", "usersApprovalOn=false")).toMatch(/^usersApprovalOn +false$/m);
  }, 60_000);

  test("makes a one-time link to sign in by", async () => {
    const { url } = stage.control;
    const printed = await stage.printed("sign-in-link");
    expect(printed).toMatch(/^http:\S+\/sign-in#\d\d[\w-]{43}\n\nIt signs a browser in as owner@one\.test, once/);
    const { url: link } = JSON.parse(await stage.printed("--json", "sign-in-link", "owner@one.test")) as {
      url: string;
    };
    const secret = link.slice(`${new URL(url).origin}/sign-in#`.length);
    const headers = { origin: new URL(url).origin, "content-type": "application/json" };
    const answer = await fetch(`${url}/sign-in/link`, { method: "POST", headers, body: JSON.stringify({ secret }) });
    expect([answer.status, answer.headers.get("set-cookie")]).toEqual([
      200,
      expect.stringMatching(/^tailward-session=/),
    ]);
  });

  test("shows how the lock stands, and turns it off by a secret", async () => {
    expect(await stage.printed("lock", "status")).toBe("Tailnet lock is off.\n");
    const key = (await stage.printed("key", "create")).trim();
    const carol = stage.start("carol", key);
    const { lock } = await stage.joined(carol);
    const own = formatLockKey(lock.PublicKey ?? new Uint8Array(0));
    const init = await eventually(async () => {
      const ran = await stage.run(stage.environmentOf(carol), ["lock", "init", "--confirm", own]);
      expect(ran.err).toBe("");
      return ran;
    });
    const [secret = ""] = /disablement-secret:[0-9A-F]+/.exec(init.out) ?? [];
    const status = await stage.printed("lock", "status");
    expect(status).toMatch(new RegExp(`Trusted signing keys:\n  ${own} +1 vote +carol`));
    expect(await stage.printed("lock", "disable", secret)).toContain("is off");
    expect(await stage.printed("lock", "status")).toBe("Tailnet lock is off.\n");
  }, 60_000);

  test("removes a device, revokes a key and deletes a tailnet", async () => {
    expect(await stage.printed("device", "remove", "bob")).toContain("is removed");
    expect(await stage.printed("device", "list")).not.toContain("bob");
    const [, id = ""] = /^(\S+) +good/m.exec(await stage.printed("key", "list")) ?? [];
    expect(await stage.printed("key", "revoke", id)).toContain("is revoked");
    await stage.printed("tailnet", "create", "two.test");
    expectRefusal(await stage.admin("device", "list"), /no such tailnet: name one with --tailnet/);
    expect(await stage.printed("device", "list", "--tailnet", "two.test")).toContain("No devices");
    expect(await stage.printed("tailnet", "delete", "two.test")).toContain("run this again with --confirm");
    expect(await stage.printed("tailnet", "delete", "two.test", "--confirm")).toContain("is deleted");
    expect(await stage.printed("tailnet", "list")).not.toContain("two.test");
  }, 60_000);

  const bad: readonly (readonly [readonly string[], RegExp])[] = [
    [["device", "get", "nobody"], /there is no device nobody: tailward admin device list/],
    [["settings", "set", "colour=red"], /there is no setting colour: they are devicesApprovalOn/],
    [["key", "revoke", "k0000000000"], /there is no key of that ID/],
    [["login", "approve", "x"], /no such login waits/],
    [["sign-in-link", "nobody@one.test"], /there is no such user/],
    [["tailnet", "create", "Not A Name"], /a tailnet's name is/],
    [["lock", "disable", "xyz"], /a disablement secret in hex expected/],
    [["device", "key-expiry", "alice", "maybe"], /key-expiry is on or off/],
  ];
  test.each(bad)("%o is refused, with the way out", async (args, line) => {
    expectRefusal(await stage.admin(...args), line);
  });

  test("says what it lacks: a control plane, a token, and the right one", async () => {
    const { TAILWARD_URL = "" } = stage.control.environment;
    expectRefusal(
      await stage.run({ TAILWARD_URL, TAILWARD_TOKEN: "wrong" }, ["admin", "device", "list"]),
      /needs a token that is good: an access token, an OAuth client's, or the operator's: see \$TAILWARD_TOKEN/,
    );
    expectRefusal(
      await stage.run({ TAILWARD_URL, TAILWARD_TOKEN: "x" }, ["admin", "--token", "secret-token", "device", "list"]),
      /use --token file:PATH/,
    );
    expectRefusal(
      await stage.run({ TAILWARD_URL: "http://127.0.0.1:9", TAILWARD_TOKEN: "x" }, ["admin", "device", "list"]),
      /cannot be reached/,
    );
  });
});

describe("tailward admin, for the record", () => {
  test("rebuilds a tailnet's record and says that it is equal", async () => {
    await stage.printed("tailnet", "create", "rebuilt.test");
    const before = /(\d+) missing +(\d+) differing +(\d+) surplus/;
    const first = await stage.printed("rebuild", "rebuilt.test");
    expect(first).toContain("The record is equal, row by row.");
    expect(first).toMatch(before);
    const again = JSON.parse(await stage.printed("--json", "rebuild", "rebuilt.test")) as unknown;
    const none = { missing: 0, differing: 0, surplus: 0 };
    expect(again).toMatchObject({ found: none, left: none });
    expect(await stage.printed("restored", "rebuilt.test")).toMatch(/^Epoch e[0-9A-Za-z]{10} begins/);
    expectRefusal(await stage.admin("rebuild", "no-such.test"), "there is no such tailnet");
  });

  test("lists dead letters and sends them again", async () => {
    expect(await stage.printed("dead-letter", "list")).toBe("No dead letters.\n");
    expect(await stage.printed("dead-letter", "replay")).toBe("0 sent again.\n");
    expectRefusal(await stage.admin("dead-letter", "replay", "x"), /0 sent again; the others are not there/);
  });
});
