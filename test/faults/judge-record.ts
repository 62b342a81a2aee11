/** What the object holds against what D1 has of it. */

import { setTimeout as sleep } from "node:timers/promises";
import { equal, none, seconds, type Check } from "./checks.ts";
import type { Control, Row } from "./control.ts";
import { eventsOf, type StoredEvent } from "./judge-object.ts";

const LOOK_MS = 250;

/** Events that D1 is not known to have. */
async function pending(control: Control, tailnet: string): Promise<number> {
  const [row] = await control.rows(tailnet, "SELECT count(*) AS n FROM outbox");
  return Number(row?.["n"]);
}

/** Waits until nothing is on its way any more, `mostMs` at most; gives the milliseconds that it took, or null where something is left. */
export async function drained(control: Control, tailnet: string, mostMs: number): Promise<number | null> {
  const started = performance.now();
  for (;;) {
    const left = await pending(control, tailnet);
    const took = performance.now() - started;
    if (left === 0) return took;
    if (took > mostMs) return null;
    await sleep(LOOK_MS);
  }
}

const EVENT_COLUMNS = [
  "seq",
  "epoch",
  "at",
  "kind",
  "origin",
  "actor",
  "target",
  "old",
  "new",
  "event_group",
  "hash",
] as const;

function lineOf(event: StoredEvent | Row): string {
  return JSON.stringify(EVENT_COLUMNS.map((column) => (event as Row)[column]));
}

/** Lines of `many` that `others` has not, or has another number of times. */
function apart(many: readonly string[], others: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const line of many) counts.set(line, (counts.get(line) ?? 0) + 1);
  for (const line of others) counts.set(line, (counts.get(line) ?? 0) - 1);
  return [...counts]
    .filter(([, count]) => count !== 0)
    .map(([line, count]) => `${count > 0 ? "not in D1" : "surplus"}: ${line}`);
}

const NODE_COLUMNS = "node_key, stable_id, machine_key, name, hostname";

async function judgeNodes(control: Control, tailnet: string): Promise<Check> {
  const own = await control.rows(tailnet, `SELECT id, max(changed, self_changed) AS seq, ${NODE_COLUMNS} FROM nodes`);
  const where = `FROM nodes WHERE tailnet_id = '${tailnet}' AND removed = 0`;
  const theirs = await control.d1(`SELECT node_id AS id, seq, ${NODE_COLUMNS} ${where}`);
  const lines = [own, theirs].map((rows) => rows.map((row) => JSON.stringify(row)));
  return none("every node is in D1 as the object has it", apart(lines[0] ?? [], lines[1] ?? []), `${own.length} nodes`);
}

interface Rebuilt {
  readonly cursor: string | null;
  readonly rows: number;
  /** What was found before anything was mended. */
  readonly found: { readonly missing: number; readonly differing: number; readonly surplus: number };
}

/** The product's own comparison, which mends what it finds: it must find nothing. */
async function rebuildFindsNothing(control: Control, tailnet: string): Promise<Check> {
  const found = { missing: 0, differing: 0, surplus: 0 };
  let rows = 0;
  for (let cursor: string | null = ""; cursor !== null;) {
    const path = `/api/v2/tailnet/${tailnet}/record/rebuild`;
    const page = (await control.admin("POST", path, cursor === "" ? {} : { cursor })) as Rebuilt;
    for (const name of ["missing", "differing", "surplus"] as const) found[name] += page.found[name];
    rows += page.rows;
    ({ cursor } = page);
  }
  const { missing, differing, surplus } = found;
  const counts = `${missing} missing, ${differing} differing, ${surplus} surplus of ${rows} rows`;
  return equal("the rebuild finds D1 equal to the object", counts, missing + differing + surplus === 0);
}

/** D1 against the object, once the outbox is empty; that it gets there within `mostMs` is a check of its own. */
export async function judgeRecord(control: Control, tailnet: string, mostMs: number): Promise<Check[]> {
  const took = await drained(control, tailnet, mostMs);
  const events = await eventsOf(control, tailnet);
  const recorded = await control.d1(`SELECT * FROM events WHERE tailnet_id = '${tailnet}'`);
  const left = await pending(control, tailnet);
  return [
    equal(
      "the outbox runs empty",
      took === null ? `${left} left after ${seconds(mostMs)}` : `within ${seconds(took)}`,
      took !== null,
    ),
    none(
      "every event is in D1 exactly once",
      apart(events.map(lineOf), recorded.map(lineOf)),
      `${events.length} in the object, ${recorded.length} in D1`,
    ),
    await judgeNodes(control, tailnet),
    await rebuildFindsNothing(control, tailnet),
  ];
}
