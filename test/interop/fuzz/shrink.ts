/** Makes a request that shows a difference as small as it will go: lists lose elements, bytes and texts lose characters. */

import { fromBase64, toBase64 } from "../../support/answer-ports.ts";
import type { OracleRequest } from "../../support/answer.ts";

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** Fields whose text is base64, and whose bytes may be taken away. */
const BYTE_FIELDS = new Set(["bytes", "sig", "old", "aum", "secret", "msg"]);
/** Fields that say what is asked, and stay. */
const FIXED_FIELDS = new Set(["op", "do", "node", "from", "to", "rule", "kind", "mode"]);
const MOST_TRIES = 1500;

function* withoutRuns<T>(list: readonly T[]): Generator<T[]> {
  for (let run = Math.max(1, list.length >> 1); run >= 1; run = run >> 1) {
    for (let at = 0; at < list.length; at += run) yield [...list.slice(0, at), ...list.slice(at + run)];
    if (run === 1) return;
  }
}

function* smallerText(text: string, name: string): Generator<string> {
  if (text === "") return;
  if (!BYTE_FIELDS.has(name)) {
    for (const characters of withoutRuns(Array.from(text))) yield characters.join("");
    return;
  }
  for (const bytes of withoutRuns([...fromBase64(text)])) yield toBase64(Uint8Array.from(bytes));
}

/** Values one step smaller than `value`; elements of lists are tried whole before what is in them. */
function* smaller(value: Json, name: string): Generator<Json> {
  if (FIXED_FIELDS.has(name) || value === null) return;
  if (typeof value === "string") yield* smallerText(value, name);
  else if (Array.isArray(value)) {
    const list = value as readonly Json[];
    yield* withoutRuns(list);
    for (const [at, item] of list.entries())
      for (const one of smaller(item, name === "aums" ? "aum" : ""))
        yield list.map((other, i) => (i === at ? one : other));
  } else if (typeof value === "object") {
    const fields = value as Record<string, Json>;
    for (const [field, inner] of Object.entries(fields))
      for (const one of smaller(inner, field)) yield { ...fields, [field]: one };
  }
}

/** The smallest request found for which `differs` still says so. */
export async function shrink(
  request: OracleRequest,
  differs: (request: OracleRequest) => Promise<boolean>,
): Promise<OracleRequest> {
  let best = request;
  let tries = 0;
  for (let progress = true; progress && tries < MOST_TRIES;) {
    progress = false;
    for (const candidate of smaller(best as Json, "")) {
      if (++tries > MOST_TRIES) break;
      if (!(await differs(candidate as OracleRequest))) continue;
      best = candidate as OracleRequest;
      progress = true;
      break;
    }
  }
  return best;
}
