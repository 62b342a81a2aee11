/** Bodies of requests: bounded before they are read, and parsed into a shape. Attacker-controlled. */

import type { Context, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { MAX_BODY_BYTES, ShapeError, parseJson, type Refusal, type Shape } from "../protocol/index.ts";
import type { AppTypes } from "./app-types.ts";
import { refuse } from "./http-errors.ts";

const TOO_LARGE: Refusal = { code: "body_too_large", message: `the body is larger than ${MAX_BODY_BYTES} bytes` };

/** Refuses bodies that are too large, whether they say so or not. */
export const limitBody: MiddlewareHandler = bodyLimit({
  maxSize: MAX_BODY_BYTES,
  onError: (c) => refuse(c, TOO_LARGE),
});

const utf8 = new TextDecoder();

/** The body as text: a signed request's has been read already. */
function textOf(c: Context<AppTypes>): Promise<string> | string {
  const read = c.get("body");
  return read === undefined ? c.req.text() : utf8.decode(read);
}

/** Reads the body as JSON of a shape, or gives the refusal. */
export async function readBody<T>(c: Context<AppTypes>, shape: Shape<T>): Promise<T | Response> {
  try {
    return parseJson(await textOf(c), shape, "body");
  } catch (error) {
    if (error instanceof ShapeError) return refuse(c, { code: "malformed_request", message: error.message });
    throw error;
  }
}
