/** `tailward admin webhook`, and the receiver of examples/audit-consumer: a program of its own, told by a real control plane, on this machine. */

import { spawn, type ChildProcess } from "node:child_process";
import { createHmac } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free-port.ts";
import { AdminStage } from "./admin-stage.ts";

const CONSUMER = new URL("../../examples/audit-consumer/audit-consumer.mjs", import.meta.url).pathname;
const stage = new AdminStage();
const running = new Set<ChildProcess>();

/** The receiver as an operator runs it. */
class Consumer {
  readonly url: string;
  readonly heads: string;
  readonly #child: ChildProcess;
  said = "";

  constructor(port: number, secret: string, heads: string) {
    this.url = `http://127.0.0.1:${port}/`;
    this.heads = heads;
    const env = { PATH: process.env["PATH"], WEBHOOK_SECRET: secret, HEADS: heads, PORT: String(port) };
    this.#child = spawn(process.execPath, [CONSUMER], { env, stdio: ["ignore", "pipe", "pipe"] });
    running.add(this.#child);
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on("data", (chunk: Buffer) => (this.said += chunk.toString()));
  }

  says(text: string): Promise<void> {
    return eventually(() => expect(this.said).toContain(text), 50);
  }

  /** Sends it a body with a signature that is as old as that. */
  async post(secret: string, body: string, ageSeconds = 0): Promise<number> {
    const t = Math.floor(Date.now() / 1000) - ageSeconds;
    const v1 = createHmac("sha256", secret).update(`${t}.${body}`).digest("hex");
    const headers = { "tailscale-webhook-signature": `t=${t},v1=${v1}` };
    return (await fetch(this.url, { method: "POST", headers, body })).status;
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill();
    await ended;
  }
}

beforeAll(async () => {
  await stage.open({ WEBHOOKS_ALLOW_LOOPBACK: "true" });
  await stage.control.createTailnet("hooks.example");
});

afterAll(async () => {
  for (const child of running) child.kill();
  await stage.close();
});

describe("a receiver", () => {
  let consumer: Consumer;
  let [id, secret] = ["", ""];

  test("is made by a command, and hears of every event, each linked to the one before", async () => {
    const port = await freePort();
    const made = await stage.printed(
      "webhook",
      "create",
      `http://127.0.0.1:${port}/`,
      "--subscriptions",
      "categoryAudit",
    );
    [id = "", secret = ""] = made.split("\n");
    consumer = new Consumer(port, secret, join(stage.root, "heads.txt"));
    await consumer.says("listening");
    await stage.printed("webhook", "test", id);
    await stage.printed("key", "create", "--description", "for the receiver");
    await consumer.says("authkey.created");
    await consumer.says("test: This is a test of a webhook");
    expect(await stage.printed("webhook", "list")).toMatch(/ ok\s*$/);
    const all = await eventually(async () => {
      const listed = await stage.printed("webhook", "deliveries", id);
      expect(listed.match(/ delivered/g)).toHaveLength(3);
      return listed;
    });
    expect(all).toMatch(/^d\w{10} .* test +#\d+ +delivered/m);
    expect(consumer.said).not.toContain("CHANGED");
  });

  test("goes on through a new secret: both sign for a day", async () => {
    const [, next = ""] = (await stage.printed("webhook", "rotate", id)).split("\n");
    expect(next).not.toBe(secret);
    await consumer.says("This webhook was changed");
    await consumer.stop();
    consumer = new Consumer(Number(new URL(consumer.url).port), next, consumer.heads);
    await consumer.says("listening");
    await stage.printed("key", "create", "--description", "after the rotation");
    await consumer.says("authkey.created");
    secret = next;
  });

  test("keeps heads that an exported log is held against", async () => {
    const heads = readFileSync(consumer.heads, "utf8").trim().split("\n");
    expect(heads.length).toBeGreaterThan(4);
    for (const head of heads) expect(head).toMatch(/^e\w{10}:\d+:[0-9a-f]{64}$/);
    expect(new Set(heads.map((head) => head.replace(/:[0-9a-f]+$/, ""))).size).toBe(heads.length);
    const log = join(stage.root, "log.ndjson");
    writeFileSync(log, await stage.control.text("GET", "/api/v2/tailnet/-/logging/configuration/export"));
    const verify = ["audit", "verify", log, "--head", `file:${consumer.heads}`];
    expect(await stage.run({}, verify)).toMatchObject({
      code: 0,
      out: expect.stringContaining("as it was written") as string,
    });
    const lines = readFileSync(log, "utf8").trim().split("\n");
    writeFileSync(log, `${lines.slice(0, -2).join("\n")}\n`);
    expect(await stage.run({}, verify)).toMatchObject({ code: 1, out: expect.stringContaining("cut") as string });
  });

  test("says so where the log is another than it was", async () => {
    await consumer.stop();
    const heads = readFileSync(consumer.heads, "utf8").trim().split("\n");
    const last = heads.at(-1) ?? "";
    writeFileSync(
      consumer.heads,
      [...heads.slice(0, -1), last.replace(/[0-9a-f]{64}$/, "0".repeat(64)), ""].join("\n"),
    );
    consumer = new Consumer(Number(new URL(consumer.url).port), secret, consumer.heads);
    await consumer.says("listening");
    const newest = /^(d\w{10}) /m.exec(await stage.printed("webhook", "deliveries", id))?.[1] ?? "";
    await stage.printed("webhook", "replay", id, newest);
    await consumer.says("THE LOG WAS CHANGED");
  });

  test("takes nothing that is not signed, or was signed long ago", async () => {
    expect(await consumer.post(`${secret}x`, "[]")).toBe(401);
    expect(await consumer.post(secret, "[]", 301)).toBe(401);
    expect(await consumer.post(secret, "[]")).toBe(204);
    expect((await fetch(consumer.url, { method: "POST", body: "[]" })).status).toBe(401);
    expect((await fetch(consumer.url)).status).toBe(405);
  });

  test("says so where an event is not what its hash is of", async () => {
    const record = { epoch: "e1", sequence: 7, actor: {}, target: {}, old: null, new: null, hash: "ab".repeat(32) };
    const event = { type: "auditEvent", epoch: "e1", sequence: 7, hash: record.hash, previousHash: "", record };
    expect(await consumer.post(secret, JSON.stringify([event]))).toBe(204);
    await consumer.says("e1:7: its hash is not that of what it says");
  });

  test("is told of its end", async () => {
    await stage.printed("webhook", "remove", id);
    await consumer.says("This webhook was deleted");
    expect(await stage.printed("webhook", "list")).toContain("No webhooks");
  });
});

test("what cannot be subscribed to is refused with what can be, and an address that is not public with why", async () => {
  const wrong = await stage.admin("webhook", "create", "https://example.com/", "--subscriptions", "nodeExploded");
  expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining("categoryTailnetLock")]);
  const closed = await stage.admin("webhook", "create", "https://10.0.0.1/", "--subscriptions", "nodeCreated");
  expect([closed.code, closed.err]).toEqual([1, expect.stringContaining("not an address of the public internet")]);
});
