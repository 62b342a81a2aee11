/** `tailward admin` against the control plane as a newcomer starts it, with real agents. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { runProgram } from "../../src/cli/index.ts";
import { LocalClient, runAgent, type AgentStatus } from "../../src/node/index.ts";
import { formatLockKey } from "../../src/tka/index.ts";
import { ControlPlane } from "../e2e/control-plane.ts";
import { expectRefusal, type Ran } from "./support.ts";

/** Its folders are of the whole file: agents run on from test to test. */
const root = mkdtempSync(join(tmpdir(), "tw-"));
let control: ControlPlane;
const stop = new AbortController();
const agents: Promise<void>[] = [];

beforeAll(async () => {
  control = await ControlPlane.start(join(root, "control"));
}, 120_000);

afterAll(async () => {
  stop.abort();
  await Promise.allSettled(agents);
  await control.stop();
  rmSync(root, { recursive: true, force: true });
}, 30_000);

async function run(environment: Readonly<Record<string, string>>, args: readonly string[]): Promise<Ran> {
  let [out, err] = ["", ""];
  const terminal = {
    out: (text: string) => void (out += text),
    err: (text: string) => void (err += text),
    environment,
    colours: false,
    ask: null,
    signal: stop.signal,
  };
  const code = await runProgram(terminal, args);
  return { code, out, err };
}

function admin(...args: readonly string[]): Promise<Ran> {
  return run(control.environment, ["admin", ...args]);
}

/** What a command prints; fails where it was refused. */
async function printed(...args: readonly string[]): Promise<string> {
  const { code, out, err } = await admin(...args);
  expect([code, err]).toEqual([0, ""]);
  return out;
}

const directories = new Map<LocalClient, string>();

/** Where the commands of an agent's own node find it. */
function environmentOf(client: LocalClient): Readonly<Record<string, string>> {
  return { TAILWARD_STATE_DIR: directories.get(client) ?? "" };
}

/** Starts an agent; gives the client of its local socket. */
function start(hostname: string, authKey: string | null): LocalClient {
  const directory = join(root, hostname);
  const options = { directory, url: control.url, authKey, hostname, forceReauth: false, log: () => undefined };
  agents.push(runAgent(options, stop.signal));
  const client = new LocalClient(directory);
  directories.set(client, directory);
  return client;
}

function soon<T>(what: () => Promise<T>): Promise<T> {
  return vi.waitFor(what, { timeout: 20_000, interval: 100 });
}

async function joined(client: LocalClient): Promise<AgentStatus> {
  return soon(async () => {
    const status = await client.status();
    expect(status.node.name).not.toBe("");
    return status;
  });
}

