/**
 * Where ours differs from Go on purpose. docs/compatibility.md says why, in a table under the same ids; the fuzzer refuses to start where
 * the two lists are not the same. A difference that meets a predicate here is counted apart.
 */

import {
  MAX_SIGNATURE_LAYERS,
  decodeNodeKeySignature,
  equalBytes,
  parseLockPrivateKey,
  signatureLayers,
  unverifiedWrappingKey,
} from "../../../src/tka/index.ts";
import { fromBase64 } from "../../support/answer-ports.ts";
import type { OurAnswer } from "../../support/answer.ts";
import type { Answer } from "../oracle-client.ts";

/** A request, or a step of a play: its name and its fields. */
export interface Asked {
  readonly op: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface Departure {
  readonly id: string;
  readonly matches: (asked: Asked, go: Answer, ours: OurAnswer) => boolean;
  /** True where the two sides hold different things from here on: the rest of a play says nothing any more. */
  readonly endsPlay: boolean;
}

/** Bytes of a private key that stand before its public half. */
const SEED_LENGTH = 32;

const panicOf = (answer: Answer): string => ("panic" in answer ? answer.panic : "");
const errorOf = (answer: Answer | OurAnswer): string => ("error" in answer ? answer.error : "");

const isFalse = (answer: OurAnswer): boolean => "ok" in answer && (answer.ok as { readonly ok?: boolean }).ok === false;

/** Ours refuses a key that the signature does not name, and trims a full chain by layers, where Go counts node keys. */
function resignsOtherwise(fields: Asked["fields"], go: Answer, ours: OurAnswer): boolean {
  const old = decodeNodeKeySignature(fromBase64(String(fields["old"])));
  const own = parseLockPrivateKey(String(fields["priv"])).subarray(SEED_LENGTH);
  if (!equalBytes(unverifiedWrappingKey(old), own)) return errorOf(ours).startsWith("rotation_not_ours");
  if (signatureLayers(old) < MAX_SIGNATURE_LAYERS) return false;
  return "ok" in ours ? JSON.stringify(go) !== JSON.stringify(ours) : errorOf(ours).startsWith("rotation_chain_full");
}

function wrapsThrowAway(fields: Asked["fields"]): boolean {
  const credential = decodeNodeKeySignature(fromBase64(String(fields["wrapped"])));
  return equalBytes(credential.wrappingPubkey, fromBase64(String(fields["priv"])).subarray(SEED_LENGTH));
}

function setsEmptyMeta(fields: Asked["fields"]): boolean {
  const ops = fields["ops"] as readonly { readonly op: string; readonly meta?: object }[];
  return ops.some(({ op, meta }) => op === "meta" && Object.keys(meta ?? {}).length === 0);
}

export const DEPARTURES: readonly Departure[] = [
  {
    id: "go-1",
    endsPlay: false,
    matches: (_asked, go, ours) =>
      panicOf(go) === "unexpected: keyIDs are 32 bytes" && errorOf(ours).startsWith("invalid_aum"),
  },
  {
    id: "go-8",
    endsPlay: false,
    matches: (_asked, go, ours) =>
      panicOf(go).startsWith("unknown key kind") && errorOf(ours).startsWith("unknown_key_kind"),
  },
  {
    id: "go-9",
    endsPlay: false,
    matches: (_asked, go, ours) =>
      panicOf(go).includes("nil pointer dereference") &&
      /^(parent_not_stored|invalid_aum|invalid_genesis)/.test(errorOf(ours)),
  },
  {
    id: "go-2",
    endsPlay: false,
    matches: ({ op }, go, ours) =>
      op === "ed25519.verify" && panicOf(go).includes("bad public key length") && isFalse(ours),
  },
  {
    id: "go-3",
    endsPlay: false,
    matches: ({ op, fields }, go, ours) => op === "resign" && "ok" in go && resignsOtherwise(fields, go, ours),
  },
  {
    id: "go-4",
    endsPlay: false,
    matches: ({ op, fields }, go, ours) =>
      op === "signByCredential" &&
      "ok" in go &&
      (wrapsThrowAway(fields) ? "ok" in ours : errorOf(ours).startsWith("bad_credential")),
  },
  {
    id: "go-5",
    endsPlay: false,
    matches: ({ op }, go, ours) =>
      op === "signByCredential" &&
      /bad private key length|index out of range/.test(panicOf(go)) &&
      errorOf(ours).startsWith("invalid_argument"),
  },
  {
    id: "go-6",
    endsPlay: false,
    matches: ({ op, fields }, go, ours) =>
      op === "build" && "ok" in go && setsEmptyMeta(fields) && errorOf(ours).startsWith("empty_metadata"),
  },
  {
    id: "go-7",
    endsPlay: true,
    matches: ({ op }, go, ours) =>
      (op === "inform" || op === "sync") &&
      errorOf(go).includes("recomputing active chain") &&
      errorOf(ours).startsWith("chain_too_long"),
  },
];
