/** `lock disable` and `lock local-disable`: the secret is judged here, spent once, and written nowhere; what is ignored stays ignored. */

import { readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ControlUnreachable } from "../../src/node/errors.ts";
import { encodeHex, makeGenesis } from "../../src/tka/index.ts";
import { mapNode } from "../node/support/fake-control.ts";
import { seen, startAgent } from "../node/support/test-agent.ts";
import { lockKey, nodeKey, stateOf } from "../support/chains-keys.ts";
import { eventually } from "../support/eventually.ts";
import { expectRefusal, seat, tailward, type Seat } from "./support.ts";

const SILENCE = { code: 0, out: "", err: "" };

/** A lock, and one of its secrets in hex as it was printed. */
async function withSecret(): Promise<Seat & { readonly secret: string }> {
  const one = await seat();
  const { out } = await one.run("lock", "init", "--confirm", one.ownKey);
  const secret = /disablement-secret:([0-9A-F]{64})/.exec(out)?.[1] ?? "";
  await eventually(() => expect(one.agent.lockStatus().NodeKeySigned).toBe(true));
  return { ...one, secret };
}

/** All that stands in the files of a folder. */
function filesOf(folder: string): string {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
    .map((path) => readFileSync(path, "latin1"))
    .join("\n");
}

describe("lock disable", () => {
  test("turns the lock off, says nothing, and the next command knows", async () => {
    const one = await withSecret();
    expect(await one.run("lock", "disable", `disablement-secret:${one.secret}`)).toEqual(SILENCE);
    expect((await one.run("lock")).out).toMatch(/^Tailnet lock is NOT enabled/);
    expect(one.control.authority).toBeNull();
  });

  test.each<[string, (one: Seat & { readonly secret: string }) => string]>([
    ["in lower case, with a comma", ({ secret }) => `disablement-secret:${secret.toLowerCase()},`],
    ["as hex alone", ({ secret }) => secret],
    [
      "in a file",
      ({ secret, directory }) => {
        writeFileSync(join(directory, "secret"), `disablement-secret:${secret}\n`);
        return `file:${join(directory, "secret")}`;
      },
    ],
  ])("takes the secret %s", async (_what, argument) => {
    const one = await withSecret();
    expect(await one.run("lock", "disable", argument(one))).toEqual(SILENCE);
    expect(one.agent.lock.authority).toBeNull();
  });

  test("writes the secret into no log and no file", async () => {
    const one = await withSecret();
    await one.run("lock", "disable", one.secret);
    const written = `${one.lines.join("\n")}\n${filesOf(one.directory)}`.toLowerCase();
    expect(written).toContain("disabled with a valid disablement secret");
    expect(written).not.toContain(one.secret.toLowerCase());
  });

  test("sends no secret that is not this lock's, and repeats it nowhere", async () => {
    const one = await withSecret();
    const wrong = "ab".repeat(32);
    const ran = await one.run("lock", "disable", `disablement-secret:${wrong}`);
    expectRefusal(ran, /incorrect disablement secret/);
    expect(ran.err).not.toContain(wrong);
    expect(one.control.asked.map(({ what }) => what)).not.toContain("disable");
    expect(one.agent.lockStatus().Enabled).toBe(true);
  });

  test("is sent again where the answer is lost", async () => {
    const one = await withSecret();
    one.control.failures.set("disable", [new ControlUnreachable("lost")]);
    expect(await one.run("lock", "disable", one.secret)).toEqual(SILENCE);
  });

  test.each<[string[], RegExp]>([
    [[], /usage: tailward lock disable/],
    [["00", "01"], /usage: tailward lock disable/],
    [["disablement-secret:"], /usage: tailward lock disable/],
    [["disablement-secret:xyz"], /argument 1 is not hex/],
    [["abc"], /argument 1 is not hex/],
    [["disablement:00"], /this is a disablement value/],
    [["00"], /no agent is running/],
  ])("%j is refused, and not repeated", async (args, line) => {
    const ran = await tailward(null, ["lock", "disable", ...args]);
    expectRefusal(ran, line);
    expect(ran.err).not.toContain("xyz");
  });

  test("without a lock is refused", async () => {
    expectRefusal(await (await seat()).run("lock", "disable", "00"), /not enabled/);
  });
});

describe("lock local-disable", () => {
  test("turns the lock off here alone: peers that are not signed come in, and the lock is passed over from then on", async () => {
    const one = await withSecret();
    one.control.add(mapNode(1, "stranger", nodeKey("stranger")));
    await eventually(() => expect(one.agent.view.peers.filtered).toHaveLength(1));
    expect(await one.run("lock", "local-disable")).toEqual(SILENCE);
    expect(seen(one)).toEqual(["stranger"]);
    const { out } = await one.run("lock");
    expect(out).toMatch(/^Tailnet lock is NOT enabled on this node, which was told to ignore it/);
    expect((await one.run("status")).out).toMatch(/tailnet lock +on, and ignored by this node/);
    expectRefusal(await one.run("lock", "log"), /not enabled/);
    expectRefusal(await one.run("lock", "local-disable"), /not enabled on this node; see `tailward lock status`/);
    expect(JSON.parse((await one.run("lock", "status", "--json")).out)).toMatchObject({ Enabled: false });
    expect(one.control.authority).not.toBeNull();
  });

  test("also through changes of that lock, and after a restart; its polls say that it has none", async () => {
    const one = await withSecret();
    await one.run("lock", "local-disable");
    one.control.add(mapNode(1, "p", nodeKey("p")));
    await eventually(() => expect(seen(one)).toEqual(["p"]));
    expect(one.control.asked.filter(({ what }) => what === "map").at(-1)?.body["TKAHead"]).toBe("");
    one.stop();
    await one.running;
    const again = startAgent(one.control, { directory: one.directory, authKey: null });
    await eventually(() => expect(seen(again)).toEqual(["p"]));
    expect(again.agent.lock.authority).toBeNull();
    expect(again.agent.status().node.lockIgnored).toBe(true);
    expect(again.lines.filter((line) => line.includes("passed over"))).toHaveLength(1);
    expect(again.lines.join("\n")).not.toContain("sync failed");
  });

  test("ends with that lock: the next one, by other state IDs, is followed", async () => {
    const one = await withSecret();
    await one.run("lock", "local-disable");
    one.control.unlock(Buffer.from(one.secret, "hex"));
    await eventually(() => expect(one.agent.status().node.lockIgnored).toBe(false));
    one.control.lock(makeGenesis(stateOf({ alice: 1 }), lockKey("alice")));
    await eventually(() => expect(one.agent.lockStatus().Enabled).toBe(true));
    expect(encodeHex(one.agent.lock.require().state.keys?.[0]?.publicKey ?? new Uint8Array(0))).toBe(
      encodeHex(lockKey("alice").publicKey),
    );
  });
});
