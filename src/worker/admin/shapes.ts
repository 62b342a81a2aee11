/**
 * What the admin API is sent, held against zod's shapes. As in Go's encoding/json, an absent field and a null one are a field's zero, and unknown fields
 * are passed over. Attacker-controlled; a refusal names the place and what was expected there, never the value.
 */

import { z } from "zod";
import { decodeBase64, type Refusal } from "../../protocol/index.ts";
import type { AdminContext } from "./route.ts";
import { refuse } from "../http-errors.ts";

// The host refuses code that is made at run time.
z.config({ jitless: true });

/** A field that may be absent or null: it is then `zero`. */
export function orZero<S extends z.ZodType>(shape: S, zero: z.output<S>) {
  return shape.nullish().transform((value): z.output<S> => value ?? zero);
}

/** A field that may be absent or null: it is then null. */
export function orNull<S extends z.ZodType>(shape: S) {
  return shape.nullish().transform((value): z.output<S> | null => (value ?? null) as z.output<S> | null);
}

/** A list of at most `most`; absent or null is an empty one. */
export function listOf<S extends z.ZodType>(shape: S, most: number) {
  return orZero(z.array(shape).max(most), []);
}

/** Bytes in base64, `most` of them. */
export function base64(most: number) {
  return z
    .string()
    .max(4 * Math.ceil(most / 3))
    .meta({ contentEncoding: "base64" })
    .transform((text, context): Uint8Array => {
      const bytes = decodeBase64(text);
      if (bytes !== null && bytes.length > 0) return bytes;
      context.addIssue({ code: "custom", message: "bytes in base64 expected" });
      return z.NEVER;
    });
}

/** A tag of a device. */
export const tag = z.string().regex(/^tag:[a-zA-Z][a-zA-Z0-9-]{0,62}$/, { error: "tags are of the form tag:name" });

function placeOf(path: readonly PropertyKey[], what: string): string {
  return path.reduce<string>(
    (place, part) => place + (typeof part === "number" ? `[${part}]` : `.${String(part).slice(0, 64)}`),
    what,
  );
}

function refusalOf(error: z.ZodError, what: string): Refusal {
  const [issue] = error.issues;
  const message = (issue?.message ?? "not as expected").replace(/^Invalid input: /, "");
  return { code: "malformed_request", message: `${placeOf(issue?.path ?? [], what)}: ${message}` };
}

function shaped<S extends z.ZodType>(c: AdminContext, shape: S, value: unknown, what: string): z.output<S> | Response {
  const result = shape.safeParse(value);
  return result.success ? result.data : refuse(c, refusalOf(result.error, what));
}

/** Reads the body as JSON of a shape, or gives the refusal. No body at all is null. */
export async function shapeBody<S extends z.ZodType>(c: AdminContext, shape: S): Promise<z.output<S> | Response> {
  let value: unknown;
  try {
    const text = await c.req.text();
    value = text === "" ? null : JSON.parse(text);
  } catch {
    return refuse(c, { code: "malformed_request", message: "body: not JSON" });
  }
  return shaped(c, shape, value, "body");
}

/** Reads the query: a text for each name, and a list of texts for one that is there more than once. */
export function shapeQuery<S extends z.ZodType>(c: AdminContext, shape: S): z.output<S> | Response {
  const all = Object.entries(c.req.queries()).map(([name, values]) => [name, values.length === 1 ? values[0] : values]);
  return shaped(c, shape, Object.fromEntries(all), "query");
}
