/**
 * The one error of the key authority.
 *
 * Rule [E1]: whatever bytes arrive, this folder returns or throws a TkaError, and nothing else.
 * Rule [E2]: a code says what is wrong for good, or that trying again may help (see RETRYABLE_CODES); the two never share a code.
 */

export const TKA_ERROR_CODES = [
  // Bytes and texts that do not decode.
  "malformed_cbor",
  "malformed_text",
  // AUMs that are wrong by themselves.
  "invalid_aum",
  "invalid_key",
  "invalid_state",
  "unsigned_aum",
  "unknown_key_kind",
  // AUMs that are wrong where they stand.
  "no_parent",
  "parent_mismatch",
  "unknown_key",
  "key_exists",
  "key_limit",
  "bad_signature",
  "last_key",
  "republished",
  "state_id_mismatch",
  "invalid_genesis",
  // Node-key signatures.
  "not_authorized",
  "rotation_not_ours",
  "rotation_chain_full",
  "bad_credential",
  // Stored chains.
  "aum_not_found",
  "parent_not_stored",
  "no_chain",
  "multiple_chains",
  "chain_too_long",
  "not_empty",
  "nothing_to_inform",
  "no_intersection",
  "compaction_impossible",
  "corrupt_storage",
  // Changes that cannot be made.
  "key_not_trusted",
  "cannot_revoke_all",
  "empty_metadata",
  "invalid_argument",
  // The chain moved while a change was being prepared: prepare it anew.
  "head_moved",
] as const;

export type TkaErrorCode = (typeof TKA_ERROR_CODES)[number];

/** The codes after which the same request, prepared anew, may succeed. */
export const RETRYABLE_CODES: ReadonlySet<TkaErrorCode> = new Set<TkaErrorCode>(["head_moved"]);

/** What a code says of the place where it arose, for whoever has to tell a person. */
export interface TkaErrorData {
  /** Index in the list that was given: of an AUM in a batch, of a signature, of a key. */
  readonly index?: number;
  /** Text form of the AUM hash, key or node key in question. */
  readonly subject?: string;
}

export class TkaError extends Error {
  override readonly name = "TkaError";
  readonly code: TkaErrorCode;
  readonly data: TkaErrorData;

  constructor(code: TkaErrorCode, message: string, data: TkaErrorData = {}) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

/** Runs `body`; a TkaError it throws is told again with the place `where` in front and `data` added. */
export function within<T>(where: string, data: TkaErrorData, body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (!(error instanceof TkaError)) throw error;
    throw new TkaError(error.code, `${where}: ${error.message}`, { ...error.data, ...data });
  }
}
