/**
 * What Tailscale's clients ask beside registration, maps and the lock. Sources: Go's `tailcfg.AuditLogRequest`, `QueryFeatureResponse` and
 * `SSHAction`, and who sends them: `control/controlclient/direct.go`, `ipn/localapi`, `ipn/ipnlocal/web_client.go`, `ssh/tailssh`,
 * `cmd/tailscale/cli/debug.go`.
 */

import { parseNodeKey } from "../tka/index.ts";
import { ShapeError, integer, parsed, record, text, withDefault, type Shape, type ShapeOf } from "./shape.ts";

/** Paths whose requests are served. */
export const AUDIT_LOG_PATH = "/machine/audit-log";
export const UPDATE_HEALTH_PATH = "/machine/update-health";
export const FEATURE_QUERY_PATH = "/machine/feature/query";
export const WHOAMI_PATH = "/machine/whoami";
/** Where a held SSH session asks what becomes of it; our policies hold none. */
export const SSH_ACTION_PATH = "/machine/ssh/*";

/** Characters of what a person gives as the reason. */
const MAX_DETAILS = 2048;

function upTo(most: number): Shape<string> {
  return (value, at) => {
    const given = text(value, at);
    if (given.length > most) throw new ShapeError(`${at}: ${most} characters at most`);
    return given;
  };
}

/** The one act that clients report: a person has disconnected the node. */
export const DISCONNECT_NODE = "DISCONNECT_NODE";

const auditAction: Shape<typeof DISCONNECT_NODE> = (value, at) => {
  if (value !== DISCONNECT_NODE) throw new ShapeError(`${at}: ${DISCONNECT_NODE} expected`);
  return DISCONNECT_NODE;
};

export const auditLogRequest = record({
  Version: withDefault(integer, 0),
  NodeKey: parsed(parseNodeKey),
  Action: auditAction,
  Details: withDefault(upTo(MAX_DETAILS), ""),
});

export const featureQueryRequest = record({ Feature: withDefault(upTo(64), "") });

export type AuditLogRequest = ShapeOf<typeof auditLogRequest>;
