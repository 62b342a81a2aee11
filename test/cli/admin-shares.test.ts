/** `tailward admin share …` and the support key's commands, against the control plane as it is started, with real agents. */

import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { runProgram } from "../../src/cli/index.ts";
import { LocalClient, runAgent, type AgentStatus } from "../../src/node/index.ts";
import { formatLockKey } from "../../src/tka/index.ts";
import { ControlPlane } from "../e2e/control-plane.ts";
import { expectRefusal, type Ran } from "./support.ts";

const root = mkdtempSync(join(tmpdir(), "tw-"));
const keyFile = join(root, "support.key");
let control: ControlPlane;
const stop = new AbortController();
const agents: Promise<void>[] = [];

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

async function printed(...args: readonly string[]): Promise<string> {
  const { code, out, err } = await admin(...args);
  expect([code, err]).toEqual([0, ""]);
  return out;
}

function soon<T>(what: () => Promise<T>): Promise<T> {
  return vi.waitFor(what, { timeout: 20_000, interval: 100 });
}

async function joined(hostname: string, tailnet: string): Promise<LocalClient> {
  const directory = join(root, hostname);
  const authKey = (await printed("--tailnet", tailnet, "key", "create")).trim();
  const options = { directory, url: control.url, authKey, hostname, forceReauth: false, log: () => undefined };
  agents.push(runAgent(options, stop.signal));
  const client = new LocalClient(directory);
  await soon(async () => {
    expect((await client.status()).node.name).not.toBe("");
  });
  return client;
}

const filtered = ({ lock }: AgentStatus): string[] => lock.FilteredPeers.map(({ Name }) => Name);

beforeAll(async () => {
  // The operator's machine: no control plane is asked.
  const made = await run({}, ["admin", "support-key", "--out", keyFile]);
  const [, supportKey = ""] = /SUPPORT_PUBLIC_KEY="(supportpub:[0-9a-f]{64})"/.exec(made.out) ?? [];
  expect([made.code, supportKey]).toEqual([0, expect.stringContaining("supportpub:")]);
  control = await ControlPlane.start(join(root, "control"), { SUPPORT_PUBLIC_KEY: supportKey });
}, 120_000);

afterAll(async () => {
  stop.abort();
  await Promise.allSettled(agents);
  await control.stop();
  rmSync(root, { recursive: true, force: true });
}, 30_000);

describe("tailward admin share and support", () => {
  test("a node is shared, locked out in the other tailnet until it is signed there, and withdrawn", async () => {
    await printed("tailnet", "create", "one.test");
    await printed("tailnet", "create", "two.test");
    const alice = await joined("alice", "one.test");
    const bob = await joined("bob", "two.test");

    const out = await printed("--tailnet", "one.test", "share", "create", "alice");
    const [invite = ""] = /tailward-share-\S+/.exec(out) ?? [];
    const file = join(root, "invite");
    writeFileSync(file, `${invite}\n`);
    expect(await printed("--tailnet", "two.test", "share", "accept", `file:${file}`)).toContain(
      "Accepted from one.test",
    );
    expect(await printed("--tailnet", "two.test", "share", "accept", `file:${file}`)).toContain(
      "Accepted from one.test",
    );
    expect(await printed("--tailnet", "one.test", "share", "list")).toMatch(/out +accepted .* two\.test/);
    await soon(async () => {
      expect((await bob.status()).node.peers.map(({ name }) => name)).toContain("alice.one.test.");
      expect((await alice.status()).node.peers.map(({ name }) => name)).toContain("bob.two.test.");
    });

    const own = formatLockKey((await bob.status()).lock.PublicKey ?? new Uint8Array(0));
    const environment = { TAILWARD_STATE_DIR: join(root, "bob") };
    const init = ["lock", "init", "--confirm", "--gen-disablement-for-support", own];
    expect((await run(environment, init)).code).toBe(0);
    await soon(async () => {
      expect(filtered(await bob.status())).toEqual([]);
    });

    const [, share = ""] = /^(s\S+) +in/m.exec(await printed("--tailnet", "two.test", "share", "list")) ?? [];
    expect(await printed("--tailnet", "two.test", "share", "withdraw", share)).toContain("has ended");
    await soon(async () => {
      for (const tailnet of ["one.test", "two.test"])
        expect(await printed("--tailnet", tailnet, "share", "list")).toMatch(/ended/);
      expect((await bob.status()).node.peers).toEqual([]);
      expect((await alice.status()).node.peers).toEqual([]);
    });
    expectRefusal(await admin("--tailnet", "two.test", "share", "accept", invite), /not valid/);
  }, 90_000);

  test("a node that is shared into a locked tailnet is locked out there until a signer signs it", async () => {
    const out = await printed("--tailnet", "one.test", "share", "create", "alice");
    const [invite = ""] = /tailward-share-\S+/.exec(out) ?? [];
    await printed("--tailnet", "two.test", "share", "accept", invite);
    const bob = new LocalClient(join(root, "bob"));
    await soon(async () => {
      expect(filtered(await bob.status())).toEqual(["alice.one.test."]);
    });
    const status = await printed("--tailnet", "two.test", "lock", "status");
    const [, command = ""] = /alice\.one\.test +tailscale (lock sign .*)/.exec(status) ?? [];
    expect(command).toMatch(/^lock sign nodekey:/);
    expect((await run({ TAILWARD_STATE_DIR: join(root, "bob") }, command.split(" "))).code).toBe(0);
    await soon(async () => {
      expect(filtered(await bob.status())).toEqual([]);
      expect((await bob.status()).node.peers.map(({ name }) => name)).toContain("alice.one.test.");
    });
  }, 60_000);

  test("the operator opens a support secret, is told what it does, and turns the lock off", async () => {
    expect(statSync(keyFile).mode & 0o777).toBe(0o600);
    const told = await printed("support-disable", "two.test", "--key", keyFile);
    expect(told).toContain("Nothing has been turned off yet");
    expect(await printed("--tailnet", "two.test", "lock", "status")).toContain("A support secret is kept, sealed");
    const other = join(root, "other.key");
    await printed("support-key", "--out", other);
    expectRefusal(await admin("support-disable", "two.test", "--key", other, "--confirm"), /does not open/);
    expectRefusal(await admin("support-key", "--out", other), /cannot make/);
    const secret = readFileSync(keyFile, "utf8").trim();
    const done = await printed("support-disable", "two.test", "--key", keyFile, "--confirm");
    expect(done).toContain("Tailnet lock is off");
    expect(done).not.toContain(secret);
    expect(await printed("--tailnet", "two.test", "lock", "status")).toBe("Tailnet lock is off.\n");
    const bob = new LocalClient(join(root, "bob"));
    await soon(async () => {
      expect((await bob.status()).lock.Enabled).toBe(false);
    });
  }, 60_000);
});
