/** The whole story of a signer without a network, by hand with our commands: real agents, the control plane as it is started, and files that are carried. */

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { LocalClient } from "../../src/node/index.ts";
import { formatLockKey } from "../../src/tka/index.ts";
import { eventually } from "../support/eventually.ts";
import { AdminStage } from "./admin-stage.ts";
import { expectRefusal, type Ran } from "./support.ts";

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const stage = new AdminStage();
const place = { TAILWARD_STATE_DIR: join(stage.root, "signer") };
const nodes: Record<string, LocalClient> = {};
let signerKey = "";
let secret = "";

const signer = (...args: string[]): Promise<Ran> => stage.run(place, ["signer", ...args]);
const lock = (...args: string[]): Promise<string> => stage.printed("lock", ...args);

function nodeOf(name: string): LocalClient {
  const node = nodes[name];
  if (node === undefined) throw new Error(`there is no ${name}`);
  return node;
}

async function keyOf(name: string): Promise<string> {
  return formatLockKey((await nodeOf(name).status()).lock.PublicKey ?? new Uint8Array(0));
}

async function joins(name: string): Promise<void> {
  nodes[name] = stage.start(name, (await stage.printed("key", "create")).trim());
  await stage.joined(nodes[name]);
}

const peersOf = async (name: string): Promise<string[]> =>
  (await nodeOf(name).status()).node.peers.map((peer) => peer.name.split(".")[0] ?? "");

function file(name: string, contents: string): string {
  const path = join(stage.root, name);
  writeFileSync(path, contents);
  return path;
}

/** The chain as it is now, carried. */
const carried = async (name: string): Promise<string> => file(name, await lock("export"));

/** What the signer makes; fails where it refuses. */
async function made(name: string, ...args: string[]): Promise<string> {
  const { code, out, err } = await signer(...args);
  expect([code, out], err).toEqual([0, expect.stringMatching(/^((signature|update):[0-9A-F]+\n)+$/)]);
  return `file:${file(name, out)}`;
}

beforeAll(async () => {
  await stage.open();
  await stage.printed("tailnet", "create", "one.test");
  for (const name of ["alice", "bob"]) await joins(name);
}, 120_000);

afterAll(() => stage.close(), 30_000);