describe("tailward admin", () => {
  test("makes a tailnet and a key, lets nodes in, acts on them, and shows it all", async () => {
    expect(await printed("tailnet", "list")).toContain("No tailnets");
    expect(await printed("tailnet", "create", "one.test")).toMatch(/^one\.test is there: T/);
    const key = (await printed("key", "create", "--reusable", "--expiry", "1h", "--description", "for a test")).trim();
    expect(key).toMatch(/^tskey-auth-/);
    const keys = await printed("key", "list");
    expect(keys).toMatch(/good +until .* reusable preauthorized +for a test/);
    expect(keys).not.toContain(key.split("-").at(-1));

    const alice = start("alice", key);
    await joined(alice);
    expect(await printed("device", "list")).toMatch(/^n\w{21} +alice\.one\.test +100\.\S+ +\w+ +- +fine\n$/);
    expect(await printed("device", "rename", "alice", "mainframe")).toContain("is called mainframe");
    expect(await printed("device", "tag", "mainframe", "tag:ci")).toContain("has the tags tag:ci");
    const one = await printed("device", "get", "mainframe");
    expect(one).toMatch(/key expires +never/);
    expect(one).toMatch(/host +alice/);
    const [shown] = JSON.parse(await printed("device", "list", "--json")) as { name: string; tags: string[] }[];
    expect(shown).toMatchObject({ name: "mainframe.one.test", tags: ["tag:ci"] });
    expect(await printed("settings", "set", "devicesKeyDurationDays=9")).toMatch(/devicesKeyDurationDays +9/);
    expect(await printed("settings", "get")).toMatch(/devicesKeyDurationDays +9/);
  }, 60_000);

  test("lets a node in that has no auth key", async () => {
    const bob = start("bob", null);
    const id = await soon(async () => {
      const [, found = ""] = /^(\S+) +bob /m.exec(await printed("login", "list")) ?? [];
      expect(found).not.toBe("");
      return found;
    });
    const { node } = await bob.status();
    expect(node.approvalUrl).toBe(`${control.url}/login/${id}`);
    const page = await fetch(node.approvalUrl);
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining(`login approve ${id}`)]);
    expect(await printed("login", "approve", id)).toContain("comes in");
    expect((await joined(bob)).node.name).toContain("bob");
    expect(await printed("login", "list")).toContain("No node waits");
  }, 60_000);

  test("shows how the lock stands, and turns it off by a secret", async () => {
    expect(await printed("lock", "status")).toBe("Tailnet lock is off.\n");
    const key = (await printed("key", "create")).trim();
    const carol = start("carol", key);
    const { lock } = await joined(carol);
    const own = formatLockKey(lock.PublicKey ?? new Uint8Array(0));
    const init = await soon(async () => {
      const ran = await run(environmentOf(carol), ["lock", "init", "--confirm", own]);
      expect(ran.err).toBe("");
      return ran;
    });
    const [secret = ""] = /disablement-secret:[0-9A-F]+/.exec(init.out) ?? [];
    const status = await printed("lock", "status");
    expect(status).toMatch(new RegExp(`Trusted signing keys:\n  ${own} +1 vote +carol`));
    expect(await printed("lock", "disable", secret)).toContain("is off");
    expect(await printed("lock", "status")).toBe("Tailnet lock is off.\n");
  }, 60_000);

  test("removes a device, revokes a key and deletes a tailnet", async () => {
    expect(await printed("device", "remove", "bob")).toContain("is removed");
    expect(await printed("device", "list")).not.toContain("bob");
    const [, id = ""] = /^(\S+) +good/m.exec(await printed("key", "list")) ?? [];
    expect(await printed("key", "revoke", id)).toContain("is revoked");
    await printed("tailnet", "create", "two.test");
    expectRefusal(await admin("device", "list"), /no such tailnet: name one with --tailnet/);
    expect(await printed("device", "list", "--tailnet", "two.test")).toContain("No devices");
    expect(await printed("tailnet", "delete", "two.test")).toContain("run this again with --confirm");
    expect(await printed("tailnet", "delete", "two.test", "--confirm")).toContain("is deleted");
    expect(await printed("tailnet", "list")).not.toContain("two.test");
  }, 60_000);

  const bad: readonly (readonly [readonly string[], RegExp])[] = [
    [["device", "get", "nobody"], /there is no device nobody: tailward admin device list/],
    [["settings", "set", "colour=red"], /there is no setting colour: they are devicesApprovalOn/],
    [["key", "revoke", "k0000000000"], /there is no auth key of that ID/],
    [["login", "approve", "x"], /no such login waits/],
    [["tailnet", "create", "Not A Name"], /a tailnet's name is/],
    [["lock", "disable", "xyz"], /a disablement secret in hex expected/],
    [["device", "key-expiry", "alice", "maybe"], /key-expiry is on or off/],
  ];
  test.each(bad)("%o is refused, with the way out", async (args, line) => {
    expectRefusal(await admin(...args), line);
  });

  test("says what it lacks: a control plane, a token, and the right one", async () => {
    const { TAILWARD_URL = "" } = control.environment;
    expectRefusal(
      await run({ TAILWARD_URL, TAILWARD_TOKEN: "wrong" }, ["admin", "device", "list"]),
      /needs the owner's token: see \$TAILWARD_TOKEN/,
    );
    expectRefusal(
      await run({ TAILWARD_URL, TAILWARD_TOKEN: "x" }, ["admin", "--token", "secret-token", "device", "list"]),
      /use --token file:PATH/,
    );
    expectRefusal(
      await run({ TAILWARD_URL: "http://127.0.0.1:9", TAILWARD_TOKEN: "x" }, ["admin", "device", "list"]),
      /cannot be reached/,
    );
  });
});

describe("tailward admin, for the record", () => {
  test("rebuilds a tailnet's record and says that it is equal", async () => {
    await printed("tailnet", "create", "rebuilt.test");
    const before = /(\d+) missing +(\d+) differing +(\d+) surplus/;
    const first = await printed("rebuild", "rebuilt.test");
    expect(first).toContain("The record is equal, row by row.");
    expect(first).toMatch(before);
    const again = JSON.parse(await printed("--json", "rebuild", "rebuilt.test")) as unknown;
    const none = { missing: 0, differing: 0, surplus: 0 };
    expect(again).toMatchObject({ found: none, left: none });
    expect(await printed("restored", "rebuilt.test")).toMatch(/^Epoch e[0-9A-Za-z]{10} begins/);
    expectRefusal(await admin("rebuild", "no-such.test"), "there is no such tailnet");
  });

  test("lists dead letters and sends them again", async () => {
    expect(await printed("dead-letter", "list")).toBe("No dead letters.\n");
    expect(await printed("dead-letter", "replay")).toBe("0 sent again.\n");
  });
});
