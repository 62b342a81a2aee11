/** Searches of the audit log by the admin API, its head and its export. */

import { env, exports } from "cloudflare:workers";
import { beforeAll, describe, expect, test } from "vitest";
import type { StoredEvent } from "../../../src/durable/index.ts";
import { AuditVerifier, parseAuditHead, type AuditRecord } from "../../../src/protocol/index.ts";
import { EVENTS, eventRow, upsert } from "../../../src/worker/record/tables.ts";
import { prepared } from "../../../src/worker/record/writes.ts";
import { admin, join, makeTailnet } from "../../support/workerd/control.ts";
import { settled } from "../../support/workerd/record.ts";
import { refused } from "../../support/workerd/refused.ts";
import { TestNode } from "../../support/workerd/test-node.ts";
import { ORIGIN } from "../../support/workerd/signed-request.ts";

const T0 = Date.UTC(2026, 0, 1);
const PEOPLE = ["alice", "bob"] as const;
const KINDS = ["node.signed", "policy.changed", "lock.enabled"] as const;

interface Page {
  readonly version: string;
  readonly tailnet: string;
  readonly logs: readonly AuditRecord[];
  readonly next?: string;
}

/** Sixty events, a second apart, but pairs of them at once. */
function made(tailnet: string): StoredEvent[] {
  return Array.from({ length: 60 }, (_, i) => {
    const [person, node] = [PEOPLE[i % 2] ?? "alice", i % 5];
    return {
      epoch: "e1",
      seq: i + 1,
      at: T0 + Math.floor(i / 2) * 1000,
      kind: KINDS[i % 3] ?? "node.signed",
      actor: JSON.stringify({ type: "USER", id: `u${person}`, name: person, login: `${person}@example.com` }),
      origin: "CONFIG_API",
      target: JSON.stringify({ type: "NODE", id: `n${node}${tailnet}`, name: `web-${node}`, property: "TKA" }),
      old: "null",
      new: JSON.stringify({ i }),
      group: "g",
      hash: new Uint8Array(32).fill(i + 1),
    } satisfies StoredEvent;
  });
}

let tailnet = "";
beforeAll(async () => {
  tailnet = await makeTailnet();
  await settled(tailnet);
  await env.RECORD.prepare("DELETE FROM events WHERE tailnet_id = ?").bind(tailnet).run();
  const rows = JSON.stringify(made(tailnet).map((event) => eventRow(tailnet, event)));
  await prepared(env.RECORD, upsert(EVENTS, rows)).run();
});

async function search(query: string): Promise<Page> {
  const { status, json } = await admin("GET", `/api/v2/tailnet/${tailnet}/logging/configuration?${query}`);
  expect([status, json]).toEqual([200, expect.anything()]);
  return json as unknown as Page;
}

async function seqs(query: string): Promise<number[]> {
  return (await search(query)).logs.map(({ sequence }) => sequence);
}

/** Numbers of the events of which that holds. */
function those(holds: (i: number) => boolean): number[] {
  return Array.from({ length: 60 }, (_, i) => i)
    .filter(holds)
    .map((i) => i + 1);
}

