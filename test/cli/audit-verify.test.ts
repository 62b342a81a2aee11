/** `tailward audit verify`: files as they are exported, streamed and answered; words and exit codes [W20][W22]. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { formatAuditHead, jsonLine } from "../../src/protocol/index.ts";
import { testFolder } from "../node/support/folder.ts";
import { WrittenLog } from "../support/audit-log.ts";
import { expectRefusal, tailward } from "./support.ts";

const LOG = new WrittenLog().addMany(9);
const HEAD = formatAuditHead(LOG.head);

function ndjson(records: readonly unknown[]): string {
  return records.map((record) => `${JSON.stringify(record)}\n`).join("");
}

function file(text: string, name = "log.ndjson"): string {
  const path = join(testFolder(), name);
  writeFileSync(path, text);
  return path;
}

function verify(...args: readonly string[]) {
  return tailward(null, ["audit", "verify", ...args]);
}

test("a log as it was exported holds", async () => {
  const { code, out, err } = await verify(file(ndjson(LOG.records)), "--head", HEAD);
  expect([code, err]).toEqual([0, ""]);
  expect(out).toBe(`10 events: each is as it was written, and none is missing between them.\nhead: ${HEAD}\n`);
});

test("a line ends by a line feed, and by nothing that somebody has put into a name", async () => {
  const log = new WrittenLog();
  log.add("tailnet.settings", { new: { name: "a\u2028b\u2029c\u0085d\u000be" } });
  const head = formatAuditHead(log.head);
  const lines = log.records.map((record) => `${jsonLine(record)}\n`).join("");
  expect(lines.split(/[\n\u0085\u2028\u2029]/)).toHaveLength(3);
  for (const text of [
    lines,
    ndjson(log.records),
    ndjson(log.records).replaceAll("\n", "\r\n"),
    ndjson(log.records).trimEnd(),
  ])
    expect(await verify(file(text), "--head", head)).toMatchObject({ code: 0, err: "" });
});

test("one in several files holds, in whatever order they are named", async () => {
  const [first, second] = [file(ndjson(LOG.records.slice(0, 6)), "b"), file(ndjson(LOG.records.slice(4)), "a")];
  for (const paths of [
    [first, second],
    [second, first],
  ])
    expect(await verify(...paths, "--head", HEAD)).toMatchObject({ code: 0, err: "" });
});

test("an answer of the API holds, on one line or many, and what went to a Splunk collector", async () => {
  const answer = { version: "1.1", tailnet: "example.com", logs: LOG.records };
  const splunk = LOG.records.map((event) => ({ time: 1, event, fields: { epoch: event.epoch } }));
  for (const text of [JSON.stringify(answer), JSON.stringify(answer, null, 2), ndjson(splunk)])
    expect(await verify(file(text), "--head", `file:${file(HEAD)}`)).toMatchObject({ code: 0, err: "" });
});

test("one that was edited does not, and says where", async () => {
  const edited = LOG.records.map((record, i) => (i === 4 ? { ...record, new: { days: 99 } } : record));
  const path = file(ndjson(edited));
  const { code, out, err } = await verify(path, "--head", HEAD);
  expect(code).toBe(1);
  expect(out).toBe(`edited: ${path}:5: event 5, or the one before it, is not as it was written\n`);
  expect(err).toBe("tailward: this is not the log that was written: 1 problem\n");
});

test("one whose lines say something else than the record that they hold does not", async () => {
  const shown = LOG.records.map((event, i) => (i === 4 ? { ...event, new: { days: 99 }, event } : event));
  expect(await verify(file(ndjson(shown)), "--head", HEAD)).toMatchObject({ code: 1 });
});

test("one that was cut off does not, where a head was kept", async () => {
  const path = file(ndjson(LOG.records.slice(0, -2)));
  expect(await verify(path)).toMatchObject({ code: 0 });
  const { code, out } = await verify(path, "--head", HEAD, "--json");
  expect(code).toBe(1);
  expect(JSON.parse(out)).toMatchObject({ holds: false, problems: [{ code: "cut", at: HEAD }] });
});

test("lines that are not JSON are problems, and do not reach the terminal as they are", async () => {
  const { code, out } = await verify(file(`${ndjson(LOG.records)}\u001b[2Jnonsense\n`));
  expect([code, out]).toEqual([1, expect.stringMatching(/^unreadable: .*:11: not JSON\n/)]);
});

test("what cannot be judged exits with 2", async () => {
  expectRefusal(await verify(join(testFolder(), "none")), /cannot read/, 2);
  expectRefusal(await verify(file("")), /there is no record in it/, 2);
  expectRefusal(await verify(file(ndjson(LOG.records)), "--head", "e1:1:00"), /a head is/, 2);
});
