/** What an operator watches: the numbers of /metrics, who may read them, and counters. */

import { env, exports } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Queues, TailnetAuthority } from "../../../src/durable/index.ts";
import { count, partOf } from "../../../src/worker/counters.ts";
import { encodeHex } from "../../../src/tka/index.ts";
import { prometheusText } from "../../../src/worker/watch/prometheus.ts";
import { admin, join, makeTailnet, sql } from "../../support/workerd/control.ts";
import { forThisTest } from "../../support/workerd/for-this-test.ts";
import { lockedScene } from "../../support/workerd/locked.ts";
import { rebuild } from "../../support/workerd/record.ts";
import { ORIGIN, randomBytes } from "../../support/workerd/signed-request.ts";
import { TestNode } from "../../support/workerd/test-node.ts";

const TOKEN = "metrics-token-of-the-tests";

beforeEach(() => {
  forThisTest(env, { METRICS_TOKEN: TOKEN });
});

afterEach(() => {
  vi.restoreAllMocks();
});

async function metrics(token: string | null = TOKEN): Promise<{ status: number; text: string; type: string | null }> {
  const headers: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` };
  const response = await exports.default.fetch(new Request(`${ORIGIN}/metrics`, { headers }));
  return { status: response.status, text: await response.text(), type: response.headers.get("content-type") };
}

/** A name that is among the first of all: so many tailnets are asked, and the tests have more. */
function firstName(): string {
  return `0${encodeHex(randomBytes(8))}.test`;
}

/** The value of a sample; null where there is none. */
function valueOf(text: string, name: string, label = ""): number | null {
  const line = text.split("\n").find((each) => each.startsWith(name) && each.includes(label) && !each.startsWith("#"));
  return line === undefined ? null : Number(line.split(" ").at(-1));
}

describe("who may read them [O56]", () => {
  test.each([
    ["nobody", null],
    ["another token", `${TOKEN}x`],
    ["an empty token", ""],
  ])("%s: there is nothing there", async (_, token) => {
    const { status, text } = await metrics(token);
    expect([status, JSON.parse(text)]).toEqual([404, { code: "not_found", message: "there is nothing here" }]);
  });

  test("whoever has the token for them, with which nothing else can be done, and the operator", async () => {
    const { status, type } = await metrics();
    expect([status, type]).toEqual([200, "text/plain; version=0.0.4; charset=utf-8"]);
    expect((await metrics(env.OWNER_TOKEN)).status).toBe(200);
    expect((await admin("GET", "/api/v2/tailnets", null, TOKEN)).status).toBe(401);
    forThisTest(env, { METRICS_TOKEN: "" });
    expect((await metrics(TOKEN)).status).toBe(404);
  });
});

describe("the numbers", () => {
  test("are of every tailnet: nodes by what the lock means for them, and what is on its way", async () => {
    const before = (await metrics()).text;
    const { tailnet } = await lockedScene();
    await join(tailnet, new TestNode("stranger"));
    await rebuild(tailnet);
    const { text } = await metrics();
    const grown = (name: string, label = ""): number =>
      (valueOf(text, name, label) ?? 0) - (valueOf(before, name, label) ?? 0);
    // Other tests' tailnets may still be on their way into D1.
    expect(grown("tailward_tailnets ")).toBeGreaterThanOrEqual(1);
    expect(grown("tailward_tailnets_locked ")).toBeGreaterThanOrEqual(1);
    expect(grown("tailward_nodes{", 'state="signed"')).toBeGreaterThanOrEqual(3);
    expect(grown("tailward_nodes{", 'state="locked_out"')).toBeGreaterThanOrEqual(1);
    expect(grown("tailward_changes ")).toBeGreaterThan(5);
    expect(text).toMatch(/^# TYPE tailward_nodes gauge$/m);
    expect([valueOf(text, "tailward_up", 'part="objects"'), valueOf(text, "tailward_up", 'part="record"')]).toEqual([
      1, 1,
    ]);
  });

  test("show what does not arrive, and for how long", async () => {
    vi.spyOn(console, "warn").mockReturnValue();
    vi.spyOn(Queues.prototype, "send").mockRejectedValue(new Error("the queue is away"));
    const tailnet = await makeTailnet(firstName());
    await join(tailnet, new TestNode("alice"));
    const { text } = await metrics();
    expect(valueOf(text, "tailward_record_pending_events", tailnet)).toBeGreaterThan(1);
    expect(valueOf(text, "tailward_sessions_behind_changes", tailnet)).toBeGreaterThanOrEqual(0);
    expect(valueOf(text, "tailward_record_pending_oldest_seconds", tailnet)).toBeGreaterThanOrEqual(0);
  });

  test("show a collector of the log that takes nothing", async () => {
    const tailnet = await makeTailnet(firstName());
    await sql(
      tailnet,
      `INSERT INTO log_streams (id, destination, origin, address, user, compression, period, created, sent, failing, due)
       VALUES ('s', 'ndjson', 'https://logs.example.com', x'', '', 'none', 0, 1, 0, 1, 9000000000000)`,
    );
    const { text } = await metrics();
    expect(valueOf(text, "tailward_log_stream_failing", tailnet)).toBe(1);
    expect(valueOf(text, "tailward_webhooks_failing", tailnet)).toBe(0);
    expect(valueOf(text, "tailward_log_stream_behind_events", tailnet)).toBeGreaterThan(0);
  });

  test("of one part are there while the other is down; an object that does not answer is counted", async () => {
    const log = vi.spyOn(console, "error").mockReturnValue();
    await makeTailnet(firstName());
    vi.spyOn(env.RECORD, "batch").mockRejectedValue(new Error("D1 is away"));
    const { status, text } = await metrics();
    expect([status, valueOf(text, "tailward_up", 'part="record"')]).toEqual([200, 0]);
    expect(valueOf(text, "tailward_record_pending_events")).not.toBeNull();
    expect(log).toHaveBeenCalled();
    vi.spyOn(console, "warn").mockReturnValue();
    vi.spyOn(TailnetAuthority.prototype, "watched").mockRejectedValue(new Error("away"));
    expect(valueOf((await metrics()).text, "tailward_tailnets_unanswered")).toBeGreaterThan(0);
  });

  test("hold no text that could end a line", () => {
    const samples = [{ value: 1, labels: { name: 'a"b\\c\nd' } }];
    expect(prometheusText([{ name: "tailward_x", type: "gauge", help: "A test.", samples }])).toBe(
      '# HELP tailward_x A test.\n# TYPE tailward_x gauge\ntailward_x{name="a\\"b\\\\c\\nd"} 1\n',
    );
    expect(prometheusText([{ name: "tailward_x", type: "gauge", help: "A test.", samples: [] }])).toBe("");
  });
});

describe("counters", () => {
  test("are one point a request, by names that there are: nothing of a caller's making", async () => {
    const points: unknown[] = [];
    forThisTest(env, { COUNTERS: { writeDataPoint: (point) => void points.push(point) } });
    await admin("GET", "/api/v2/tailnets");
    await admin("GET", "/api/v2/tailnets", null, "wrong");
    await exports.default.fetch(new Request(`${ORIGIN}/${"x".repeat(500)}/${env.OWNER_TOKEN}`));
    const point = (what: string, part: string, status: number, code: string) => ({
      indexes: [what],
      blobs: ["GET", part, String(status), code],
      doubles: [1, expect.any(Number)],
    });
    expect(points).toEqual([
      point("api", "tailnets", 200, ""),
      point("api", "tailnets", 401, "unauthenticated"),
      point("page", "", 404, "not_found"),
    ]);
  });

  test("stop no request", () => {
    const COUNTERS = {
      writeDataPoint: () => {
        throw new Error("too many points");
      },
    };
    const counted = { what: "queue", by: "q", part: "", outcome: "taken", code: "", count: 1, ms: 1 } as const;
    count({ COUNTERS }, counted);
    count({}, counted);
    expect(partOf("/machine/tka/sign")).toEqual({ what: "node", part: "tka" });
    expect(partOf("/machine/nonsense")).toEqual({ what: "node", part: "" });
  });
});
