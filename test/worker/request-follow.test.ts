/** One request, from the answer that names it to the webhook that tells of it: its ID is on everything that is done for it [O54][W16]. */

import { env, exports } from "cloudflare:workers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { LEVELS } from "../../src/durable/log.ts";
import { eventually } from "../support/eventually.ts";
import { admin, authorityOf, makeTailnet, sql } from "../support/workerd/control.ts";
import { forThisTest } from "../support/workerd/for-this-test.ts";
import { d1 } from "../support/workerd/record.ts";
import { ORIGIN } from "../support/workerd/signed-request.ts";
import type { Fields } from "../support/workerd/test-node.ts";
import { calm, history, makeHook, messagesIn, on } from "../support/workerd/webhooks.ts";

let lines: Fields[] = [];

beforeEach(() => {
  lines = [];
  forThisTest(env, { LOG_LEVEL: "debug" });
  for (const level of LEVELS)
    vi.spyOn(console, level).mockImplementation((line: unknown) => {
      lines.push(JSON.parse(String(line)) as Fields);
    });
});

afterEach(() => {
  vi.restoreAllMocks();
});

function ask(method: string, path: string, body?: unknown): Promise<Response> {
  const headers = { authorization: `Bearer ${env.OWNER_TOKEN}`, "content-type": "application/json" };
  const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
  return exports.default.fetch(new Request(`${ORIGIN}${path}`, init));
}

/** The lines with that message, under that request. */
function linesOf(request: string, message: string): Fields[] {
  return lines.filter((line) => line["request"] === request && line["message"] === message);
}

test("a request is followed from its answer to the endpoint that is told of it", async () => {
  const tailnet = await makeTailnet();
  const hook = await makeHook(tailnet, ["categoryAudit"]);
  const response = await ask("PATCH", `/api/v2/tailnet/${tailnet}/settings`, { devicesKeyDurationDays: 12 });
  const request = response.headers.get("x-request-id") ?? "";
  expect([response.status, request]).toEqual([200, expect.stringMatching(/^[0-9a-f]{32}$/)]);

  // The Worker, the object, and the event.
  await hook.receiver.count(1);
  expect(linesOf(request, "request")).toMatchObject([{ method: "PATCH", status: 200, tailnet }]);
  expect(linesOf(request, "the log has grown")).toMatchObject([{ tailnet, from: 3, to: 3 }]);
  const page = await authorityOf(tailnet).recordPage("events", 2, 1);
  expect(page.ok && page.value.rows).toMatchObject([{ seq: 3, kind: "tailnet.settings", group: request }]);

  // D1, asked by the request alone.
  const path = `/api/v2/tailnet/${tailnet}/logging/configuration?request=${request}`;
  await eventually(async () => {
    const { json } = await admin("GET", path);
    expect(json["logs"]).toMatchObject([{ kind: "tailnet.settings", sequence: 3, eventGroupID: request }]);
  });
  const plan = await d1(
    `EXPLAIN QUERY PLAN SELECT seq FROM events INDEXED BY events_group WHERE tailnet_id = ? AND event_group = ?`,
    tailnet,
    request,
  );
  expect(JSON.stringify(plan)).toContain("USING COVERING INDEX events_group");

  // The endpoint: what it is sent, the line of the attempt, and the history.
  const [received] = await hook.receiver.received();
  expect(received?.headers["tailward-request-id"]).toBe(request);
  expect(messagesIn(received === undefined ? [] : [received])).toMatchObject([{ requestId: request, sequence: 3 }]);
  expect(await history(hook)).toMatchObject([{ state: "delivered", request }]);
  expect(linesOf(request, "an endpoint was told")).toMatchObject([{ webhook: hook.id, attempt: 1 }]);
  const { json } = await admin("GET", on(hook, "/deliveries"));
  expect(json["deliveries"]).toMatchObject([{ requestId: request }]);
  await calm(tailnet);
});

test("what fails in the object is logged there under the request that asks, a look too", async () => {
  const tailnet = await makeTailnet();
  await sql(tailnet, "ALTER TABLE webhooks RENAME TO hidden");
  const looked = await ask("GET", `/api/v2/tailnet/${tailnet}/webhooks`);
  const acted = await ask("PATCH", `/api/v2/tailnet/${tailnet}/settings`, { devicesKeyDurationDays: 12 });
  await sql(tailnet, "ALTER TABLE hidden RENAME TO webhooks");
  for (const response of [looked, acted]) {
    const request = response.headers.get("x-request-id") ?? "";
    const { message } = await response.json<{ readonly message: string }>();
    const [line, ...others] = linesOf(request, "unexpected failure");
    expect([response.status, others]).toEqual([500, []]);
    expect(message).toContain(`fault ${String(line?.["fault"])}`);
  }
});

test("what a queue carries, and does not get rid of, is logged under the request that it is of", async () => {
  const tailnet = await makeTailnet();
  await env.RECORD.exec(
    `CREATE TRIGGER followed BEFORE INSERT ON events WHEN NEW.tailnet_id = '${tailnet}' BEGIN SELECT RAISE(FAIL, 'not this one'); END`,
  );
  try {
    const response = await ask("PATCH", `/api/v2/tailnet/${tailnet}/settings`, { devicesKeyDurationDays: 12 });
    const request = response.headers.get("x-request-id") ?? "";
    await eventually(() => {
      const told = lines.filter(
        ({ message, tailnet: of }) => message === "messages were not handled; they come again" && of === tailnet,
      );
      expect(told.flatMap(({ requests }) => requests)).toContain(request);
    });
  } finally {
    await env.RECORD.exec("DROP TRIGGER followed");
  }
});
