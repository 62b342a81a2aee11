/**
 * What the control plane answers when it refuses: a closed union of codes, each with a sentence, and for a conflict the head that counts.
 *
 * Rule [H1]: every refusal is `{ code, message, head?, index?, subject? }`. The code is for programs, the message for people.
 */

import { TKA_ERROR_CODES, type AumHash, type TkaErrorCode } from "../tka/index.ts";
import { ShapeError, integer, nullable, optional, record, text, type Shape } from "./shape.ts";

/** Codes of the control plane's own, beside those of the key authority. */
export const CONTROL_ERROR_CODES = [
  // The request itself.
  "malformed_request",
  "body_too_large",
  "not_found",
  "method_not_allowed",
  "upgrade_required",
  "too_many_requests",
  // Who asks.
  "unsigned_request",
  "forged_request",
  "stale_request",
  "replayed_request",
  "unknown_node",
  "wrong_machine",
  "unauthenticated",
  "forbidden",
  // Registration.
  "bad_auth_key",
  "auth_key_spent",
  "auth_key_expired",
  "tags_not_permitted",
  "client_too_old",
  "node_key_owned",
  "node_key_expired",
  "not_approved",
  // What an admin does.
  "unknown_device",
  "unknown_key_id",
  "unknown_login",
  "unknown_user",
  "last_owner",
  "too_many_users",
  "unknown_invite",
  "too_many_invites",
  "too_many_keys",
  "name_taken",
  "unknown_webhook",
  "unknown_delivery",
  "bad_webhook_address",
  "unknown_log_stream",
  "too_many_webhooks",
  // The policy file.
  "bad_policy",
  "policy_tests_failed",
  "policy_changed",
  // Sharing.
  "bad_invite",
  "unknown_share",
  "too_many_shares",
  "foreign_node",
  // The tailnet and its lock.
  "unknown_tailnet",
  "lock_enabled",
  "lock_not_enabled",
  "no_pending_init",
  "init_superseded",
  "missing_signature",
  "unexpected_signature",
  "incorrect_secret",
  "support_unavailable",
  "no_support_secret",
  "device_approval_on",
  "device_approval_off",
  "old_clients",
  "android_signer",
  "too_many_forks",
  "insufficient_weight",
  "not_canonical",
  // What Tailscale has and we do not: a feature that a client asks for, and what an admin asks for.
  "feature_absent",
  "not_supported",
  // Ourselves.
  "no_control_key",
  "no_storage_key",
  "bad_configuration",
  "try_again",
  "internal",
] as const;

export type ControlErrorCode = (typeof CONTROL_ERROR_CODES)[number] | TkaErrorCode;

export interface Refusal {
  readonly code: ControlErrorCode;
  readonly message: string;
  /** The head that counts, where the request was built on another. */
  readonly head?: AumHash;
  /** Index of the AUM, signature or key in question, in the list that was sent. */
  readonly index?: number;
  /** Text form of the node key, lock key or hash in question. */
  readonly subject?: string;
}

/** What an object's RPC method gives: own properties of a thrown error do not survive Workers RPC. */
export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: Refusal };

const CODES: ReadonlySet<string> = new Set<string>([...CONTROL_ERROR_CODES, ...TKA_ERROR_CODES]);

const codeShape: Shape<ControlErrorCode> = (value, at) => {
  const code = text(value, at);
  return CODES.has(code) ? (code as ControlErrorCode) : "internal";
};

/** Reads a refusal from an attacker-controlled body, or gives null where it is none. */
export function parseRefusal(body: unknown): Refusal | null {
  try {
    const { code, message, head, index, subject } = record({
      code: codeShape,
      message: text,
      head: optional(nullable(text)),
      index: optional(nullable(integer)),
      subject: optional(nullable(text)),
    })(body, "refusal");
    return {
      code,
      message,
      ...(head == null ? {} : { head: head as AumHash }),
      ...(index == null ? {} : { index }),
      ...(subject == null ? {} : { subject }),
    };
  } catch (error) {
    if (error instanceof ShapeError) return null;
    throw error;
  }
}
