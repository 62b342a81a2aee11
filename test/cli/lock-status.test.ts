/** `lock status` and `status`: the lines that are copied, byte for byte as Tailscale's, and what a hostile name can do: nothing. */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { lockStatusText } from "../../src/cli/lock-status.ts";
import { ControlUnreachable } from "../../src/node/errors.ts";
import { LocalRoutes } from "../../src/node/local-routes.ts";
import { reserveSocket, serveLocally } from "../../src/node/local-server.ts";
import { lockStatusJson } from "../../src/protocol/index.ts";
import { formatLockKey } from "../../src/tka/index.ts";
import { idOf, nodeKey } from "../support/chains-keys.ts";
import { chain } from "../support/chains.ts";
import { STATUSES } from "../protocol/lock-fixtures.ts";
import { FakeControl, mapNode } from "../node/support/fake-control.ts";
import { startAgent } from "../node/support/test-agent.ts";
import { testFolder } from "../node/support/folder.ts";
import { eventually } from "../support/eventually.ts";
import { expectRefusal, lockedSeat, seat, tailward, type Ran } from "./support.ts";

const own = formatLockKey(idOf("own"));

function textOf(name: string): string {
  const status = STATUSES[name];
  if (status === undefined) throw new Error(`no status ${name}`);
  return lockStatusText(status);
}

describe("in words", () => {
  test("off", () => {
    expect(textOf("off")).toBe(`Tailnet lock is NOT enabled.\n\nThis node's tailnet lock key: ${own}\n\n`);
  });

  test("locked out: the command that lets the node in", () => {
    expect(textOf("on, locked out, no peers")).toContain(`\n\ttailward lock sign ${nodeKey("self")} ${own}\n`);
  });

  test("signed, and not able to sign its next key: the command that prevents the lock-out", () => {
    const status = STATUSES["on, signed, with peers"];
    if (status === undefined) throw new Error("no status");
    const command = `\n\ttailward lock sign ${status.NodeKey ?? ""} ${own}\n`;
    expect(lockStatusText(status, { lockIgnored: false, rotates: false })).toContain(command);
    expect(lockStatusText(status, { lockIgnored: false, rotates: true })).not.toContain(command);
  });

  test("trusted keys and locked-out nodes, in columns parted by tabs", () => {
    const text = textOf("on, signed, with peers");
    expect(text).toContain(`\n\t${formatLockKey(idOf("alice"))}\t1\t\n`);
    expect(text).toContain(`\n\t${own}\t4096\t(self)(pre-auth key)\n`);
    expect(text).toContain(`\n\t${formatLockKey(idOf("bob"))}\t2\t(pre-auth key kX)\n`);
    expect(text).toContain(`\n\tthree.example.\t100.64.0.3\tn3\t${nodeKey("three")}\n`);
    expect(text).toContain("\nSigKind: rotation\nPubkey: [");
  });

  test("a name cannot steer the terminal", () => {
    const status = STATUSES["on, signed, with peers"];
    if (status === undefined) throw new Error("no status");
    const [peer] = status.FilteredPeers;
    if (peer === undefined) throw new Error("no peer");
    const text = lockStatusText({ ...status, FilteredPeers: [{ ...peer, Name: "a\u001b[2Kb\nc\u202ed" }] });
    expect(text).toContain("\ta\ufffd[2Kb\ufffdc\ufffdd\t");
  });
});

describe("of a running agent", () => {
  test("`lock` alone is `lock status`", async () => {
    const { run } = await lockedSeat();
    expect(await run("lock")).toEqual(await run("lock", "status"));
  });

  test.each([["--json"], ["-json"], ["--json=1"], ["--json=true"]])("%s prints the stable JSON", async (flag) => {
    const { run, agent } = await lockedSeat();
    expect((await run("lock", "status", flag)).out).toBe(lockStatusJson(agent.lockStatus()));
  });

  test("--json=false prints words", async () => {
    const { run } = await seat();
    expect((await run("lock", "status", "--json=false")).out).toContain("NOT enabled");
  });

  test("what is not understood is refused", async () => {
    expectRefusal(await tailward(null, ["lock", "status", "--json=2"]), /version 2/);
    expectRefusal(await tailward(null, ["lock", "status", "--json=x"]), /--json takes a version/, 2);
    expectRefusal(await tailward(null, ["lock", "status", "more"]), /too many arguments/);
    expectRefusal(await tailward(null, ["lock", "frobnicate"]), /there is no `tailward lock frobnicate`/);
    expectRefusal(
      await tailward(null, ["lock", "status"]),
      /no agent is running .*tailward --state-dir \S+ agent --url/,
    );
  });

  test("an agent of a node that knows where it belongs is started without saying so again", async () => {
    const directory = join(testFolder(), "of it's");
    mkdirSync(directory);
    writeFileSync(join(directory, "node.json"), "{}");
    expectRefusal(await tailward(directory, ["lock", "status"]), /start it with: tailward --state-dir '.*' agent\n$/);
  });
});

