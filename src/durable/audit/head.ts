/** Where a tailnet's log stands: its head, and the last event that was let go of. Whoever keeps a head sees what is changed before it [W22]. */

import { auditHeadJson, type AuditHead, type AuditHeadJson } from "../../protocol/index.ts";
import type { Tailnet } from "../authority/tailnet.ts";

export interface LogHead {
  /** The newest event. */
  readonly head: AuditHeadJson;
  /** The last event before the oldest that is kept, or null where all are. */
  readonly before: AuditHeadJson | null;
}

/** The place after the event with that number, or null where there is none. */
export function placeOf(tailnet: Tailnet, seq: number): AuditHead | null {
  const event = tailnet.events.at(seq);
  return event === null ? null : { epoch: event.epoch, sequence: seq, hash: event.hash };
}

/** The newest event: there is one in each tailnet. */
export function headOf(tailnet: Tailnet): AuditHead {
  const head = placeOf(tailnet, tailnet.info().seq);
  if (head === null) throw new Error("the log has no event by the tailnet's number");
  return head;
}

/** The last event that was let go of [W19], or null. */
export function floorOf(tailnet: Tailnet): AuditHead | null {
  const row = tailnet.store.row("SELECT log_floor, log_floor_epoch, log_floor_hash FROM tailnet");
  const sequence = row?.integer("log_floor") ?? 0;
  if (row === null || sequence === 0) return null;
  return { epoch: row.text("log_floor_epoch"), sequence, hash: row.bytes("log_floor_hash") };
}

export function logHead(tailnet: Tailnet): LogHead {
  const before = floorOf(tailnet);
  return { head: auditHeadJson(headOf(tailnet)), before: before === null ? null : auditHeadJson(before) };
}
