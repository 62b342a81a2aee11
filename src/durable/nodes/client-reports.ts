/** What a client reports for the audit log: a person has disconnected its node. Source: Go's `ipn/auditlog`. */

import type { AuditLogRequest, EmptyResponse } from "../../protocol/index.ts";
import { byNode, nodeTarget, type NodeRecord } from "./nodes.ts";
import type { Tailnet } from "../authority/tailnet.ts";

/** Puts a report on the record; peers see nothing of it. Throws `too_many_requests` [W15]. */
export function recordReport(tailnet: Tailnet, node: NodeRecord, request: AuditLogRequest, now: number): EmptyResponse {
  // Attacker-controlled: a text for people to read.
  const detail = { action: request.Action, details: request.Details.toWellFormed() };
  tailnet.record(byNode(node), { kind: "node.reported", target: nodeTarget(node), new: detail }, now);
  return {};
}