describe("a search", () => {
  test("answers as Tailscale's API does", async () => {
    const { version, tailnet: name, logs } = await search("limit=1");
    expect([version, name]).toEqual(["1.1", expect.stringMatching(/\.test$/)]);
    expect(logs[0]).toMatchObject({
      eventTime: "2026-01-01T00:00:00.000Z",
      type: "CONFIG",
      eventGroupID: "g",
      actor: { id: "ualice", type: "USER", loginName: "alice@example.com", displayName: "alice" },
      target: { name: "web-0", property: "TKA" },
      action: "UPDATE",
      new: { i: 0 },
    });
  });

  test("finds by time, from the start on and before the end", async () => {
    const time = (s: number): string => new Date(T0 + s * 1000).toISOString();
    expect(await seqs(`start=${time(10)}&end=${time(12)}`)).toEqual([21, 22, 23, 24]);
    expect(await seqs(`start=${time(29)}`)).toEqual([59, 60]);
    expect(await seqs("start=2026-01-01T01:00:10%2B01:00&limit=1")).toEqual([21]);
  });

  test("finds by actor, target and event, by their IDs and names", async () => {
    expect(await seqs("actor=ubob")).toEqual(those((i) => i % 2 === 1));
    for (const login of ["bob@example.com", "Bob@Example.com"])
      expect(await seqs(`actor=${login}`)).toEqual(those((i) => i % 2 === 1));
    expect(await seqs(`target=n3${tailnet}`)).toEqual(those((i) => i % 5 === 3));
    expect(await seqs("target=web-3")).toEqual(those((i) => i % 5 === 3));
    expect(await seqs("event=lock.enabled")).toEqual(those((i) => i % 3 === 2));
    expect(await seqs("event=NODE.ENABLE.TKA")).toEqual(those((i) => i % 3 === 2));
    expect(await seqs("event=NODE.ENABLE")).toEqual([]);
    expect(await seqs("actor=nobody")).toEqual([]);
  });

  test("asks all of what it is given, and of several values any", async () => {
    expect(await seqs("actor=ubob&event=lock.enabled&target=web-1")).toEqual(
      those((i) => i % 2 === 1 && i % 3 === 2 && i % 5 === 1),
    );
    expect(await seqs("event=lock.enabled&event=node.signed&actor=ualice")).toEqual(
      those((i) => i % 3 !== 1 && i % 2 === 0),
    );
    // Each event once, though both a name and an ID lead to it.
    expect(await seqs(`target=web-1&target=n1${tailnet}&target=web-4&order=desc`)).toEqual(
      those((i) => i % 5 === 1 || i % 5 === 4).reverse(),
    );
    expect(await seqs("actor=bob@example.com&actor=ubob&actor=ualice")).toEqual(those(() => true));
  });

  test.each(["", "order=desc&", "event=lock.enabled&", "target=web-1&target=web-2&order=desc&"])(
    "is paged, %s",
    async (query) => {
      const all = await seqs(query);
      const paged: number[] = [];
      for (let cursor = ""; ;) {
        const page = await search(`${query}limit=7${cursor}`);
        paged.push(...page.logs.map(({ sequence }) => sequence));
        if (page.next === undefined) break;
        cursor = `&cursor=${page.next}`;
      }
      expect(paged).toEqual(all);
    },
  );

  test.each([
    "start=yesterday",
    "limit=5001",
    "limit=-1",
    "cursor=nonsense",
    "order=up",
    "event[]=lock.enabled",
    `actor=${"a".repeat(257)}`,
    Array.from({ length: 6 }, () => "actor=a").join("&"),
  ])("is refused, %s", async (query) => {
    refused(await admin("GET", `/api/v2/tailnet/${tailnet}/logging/configuration?${query}`), "malformed_request");
  });

  test.each([
    ["lock.enable", "there are lock.enabled, "],
    ["lock", "there are lock.enabled, "],
    ["locks.enabled", "there are tailnet.…, policy.…, "],
  ])("for events that there are not says what there is, %s", async (event, words) => {
    const query = `event=node.signed&event=${event}`;
    const { status, json } = await admin("GET", `/api/v2/tailnet/${tailnet}/logging/configuration?${query}`);
    expect([status, json["message"]]).toEqual([400, expect.stringContaining(words)]);
  });

  test("takes as many values as it says", async () => {
    const five = (name: string): string[] => Array.from({ length: 5 }, (_, i) => `${name}=A@${i}`);
    expect(await seqs([...five("actor"), ...five("target"), ...five("event")].join("&"))).toEqual([]);
  });

  test("of a tailnet that there is not is refused, and of one that is new answered", async () => {
    const path = "/api/v2/tailnet/T9999999999/logging/configuration";
    for (const each of [path, `${path}/head`, `${path}/export`]) refused(await admin("GET", each), "unknown_tailnet");
    const fresh = await makeTailnet();
    expect((await admin("GET", `/api/v2/tailnet/${fresh}/logging/configuration`)).status).toBe(200);
  });
});

describe("an export", () => {
  test("is the log that was written, up to the head that goes with it [W20][W22]", async () => {
    const other = await makeTailnet();
    await join(other, new TestNode("alice"), new TestNode("bob"));
    const path = `/api/v2/tailnet/${other}/logging/configuration`;
    const headers = { authorization: `Bearer ${env.OWNER_TOKEN}` };
    const get = (rest: string) => exports.default.fetch(new Request(`${ORIGIN}${path}/${rest}`, { headers }));
    const response = await get("export");
    expect(response.headers.get("content-type")).toBe("application/x-ndjson");
    const head = parseAuditHead(response.headers.get("tailward-log-head") ?? "");
    const lines = (await response.text()).trimEnd().split("\n");
    const verifier = new AuditVerifier();
    for (const [i, line] of lines.entries()) verifier.take(JSON.parse(line), String(i));
    expect(verifier.finish(head === null ? [] : [head])).toMatchObject({
      problems: [],
      notes: [],
      events: lines.length,
    });
    const { json } = await admin("GET", `${path}/head`);
    expect(json).toMatchObject({ head: { text: response.headers.get("tailward-log-head") }, before: null });
    const rest = await get(`export?after=${lines.length - 1}`);
    expect(await rest.text()).toBe(`${lines.at(-1) ?? ""}\n`);
  });
});
