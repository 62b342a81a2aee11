/** `lock init`: order of questions, copied lines, refusals, and that the secrets come before the lock [T1]. */

import { describe, expect, test, vi } from "vitest";
import { nodeKdf } from "../../src/node/index.ts";
import { formatLockKey, decodeHex, validDisablement } from "../../src/tka/index.ts";
import { idOf, nodeKey } from "../support/chains-keys.ts";
import { mapNode, refused } from "../node/support/fake-control.ts";
import { eventually } from "../support/eventually.ts";
import { expectRefusal, lockedSeat, seat, tailward } from "./support.ts";

const bob = formatLockKey(idOf("bob"));
const SECRET_LINE = /^\tdisablement-secret:([0-9A-F]{64})$/gm;

function secretsIn(out: string): string[] {
  return [...out.matchAll(SECRET_LINE)].map(([, hex = ""]) => hex);
}

describe("without --confirm", () => {
  test("lists the keys, and prints the command to run, byte for byte as Tailscale's", async () => {
    const { run, ownKey, control } = await seat();
    const { out, code } = await run("lock", "init", "--gen-disablements", "3", ownKey, bob);
    expect(code).toBe(0);
    expect(out).toContain(`\n - ${ownKey} (25519 key)\n - ${bob} (25519 key)\n\n`);
    expect(out).toContain(`\n\ttailward lock init --confirm --gen-disablements 3 ${ownKey} ${bob}\n`);
    expect(out).toMatch(/\n$/);
    expect(control.asked.map(({ what }) => what)).not.toContain("initBegin");
  });

  test("repeats the flag for support, and the arguments as a shell reads them back", async () => {
    const { run, ownKey } = await seat();
    const { out } = await run("lock", "init", "-gen-disablement-for-support", `${ownKey}?2,`, bob);
    expect(out).toContain(
      `\ttailward lock init --confirm --gen-disablements 1 --gen-disablement-for-support '${ownKey}?2,' ${bob}\n`,
    );
    expect(out).toContain(` - ${ownKey} (25519 key, 2 votes)\n`);
  });

  test("refuses what no lock takes before anybody is asked", async () => {
    const { run, ownKey, control } = await seat();
    expectRefusal(await run("lock", "init", ownKey, `${bob}?0`), /has 1 to 4096 votes/);
    expectRefusal(await run("lock", "init", ownKey, `${bob}?4097`), /has 1 to 4096 votes/);
    expectRefusal(await run("lock", "init", "--confirm", ownKey, bob, bob), /stands there twice/);
    expect(control.asked.map(({ what }) => what)).not.toContain("initBegin");
  });

  test("advises a second signing node where there is one key", async () => {
    const { run, ownKey } = await seat();
    expect((await run("lock", "init", ownKey)).out).toContain("Two at least are advised");
    expect((await run("lock", "init", ownKey, bob)).out).not.toContain("advised");
  });
});