describe("a signer without a network", () => {
  test("has a key, which a lock is begun with", async () => {
    expectRefusal(await signer("sign", "nodekey:00"), /the node key cannot be read/);
    // In a process of its own, that knows of no control plane.
    const run = (): string =>
      execFileSync(process.execPath, [MAIN, "signer", "key"], { env: place, encoding: "utf8" }).trim();
    signerKey = run();
    expect(signerKey).toMatch(/^tlpub:[0-9a-f]{64}$/);
    expect(run()).toBe(signerKey);
    const [alice, bob] = [await keyOf("alice"), await keyOf("bob")];
    const init = await eventually(async () => {
      const args = ["lock", "init", "--confirm", alice, bob, signerKey];
      const ran = await stage.run(stage.environmentOf(nodeOf("alice")), args);
      expect(ran.err).toBe("");
      return ran;
    });
    [secret = ""] = /disablement-secret:[0-9A-F]+/.exec(init.out) ?? [];
    const keys = await lock("keys");
    expect(keys).toMatch(new RegExp(`${alice} +1 vote +signs 2 devices +alice\n`));
    expect(keys).toMatch(new RegExp(`${signerKey} +1 vote +signs 0 devices +-\n`));
    expect(await lock("pending")).toBe("No device waits for a signature.\n");
    expect(await lock("retired")).toBe("No lock was turned off.\n");
  }, 60_000);

  test("lets a device in that waits", async () => {
    await joins("carol");
    const [, command = ""] =
      /^ +carol\S* +tailward lock (sign nodekey:\S+ tlpub:\S+)$/m.exec(await lock("pending")) ?? [];
    const signature = await made("carol.sig", ...command.split(" "));
    expectRefusal(
      await stage.admin("lock", "submit-signature", "bob", signature),
      /^tailward: the signature is for nodekey:\S+, and the node key of bob\S* is nodekey:/,
    );
    for (const _ of ["", "and once more, as after a lost answer"])
      expect(await lock("submit-signature", "carol", signature)).toMatch(
        new RegExp(`^carol\\S* is signed by ${signerKey}\n$`),
      );
    await eventually(async () => expect(await peersOf("bob")).toContain("carol"));
    expect(await lock("pending")).toBe("No device waits for a signature.\n");
  }, 60_000);

  test("trusts another key, and trusts it no more", async () => {
    const carol = await keyOf("carol");
    const before = await carried("before.json");
    const added = await made("carol.add", "add", "--chain", before, `${carol}?2`);
    expect(await lock("submit", added)).toMatch(/^The lock's head is [A-Z2-7]{52} now\.\n$/);
    expect(await lock("keys")).toMatch(new RegExp(`${carol} +2 votes +signs 0 devices +carol\n`));
    expect(await lock("log", "--limit", "1")).toMatch(
      new RegExp(`^update \\S+ \\(add-key\\)\n  \\S+  ${carol} 2 votes\n  signed by ${signerKey}\n$`),
    );

    await joins("dave");
    const [, ...args] = /lock (sign) (nodekey:\S+) (tlpub:\S+)/.exec(await lock("pending")) ?? [];
    await eventually(async () => {
      const { code, err } = await stage.run(stage.environmentOf(nodeOf("carol")), ["lock", ...args]);
      expect([code, err]).toEqual([0, ""]);
    });
    await eventually(async () => expect(await peersOf("alice")).toContain("dave"));

    const after = await carried("after.json");
    const unsure = await signer("remove", "--chain", after, carol);
    expect([unsure.code, unsure.out]).toEqual([1, ""]);
    expect(unsure.err).toContain(` - ${args[1] ?? ""} rests on what is to go\n`);
    expect(unsure.err).toMatch(/1 nodes rest on these keys: see that you know them all/);
    const removed = await made("carol.remove", "remove", "--chain", after, "--re-sign=true", carol);
    expect(await lock("submit", removed)).toMatch(new RegExp(`^n\\S+ is signed by ${signerKey}\nThe lock's head is`));
    expect(await lock("keys")).not.toContain(carol);
    expect(await lock("keys")).toMatch(new RegExp(`${signerKey} +1 vote +signs 2 devices`));
    expect(await lock("pending")).toContain("No device waits");
    // Its head has been seen: there is no way back.
    await signer("add", "--chain", await carried("now.json"), carol);
    const back = await signer("add", "--chain", before, carol);
    expect([back.code, back.err]).toEqual([
      1,
      expect.stringMatching(/this is no chain to sign for: it lacks [A-Z2-7]{52}/),
    ]);
  }, 90_000);

  test("cosigns a recovery that a signing node has begun", async () => {
    const alice = await keyOf("alice");
    const begun = await eventually(async () => {
      const ran = await stage.run(stage.environmentOf(nodeOf("bob")), ["lock", "revoke-keys", alice]);
      expect(ran.err).toBe("");
      return ran;
    });
    const [, blob = ""] = /--cosign ([0-9A-F]+)\n/.exec(begun.out) ?? [];
    const chain = await carried("now.json");
    // Whoever signs sees whom it revokes: what is carried may be another recovery than it is said to be.
    expect((await signer("cosign", "--chain", chain, blob)).err).toContain(`It revokes:\n - ${alice}\n`);
    const recovery = await made("recovery", "cosign", "--chain", chain, blob);
    expectRefusal(await stage.admin("lock", "submit", recovery), /head/);
    expect(await lock("submit", "--recovery", recovery)).toContain("head is");
    expect(await lock("keys")).not.toContain(alice);
  }, 60_000);

  test("is not led by a chain that was tampered with, or that it is no part of", async () => {
    const chain = JSON.parse(readFileSync(await carried("good.json"), "utf8")) as { aums: string[] };
    const spoilt = chain.aums.map((aum, at) => (at === 1 ? `${aum.slice(0, -8)}AAAAAAA=` : aum));
    const bob = await keyOf("bob");
    const refused = await signer(
      "add",
      "--chain",
      file("spoilt.json", JSON.stringify({ ...chain, aums: spoilt })),
      bob,
    );
    expect([refused.code, refused.out]).toEqual([1, ""]);
    expectRefusal(
      await signer("add", "--chain", file("none.json", "{}"), bob),
      /this is no chain to sign for: it is empty/,
    );
    const stranger = { TAILWARD_STATE_DIR: join(stage.root, "stranger") };
    await stage.run(stranger, ["signer", "key"]);
    const path = file("good.json", JSON.stringify(chain));
    expectRefusal(await stage.run(stranger, ["signer", "add", "--chain", path, bob]), /not trusted by Tailnet Lock/);
  }, 60_000);

  test("leaves a lock behind that can be read when it is over", async () => {
    const { updates } = JSON.parse(await stage.printed("--json", "lock", "log")) as { updates?: unknown } & {
      hash: string;
    }[];
    expect(updates).toBeUndefined();
    await lock("disable", secret);
    const [, genesis = ""] = /^(\S+) +\S+Z +\S+Z +\d+ updates +head \S+\n$/.exec(await lock("retired")) ?? [];
    expect(await lock("log", "--chain", genesis)).toMatch(new RegExp(`update ${genesis} \\(checkpoint\\)`));
    for (const words of [["keys"], ["log"], ["export"]])
      expectRefusal(await stage.admin("lock", ...words), /not enabled|is off/);
  }, 60_000);
});
