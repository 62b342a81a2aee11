/**
 * Lets the oldest events go, where a setting says for how many days they are kept. The record in D1 follows.
 *
 * Rule [W19]: events go from the oldest on, whole days of them; the last of them is named, with its hash, by the object and by an event. One that D1 is
 *             not known to have is kept until it has it.
 */

import { auditHeadJson } from "../../protocol/index.ts";
import { BY_SYSTEM } from "./events.ts";
import { placeOf } from "./head.ts";
import type { Tailnet } from "../authority/tailnet.ts";

const DAY_MS = 24 * 60 * 60_000;
/** Events that go in one turn; the rest follow in the next ones. */
const MOST_AT_ONCE = 5000;
/** An event that tells of others that went goes only with others: otherwise there would be one a day for good. */
const COUNTS = "kind <> 'log.trimmed'";

/** The time before which events go, or null where all are kept. `now` in milliseconds since the epoch. */
function cutOf(tailnet: Tailnet, now: number): number | null {
  const { auditLogRetentionDays: days } = tailnet.settings;
  return days === 0 ? null : (Math.floor(now / DAY_MS) - days) * DAY_MS;
}

/** When the next events go, in milliseconds since the epoch, or null for never. */
export function nextTrim(tailnet: Tailnet): number | null {
  if (tailnet.find()?.deleted !== false) return null;
  const { auditLogRetentionDays: days } = tailnet.settings;
  if (days === 0) return null;
  const oldest = tailnet.store.row(`SELECT at FROM events WHERE ${COUNTS} ORDER BY seq LIMIT 1`)?.integer("at");
  return oldest === undefined ? null : (Math.floor(oldest / DAY_MS) + 1 + days) * DAY_MS;
}

/** The number up to which events go in this turn; 0 for none. */
function lastToGo(tailnet: Tailnet, cut: number): number {
  const { store } = tailnet;
  const waiting = store.row("SELECT MIN(seq) AS seq FROM outbox")?.integerOrNull("seq") ?? Infinity;
  const page = store.rows("SELECT seq, at, kind FROM events ORDER BY seq LIMIT ?", MOST_AT_ONCE);
  const kept =
    page.find((row) => row.integer("at") >= cut || row.integer("seq") >= waiting)?.integer("seq") ?? Infinity;
  const going = page.filter((row) => row.integer("seq") < kept);
  return going.some((row) => row.text("kind") !== "log.trimmed") ? (going.at(-1)?.integer("seq") ?? 0) : 0;
}

/** Lets go of what is over, or the first of it, inside the caller's transaction [W19]; true where more may follow. */
export function trimLog(tailnet: Tailnet, now: number): boolean {
  const cut = cutOf(tailnet, now);
  const seq = cut === null ? 0 : lastToGo(tailnet, cut);
  const last = placeOf(tailnet, seq);
  if (last === null) return false;
  const { store } = tailnet;
  const events = store.row("SELECT COUNT(*) AS events FROM events WHERE seq <= ?", seq)?.integer("events") ?? 0;
  const [target, detail] = [tailnet.target("AUDIT_LOG"), auditHeadJson(last)];
  store.run(
    "UPDATE tailnet SET log_floor = ?, log_floor_epoch = ?, log_floor_hash = ?",
    last.sequence,
    last.epoch,
    last.hash,
  );
  tailnet.record(BY_SYSTEM, { kind: "log.trimmed", target, old: { events }, new: detail }, now);
  store.run("DELETE FROM events WHERE seq <= ?", seq);
  return (nextTrim(tailnet) ?? Infinity) <= now && lastToGo(tailnet, cut ?? 0) > 0;
}
