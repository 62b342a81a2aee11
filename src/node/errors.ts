/**
 * What can go wrong in the agent: a closed union of codes, each with a sentence and, where there is one, the way out.
 *
 * Rule [Z8]: once a node has joined, nothing that the control plane answers or fails to answer ends its agent: it is logged and tried again, ever
 *            more rarely. Before that, only what passes by itself is tried again. A fault of this machine's own ends the agent at any time.
 */

import { parseRefusal, type ControlErrorCode, type Refusal } from "../protocol/index.ts";

export const AGENT_ERROR_CODES = [
  // The state directory.
  "state_directory",
  "state_exposed",
  "state_corrupt",
  // The agent as a process.
  "agent_running",
  "agent_not_running",
  // Joining.
  "not_joined",
  "join_failed",
  // The lock.
  "lock_off",
  "lock_on",
  "lock_unsupported",
  "lock_disallowed",
  "lock_moved",
  "not_trusted",
  "no_pending_init",
  "unexpected_node",
  "unexpected_recovery",
  "recovery_lost",
  "own_key",
  "incorrect_secret",
  // What was asked, and what was answered.
  "bad_argument",
  "bad_answer",
  "refused",
  "unreachable",
  "internal",
] as const;

export type AgentErrorCode = (typeof AGENT_ERROR_CODES)[number];

export class AgentError extends Error {
  override readonly name: string = "AgentError";
  readonly code: AgentErrorCode;
  /** What to do about it, as one sentence, or null. */
  readonly hint: string | null;

  constructor(code: AgentErrorCode, message: string, hint: string | null = null) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}

/** The control plane was understood, and said no. */
export class ControlRefusal extends AgentError {
  override readonly name = "ControlRefusal";
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super("refused", refusal.message, hintFor(refusal));
    this.refusal = refusal;
  }
}

/** The refusal in an attacker-controlled body, or null where it is of whatever stands before the control plane. */
export function parsedRefusal(body: string): Refusal | null {
  try {
    return parseRefusal(JSON.parse(body));
  } catch {
    return null;
  }
}

/** The control plane could not be reached, or is not able to answer now: trying again may help. */
export class ControlUnreachable extends AgentError {
  override readonly name: string = "ControlUnreachable";

  constructor(message: string) {
    super("unreachable", message);
  }
}

/** What the control plane's behaviour comes to, and nothing on this machine; `bad_argument` is of the auth key, to join again by. */
const OF_THE_CONTROL_PLANE: ReadonlySet<AgentErrorCode> = new Set<AgentErrorCode>([
  "unreachable",
  "bad_answer",
  "refused",
  "join_failed",
  "bad_argument",
]);

const PASSING_REFUSALS: ReadonlySet<ControlErrorCode> = new Set<ControlErrorCode>([
  "replayed_request",
  "try_again",
  "internal",
]);

/** True if the agent goes on after `error`, which joining or polling threw [Z8]. */
export function isTriedAgain(error: unknown, hasJoined: boolean): boolean {
  if (!(error instanceof AgentError)) return false;
  if (hasJoined) return OF_THE_CONTROL_PLANE.has(error.code);
  if (error instanceof ControlRefusal) return PASSING_REFUSALS.has(error.refusal.code);
  // An answer that cannot be read may be a proxy's.
  return error.code === "unreachable" || error.code === "bad_answer";
}

function hintFor({ code }: Refusal): string | null {
  switch (code) {
    case "stale_request":
      return "check this machine's clock";
    case "bad_auth_key":
    case "auth_key_spent":
    case "auth_key_expired":
      return "make a new auth key and start the agent with it";
    case "lock_enabled":
      return "run: tailward lock status";
    case "insufficient_weight":
      return "more signing nodes must cosign it (`tailward lock revoke-keys --cosign`), then finish it again";
    case "no_pending_init":
    case "init_superseded":
      return "run: tailward lock init again, and throw away the secrets printed before";
    default:
      return null;
  }
}
