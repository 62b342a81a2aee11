/** Refusals as HTTP: one exhaustive map from code to status, and the one way in which an act or a refusal is answered. */

import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { log } from "../durable/index.ts";
import { jsonReplacer, type ControlErrorCode, type Outcome, type Refusal } from "../protocol/index.ts";

const BAD_REQUEST = 400;
const UNAUTHORIZED = 401;
const FORBIDDEN = 403;
const NOT_FOUND = 404;
const CONFLICT = 409;
const UNPROCESSABLE = 422;

export const STATUS_OF: Readonly<Record<ControlErrorCode, ContentfulStatusCode>> = {
  malformed_request: BAD_REQUEST,
  body_too_large: 413,
  not_found: NOT_FOUND,
  method_not_allowed: 405,
  upgrade_required: 426,
  too_many_requests: 429,
  unsigned_request: UNAUTHORIZED,
  forged_request: UNAUTHORIZED,
  stale_request: UNAUTHORIZED,
  replayed_request: UNAUTHORIZED,
  unknown_node: NOT_FOUND,
  wrong_machine: FORBIDDEN,
  unauthenticated: UNAUTHORIZED,
  forbidden: FORBIDDEN,
  bad_auth_key: FORBIDDEN,
  auth_key_spent: FORBIDDEN,
  auth_key_expired: FORBIDDEN,
  tags_not_permitted: FORBIDDEN,
  client_too_old: BAD_REQUEST,
  node_key_owned: CONFLICT,
  node_key_expired: FORBIDDEN,
  not_approved: FORBIDDEN,
  unknown_device: NOT_FOUND,
  unknown_key_id: NOT_FOUND,
  unknown_login: NOT_FOUND,
  unknown_user: NOT_FOUND,
  last_owner: CONFLICT,
  too_many_users: CONFLICT,
  unknown_invite: NOT_FOUND,
  too_many_invites: CONFLICT,
  too_many_keys: CONFLICT,
  name_taken: CONFLICT,
  unknown_webhook: NOT_FOUND,
  unknown_log_stream: NOT_FOUND,
  unknown_delivery: NOT_FOUND,
  bad_webhook_address: BAD_REQUEST,
  too_many_webhooks: CONFLICT,
  bad_policy: BAD_REQUEST,
  policy_tests_failed: BAD_REQUEST,
  policy_changed: 412,
  bad_invite: FORBIDDEN,
  unknown_share: NOT_FOUND,
  too_many_shares: CONFLICT,
  foreign_node: CONFLICT,
  unknown_tailnet: NOT_FOUND,
  lock_enabled: CONFLICT,
  lock_not_enabled: CONFLICT,
  no_pending_init: CONFLICT,
  init_superseded: CONFLICT,
  missing_signature: UNPROCESSABLE,
  unexpected_signature: UNPROCESSABLE,
  incorrect_secret: FORBIDDEN,
  support_unavailable: UNPROCESSABLE,
  no_support_secret: NOT_FOUND,
  device_approval_on: CONFLICT,
  device_approval_off: CONFLICT,
  old_clients: CONFLICT,
  android_signer: UNPROCESSABLE,
  too_many_forks: CONFLICT,
  insufficient_weight: CONFLICT,
  not_canonical: UNPROCESSABLE,
  no_control_key: 501,
  no_storage_key: 501,
  bad_configuration: 500,
  feature_absent: 501,
  not_supported: UNPROCESSABLE,
  try_again: 503,
  internal: 500,
  malformed_cbor: BAD_REQUEST,
  malformed_text: BAD_REQUEST,
  invalid_aum: UNPROCESSABLE,
  invalid_key: UNPROCESSABLE,
  invalid_state: UNPROCESSABLE,
  unsigned_aum: UNPROCESSABLE,
  unknown_key_kind: UNPROCESSABLE,
  no_parent: UNPROCESSABLE,
  parent_mismatch: CONFLICT,
  unknown_key: UNPROCESSABLE,
  key_exists: CONFLICT,
  key_limit: CONFLICT,
  bad_signature: UNPROCESSABLE,
  last_key: CONFLICT,
  republished: UNPROCESSABLE,
  state_id_mismatch: CONFLICT,
  invalid_genesis: UNPROCESSABLE,
  not_authorized: UNPROCESSABLE,
  rotation_not_ours: UNPROCESSABLE,
  rotation_chain_full: UNPROCESSABLE,
  bad_credential: UNPROCESSABLE,
  aum_not_found: CONFLICT,
  parent_not_stored: CONFLICT,
  no_chain: CONFLICT,
  multiple_chains: CONFLICT,
  chain_too_long: CONFLICT,
  not_empty: CONFLICT,
  nothing_to_inform: UNPROCESSABLE,
  no_intersection: CONFLICT,
  compaction_impossible: CONFLICT,
  corrupt_storage: 500,
  key_not_trusted: FORBIDDEN,
  cannot_revoke_all: UNPROCESSABLE,
  empty_metadata: UNPROCESSABLE,
  invalid_argument: UNPROCESSABLE,
  head_moved: CONFLICT,
};

/** Seconds after which who asked for too much has room again: the limits are by the minute. */
const RETRY_AFTER = "60";

/** For a path that takes POST alone. */
export function refuseMethod(c: Context): Response {
  c.header("allow", "POST");
  return refuse(c, { code: "method_not_allowed", message: "this path takes POST only" });
}

/** For a path of which there is nothing. */
export function refuseUnknownPath(c: Context): Response {
  return refuse(c, { code: "not_found", message: "there is nothing here" });
}

/** For what was thrown and is nobody's fault but ours: it is logged, and nothing of it is told. */
export function refuseFault(error: Error, c: Context): Response {
  log.error("unexpected failure", {}, error);
  return refuse(c, { code: "internal", message: "something went wrong here: ask again" });
}

/** Answers with what an act gave, bytes in base64, or with why it refused. */
export function answer(c: Context, outcome: Outcome<unknown>, success: 200 | 202 = 200): Response {
  if (!outcome.ok) return refuse(c, outcome.error);
  return c.body(JSON.stringify(outcome.value, jsonReplacer), success, { "content-type": "application/json" });
}

/** Answers with a refusal [H1]. */
export function refuse(c: Context, refusal: Refusal): Response {
  c.set("refusal", refusal);
  if (refusal.code === "too_many_requests") c.header("retry-after", RETRY_AFTER);
  return c.json(refusal, STATUS_OF[refusal.code]);
}