describe("`status`", () => {
  test("shows the node, its tailnet, and who is locked out", async () => {
    const { run, control, agent } = await lockedSeat();
    control.add(mapNode(1, "mallory", nodeKey("mallory")));
    await eventually(() => expect(agent.view.peers.filtered).toHaveLength(1));
    const { out } = await run("status");
    expect(out).toMatch(/^node +self\.example\.$/m);
    expect(out).toMatch(/^tailnet lock +on, this node is signed$/m);
    expect(out).toMatch(/^mallory\.example\. +100\.64\.0\.1 +nodekey:\w+ +LOCKED OUT: its node key is not signed$/m);
  });

  test("of a node that must be let in says where, here and in `lock status`", async () => {
    const control = new FakeControl();
    const url = "https://control.example/a/1";
    control.tamper = { register: () => ({ AuthURL: `${url}\u001b[2J` }) };
    const one = startAgent(control, { authKey: null });
    const server = await serveLocally(await reserveSocket(one.directory), new LocalRoutes(one.agent));
    onTestFinished(() => server.close());
    await eventually(() => expect(one.agent.status().node.approvalUrl).not.toBe(""));
    const { out } = await tailward(one.directory, ["status"]);
    expect(out).toMatch(/^node +\(not joined yet\)$/m);
    expect(out).toMatch(/^to let this node in +an admin approves it at https:\/\/control\.example\/a\/1/m);
    expect((await tailward(one.directory, ["lock"])).out).toContain(`An admin must let this node in first: ${url}`);
    expect(out).not.toContain("\u001b");
  });

  test("and `lock status` of a node that has lost its control plane say so", async () => {
    const control = new FakeControl();
    control.lock(...chain("G").aums("G"));
    const first = startAgent(control);
    await eventually(() => expect(first.agent.lockStatus().Enabled).toBe(true));
    first.stop();
    await first.running;
    control.failures.set("map", Array<Error>(20).fill(new ControlUnreachable("down")));
    const one = startAgent(control, { directory: first.directory, authKey: null });
    const server = await serveLocally(await reserveSocket(one.directory), new LocalRoutes(one.agent));
    onTestFinished(() => server.close());
    await eventually(() => expect(one.lines.join("\n")).toContain("not connected: down"));
    const run = (...args: readonly string[]): Promise<Ran> => tailward(one.directory, args);
    expect((await run("status")).out).toMatch(/^control plane +\S+ \(not connected\)$/m);
    expect((await run("lock")).out).toMatch(
      /^This node is not connected to its control plane: .*\n\nTailnet lock is ENABLED/,
    );
    expect((await run("lock", "log")).code).toBe(0);
  });

  test("says until when the node key is good, and whether an admin must approve the node", async () => {
    const { run, control, store, agent } = await seat();
    expect((await run("status")).out).not.toMatch(/until|device approval/);
    const self = { ...mapNode(9, "self", store.nodeKey), KeyExpiry: "2099-01-02T03:04:05Z", MachineAuthorized: false };
    control.add(self);
    await eventually(() => expect(agent.status().node.authorized).toBe(false));
    const { out } = await run("status");
    expect(out).toMatch(/^node key +nodekey:\w+ \(until 2099-01-02\)$/m);
    expect(out).toMatch(/^device approval +an admin must approve this node/m);
  });

  test("says when there are no peers", async () => {
    const { run } = await seat();
    expect((await run("status")).out).toContain("\nNo peers.\n");
  });
});
