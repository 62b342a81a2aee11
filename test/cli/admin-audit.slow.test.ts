/** `tailward admin audit` over a real control plane on this machine: search, export and its check, the head, and a collector of this machine's own. */

import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { AdminStage } from "./admin-stage.ts";

const stage = new AdminStage();
const received: { readonly headers: IncomingHttpHeaders; readonly body: string }[] = [];
let collector: Server;

function audit(...args: readonly string[]): Promise<string> {
  return stage.printed("audit", ...args);
}

beforeAll(async () => {
  await stage.open({ WEBHOOKS_ALLOW_LOOPBACK: "true" });
  collector = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      received.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
      response.end("taken");
    });
  });
  await new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", resolve));
  await stage.printed("tailnet", "create", "audit.test");
  for (const days of [9, 10, 11]) await stage.printed("settings", "set", `devicesKeyDurationDays=${days}`);
});

afterAll(async () => {
  collector.close();
  await stage.close();
});

test("the log is searched, the newest first", async () => {
  const found = await eventually(async () => {
    const lines = (await audit("list", "--event", "tailnet.settings")).trimEnd().split("\n");
    expect(lines).toHaveLength(3);
    return lines;
  }, 100);
  expect(found[0]).toMatch(/^#4 +\S+Z +tailnet\.settings +Operator +audit\.test$/);
  expect(await audit("list", "--limit", "1", "--oldest")).toMatch(/^#1 .*tailnet\.created.*\nmore: --cursor \S+\n$/);
  expect(await audit("list", "--actor", "nobody@example.com")).toBe("No events\n");
  expect(await audit("list", "--target", "audit.test", "--start", "2020-01-01", "--end", "2020-01-02")).toBe(
    "No events\n",
  );
  expect((await stage.admin("audit", "list", "--start", "yesterday")).code).toBe(2);
  const { logs } = JSON.parse(await audit("list", "--limit", "1", "--json")) as { logs: { eventGroupID: string }[] };
  expect(await audit("list", "--request", logs[0]?.eventGroupID ?? "")).toMatch(/^#4 .*tailnet\.settings.*\n$/);
  expect(await audit("list", "--request", "0".repeat(32))).toBe("No events\n");
});

test("the log is exported, and checked with a head that was kept; one that was edited is found out", async () => {
  const kept = (await audit("head")).trim();
  const file = join(stage.root, "log.ndjson");
  expect(await audit("export", "--output", file)).toMatch(/^Exported up to event \d+\. Keep this head apart/);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const verify = (...args: readonly string[]) => stage.run({}, ["audit", "verify", ...args]);
  expect(await verify(file, "--head", kept)).toMatchObject({
    code: 0,
    out: expect.stringContaining(`head: ${kept}`) as string,
  });
  expect(await audit("export")).toBe(readFileSync(file, "utf8"));
  const found = await eventually(async () => {
    const { logs } = JSON.parse(await audit("list", "--oldest", "--json")) as { logs: unknown[] };
    expect(logs).toHaveLength(4);
    return logs;
  }, 100);
  expect(found.map((one) => `${JSON.stringify(one)}\n`).join("")).toBe(readFileSync(file, "utf8"));
  const text = readFileSync(file, "utf8");
  writeFileSync(file, text.replace('"devicesKeyDurationDays":10', '"devicesKeyDurationDays":100'));
  expect(await verify(file, "--head", kept)).toMatchObject({ code: 1 });
  writeFileSync(file, text.split("\n").slice(0, -2).join("\n"));
  expect(await verify(file, "--head", kept)).toMatchObject({ code: 1, out: expect.stringContaining("cut:") as string });
});

test("the log is streamed, and what the collector has is checked", async () => {
  const token = join(stage.root, "token");
  writeFileSync(token, "token-of-the-collector\n");
  const url = `http://127.0.0.1:${(collector.address() as AddressInfo).port}/log`;
  expect((await stage.admin("audit", "stream", "set", url, "--to", "ndjson", "--collector-token", "secret")).code).toBe(
    2,
  );
  const set = await audit("stream", "set", url, "--to", "ndjson", "--collector-token", `file:${token}`);
  expect(set).toMatch(/hasToken +true/);
  await stage.printed("settings", "set", "devicesKeyDurationDays=12");
  await eventually(async () => expect(await audit("stream", "status")).toMatch(/waiting +0\n/), 100);
  expect(received[0]?.headers["authorization"]).toBe("Bearer token-of-the-collector");
  const file = join(stage.root, "collected.ndjson");
  writeFileSync(file, received.map(({ body }) => body).join(""));
  const kept = (await audit("head")).trim();
  expect(await stage.run({}, ["audit", "verify", file, "--head", kept])).toMatchObject({ code: 0 });
  expect(await audit("stream", "show")).toContain(url);
  expect(await audit("stream", "remove")).toBe("The log is streamed no more\n");
  expect((await stage.admin("audit", "stream", "show")).code).toBe(1);
});