describe("with --confirm", () => {
  test("prints ten secrets, each of which turns the lock off", async () => {
    const one = await seat();
    const { out, code } = await one.run("lock", "init", "--confirm", "--gen-disablements=10", one.ownKey, `${bob}?2`);
    expect(code).toBe(0);
    const secrets = secretsIn(out);
    expect(new Set(secrets).size).toBe(10);
    await eventually(() => expect(one.agent.lockStatus().NodeKeySigned).toBe(true));
    const { state } = one.agent.lock.require();
    expect(state.disablementValues).toHaveLength(10);
    expect(state.keys?.map(({ votes }) => votes)).toEqual([1n, 2n]);
    for (const secret of secrets.slice(0, 2))
      expect(validDisablement(state, decodeHex(secret) ?? new Uint8Array(0), nodeKdf)).toBe(true);
  });

  test("has printed the secrets before the lock is on [T1]", async () => {
    const { directory, control, ownKey } = await seat();
    const finish = vi.spyOn(control, "initFinish");
    let finishedBefore = -1;
    await tailward(directory, ["lock", "init", "--confirm", ownKey], {
      onOut: (text) => {
        if (text.includes("disablement-secret:")) finishedBefore = finish.mock.calls.length;
      },
    });
    expect(finishedBefore).toBe(0);
    expect(finish).toHaveBeenCalledTimes(1);
  });

  test("has printed the nodes to be signed, and their rotation keys, before the secrets and the lock [T1]", async () => {
    const { directory, agent, store, control, ownKey } = await seat();
    control.add(mapNode(1, "a\u001b[2J", nodeKey("a")));
    await eventually(() => expect(agent.names().size).toBe(2));
    const finish = vi.spyOn(control, "initFinish");
    let finishedBefore = -1;
    const { out } = await tailward(directory, ["lock", "init", "--confirm", ownKey], {
      onOut: (text) => {
        if (text.includes(nodeKey("a"))) finishedBefore = finish.mock.calls.length;
      },
    });
    expect(finishedBefore).toBe(0);
    expect(out).toContain(` - self.example.\t${store.nodeKey}\t${ownKey}\n`);
    expect(out).toMatch(new RegExp(` - a.*\t${nodeKey("a")}\t\\(no rotation key\\)\n`));
    expect(out).not.toContain("\u001b");
    expect(out.indexOf(nodeKey("a"))).toBeLessThan(out.indexOf("disablement-secret:"));
  });

  test("prints no secret where a node is to be signed that is none of our peers", async () => {
    const { run, ownKey, control } = await seat();
    const stranger = { NodeID: 77, NodePublic: nodeKey("stranger"), RotationPubkey: new Uint8Array(0) };
    control.tamper = { begin: () => ({ NeedSignatures: [stranger] }) };
    const { out, err, code } = await run("lock", "init", "--confirm", ownKey);
    expect(secretsIn(out)).toEqual([]);
    expect(err).toMatch(new RegExp(`^tailward: .*${nodeKey("stranger")}, which is none of this node's peers; .+\n$`));
    expect(code).toBe(1);
  });

  test("prints no secret where the control plane refuses to begin", async () => {
    const { run, ownKey, control } = await seat();
    control.failures.set("initBegin", [refused("lock_enabled", "another was quicker")]);
    const { out, err, code } = await run("lock", "init", "--confirm", ownKey);
    expect(secretsIn(out)).toEqual([]);
    expect(err).toContain("another was quicker");
    expect(code).toBe(1);
  });

  test("where finish is refused, says that the secrets are worth nothing", async () => {
    const { run, ownKey, control } = await seat();
    control.failures.set("initFinish", [refused("missing_signature", "one is missing")]);
    const { out, err, code } = await run("lock", "init", "--confirm", ownKey);
    expect(secretsIn(out)).toHaveLength(1);
    expect(err).toMatch(/^tailward: the lock was not turned on: one is missing; throw the secrets above away.*\n$/);
    expect(code).toBe(1);
  });

  test("where finish is not answered, says how to find out", async () => {
    const { run, ownKey, control } = await seat();
    const { ControlUnreachable } = await import("../../src/node/errors.ts");
    control.failures.set(
      "initFinish",
      [1, 2, 3].map(() => new ControlUnreachable("no answer")),
    );
    const { err, code } = await run("lock", "init", "--confirm", ownKey);
    expect(err).toMatch(
      /^tailward: the lock may not have been turned on: no answer; KEEP the secrets above.*`tailward lock status` tells.*\n$/,
    );
    expect(code).toBe(1);
  });

  test("derives the value of a secret that is given: no secret is written into the chain", async () => {
    const one = await seat();
    const secret = "ab".repeat(32);
    await one.run("lock", "init", "--confirm", "--gen-disablements=0", one.ownKey, `disablement-secret:${secret}`);
    await eventually(() => expect(one.agent.lockStatus().Enabled).toBe(true));
    expect(one.agent.lock.require().state.disablementValues).toEqual([nodeKdf(decodeHex(secret) ?? new Uint8Array(0))]);
  });

  test("sends the secret for support, and prints it nowhere", async () => {
    const { run, ownKey, control } = await seat();
    const { out } = await run("lock", "init", "--confirm", "--gen-disablement-for-support", ownKey);
    const sent = control.asked.find(({ what }) => what === "initFinish")?.body["SupportDisablement"] as Uint8Array;
    expect(sent).toHaveLength(32);
    expect(secretsIn(out)).toHaveLength(1);
    expect(out.toLowerCase()).not.toContain(Buffer.from(sent).toString("hex"));
  });
});

describe("what is refused, in this order", () => {
  test("without an agent", async () => {
    expectRefusal(await tailward(null, ["lock", "init", "nonsense"]), /no agent is running/);
  });

  test("where the lock is on, whatever else is wrong", async () => {
    const { run } = await lockedSeat();
    expectRefusal(await run("lock", "init", "nonsense"), /already enabled/);
  });

  test.each([
    [["nonsense"], /argument 1 is not a key/],
    [["tlpub:00"], /argument 1 is not a key/],
    [[bob, `${bob}?x`], /argument 2: the votes/],
    [[`${bob}?-1`], /argument 1: the votes/],
    [["disablement:zz"], /argument 1 is not hex/],
    [["disablement:00"], /64 hex digits/],
    [[bob], /own tailnet lock key must be one of/],
    [[], /own tailnet lock key must be one of/],
  ])("%j", async (args, line) => {
    const { run } = await seat();
    expectRefusal(await run("lock", "init", "--confirm", ...args), line);
  });

  test.each([["0"], ["-1"], ["33"]])("--gen-disablements=%s", async (count) => {
    const { run, ownKey } = await seat();
    expectRefusal(await run("lock", "init", `--gen-disablements=${count}`, ownKey), /1 to 32 disablement secrets/);
  });

  test("a flag that is no number, or unknown", async () => {
    expectRefusal(await tailward(null, ["lock", "init", "--gen-disablements=x"]), /whole number/, 2);
    expectRefusal(await tailward(null, ["lock", "init", "--force"]), /unknown option/, 2);
    expectRefusal(await tailward(null, ["lock", "init", "--confirm=maybe"]), /true or false/, 2);
  });
});
