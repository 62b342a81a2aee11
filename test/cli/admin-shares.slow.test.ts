/** `tailward admin share …` and the support key's commands, against the control plane as it is started, with real agents. */

import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LocalClient, type AgentStatus } from "../../src/node/index.ts";
import { formatLockKey } from "../../src/tka/index.ts";
import { eventually } from "../support/eventually.ts";
import { AdminStage } from "./admin-stage.ts";
import { expectRefusal } from "./support.ts";

const stage = new AdminStage();
const keyFile = join(stage.root, "support.key");

async function joined(hostname: string, tailnet: string): Promise<LocalClient> {
  const client = stage.start(hostname, (await stage.printed("--tailnet", tailnet, "key", "create")).trim());
  await stage.joined(client);
  return client;
}

const filtered = ({ lock }: AgentStatus): string[] => lock.FilteredPeers.map(({ Name }) => Name);

beforeAll(async () => {
  // The operator's machine: no control plane is asked.
  const made = await stage.run({}, ["admin", "support-key", "--out", keyFile]);
  const [, supportKey = ""] = /SUPPORT_PUBLIC_KEY="(supportpub:[0-9a-f]{64})"/.exec(made.out) ?? [];
  expect([made.code, supportKey]).toEqual([0, expect.stringContaining("supportpub:")]);
  await stage.open({ SUPPORT_PUBLIC_KEY: supportKey });
}, 120_000);

afterAll(() => stage.close(), 30_000);

describe("tailward admin share and support", () => {
  test("a node is shared, locked out in the other tailnet until it is signed there, and withdrawn", async () => {
    await stage.printed("tailnet", "create", "one.test");
    await stage.printed("tailnet", "create", "two.test");
    const alice = await joined("alice", "one.test");
    const bob = await joined("bob", "two.test");

    const out = await stage.printed("--tailnet", "one.test", "share", "create", "alice");
    const [invite = ""] = /tailward-share-\S+/.exec(out) ?? [];
    const file = join(stage.root, "invite");
    writeFileSync(file, `${invite}\n`);
    expect(await stage.printed("--tailnet", "two.test", "share", "accept", `file:${file}`)).toContain(
      "Accepted from one.test",
    );
    expect(await stage.printed("--tailnet", "two.test", "share", "accept", `file:${file}`)).toContain(
      "Accepted from one.test",
    );
    expect(await stage.printed("--tailnet", "one.test", "share", "list")).toMatch(/out +accepted .* two\.test/);
    await eventually(async () => {
      expect((await bob.status()).node.peers.map(({ name }) => name)).toContain("alice.one.test.");
      expect((await alice.status()).node.peers.map(({ name }) => name)).toContain("bob.two.test.");
    });

    const own = formatLockKey((await bob.status()).lock.PublicKey ?? new Uint8Array(0));
    const environment = { TAILWARD_STATE_DIR: join(stage.root, "bob") };
    const init = ["lock", "init", "--confirm", "--gen-disablement-for-support", own];
    expect((await stage.run(environment, init)).code).toBe(0);
    await eventually(async () => {
      expect(filtered(await bob.status())).toEqual([]);
    });

    const [, share = ""] = /^(s\S+) +in/m.exec(await stage.printed("--tailnet", "two.test", "share", "list")) ?? [];
    expect(await stage.printed("--tailnet", "two.test", "share", "withdraw", share)).toContain("has ended");
    await eventually(async () => {
      for (const tailnet of ["one.test", "two.test"])
        expect(await stage.printed("--tailnet", tailnet, "share", "list")).toMatch(/ended/);
      expect((await bob.status()).node.peers).toEqual([]);
      expect((await alice.status()).node.peers).toEqual([]);
    });
    expectRefusal(await stage.admin("--tailnet", "two.test", "share", "accept", invite), /not valid/);
  }, 90_000);

  test("a node that is shared into a locked tailnet is locked out there until a signer signs it", async () => {
    const out = await stage.printed("--tailnet", "one.test", "share", "create", "alice");
    const [invite = ""] = /tailward-share-\S+/.exec(out) ?? [];
    await stage.printed("--tailnet", "two.test", "share", "accept", invite);
    const bob = new LocalClient(join(stage.root, "bob"));
    await eventually(async () => {
      expect(filtered(await bob.status())).toEqual(["alice.one.test."]);
    });
    const status = await stage.printed("--tailnet", "two.test", "lock", "status");
    const [, command = ""] = /alice\.one\.test +tailward (lock sign .*)/.exec(status) ?? [];
    expect(command).toMatch(/^lock sign nodekey:/);
    expect((await stage.run({ TAILWARD_STATE_DIR: join(stage.root, "bob") }, command.split(" "))).code).toBe(0);
    await eventually(async () => {
      expect(filtered(await bob.status())).toEqual([]);
      expect((await bob.status()).node.peers.map(({ name }) => name)).toContain("alice.one.test.");
    });
  }, 60_000);

  test("the operator opens a support secret, is told what it does, and turns the lock off", async () => {
    expect(statSync(keyFile).mode & 0o777).toBe(0o600);
    const told = await stage.printed("support-disable", "two.test", "--key", keyFile);
    expect(told).toContain("Nothing has been turned off yet");
    expect(await stage.printed("--tailnet", "two.test", "lock", "status")).toContain(
      "A support secret is kept, sealed",
    );
    const other = join(stage.root, "other.key");
    await stage.printed("support-key", "--out", other);
    expectRefusal(await stage.admin("support-disable", "two.test", "--key", other, "--confirm"), /does not open/);
    expectRefusal(await stage.admin("support-key", "--out", other), /cannot make/);
    const secret = readFileSync(keyFile, "utf8").trim();
    const done = await stage.printed("support-disable", "two.test", "--key", keyFile, "--confirm");
    expect(done).toContain("Tailnet lock is off");
    expect(done).not.toContain(secret);
    expect(await stage.printed("--tailnet", "two.test", "lock", "status")).toBe("Tailnet lock is off.\n");
    const bob = new LocalClient(join(stage.root, "bob"));
    await eventually(async () => {
      expect((await bob.status()).lock.Enabled).toBe(false);
    });
  }, 60_000);
});
