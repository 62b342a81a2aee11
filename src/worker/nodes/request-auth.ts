/**
 * Who a signed request comes from [Q1][Q2][Q3]. Proven here without asking anybody; that the nonce is new is the authority's to say, and
 * which node key belongs to which machine too.
 */

import { isSignatureError, verifySignature, type VerifiedSignature } from "http-message-sig";
import type { MiddlewareHandler } from "hono";
import { TkaError } from "../../tka/index.ts";
import { sha256, type Caller } from "../../durable/index.ts";
import {
  CLOCK_SKEW_S,
  MAX_LIFETIME_S,
  NONCE_LENGTH,
  SIGNATURE_ALGORITHM,
  SIGNATURE_LABEL,
  SIGNATURE_TAG,
  SIGNED_COMPONENTS,
  SIGNED_PARAMETERS,
  parseRequestKey,
  type ControlErrorCode,
} from "../../protocol/index.ts";
import type { AppTypes } from "../app-types.ts";
import { refuse } from "../http-errors.ts";
import { machineKeyFor, verifyWith } from "./request-keys.ts";

class Unproven extends Error {
  readonly code: ControlErrorCode;

  constructor(code: ControlErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

function forged(message: string): Unproven {
  return new Unproven("forged_request", message);
}

/** Refuses what a good signature must not say either. */
function checkParameters({ label, parameters }: VerifiedSignature): {
  nonce: string;
  expires: number;
  requestKey: Uint8Array;
} {
  const { created = 0, expires = 0, nonce = "", keyid = "", tag } = parameters;
  if (label !== SIGNATURE_LABEL || tag !== SIGNATURE_TAG) throw forged("the signature is for another purpose");
  if (expires - created > MAX_LIFETIME_S)
    throw new Unproven("stale_request", `a signature must expire within ${MAX_LIFETIME_S} seconds`);
  if (nonce.length < NONCE_LENGTH.least || nonce.length > NONCE_LENGTH.most)
    throw forged("the signature's nonce is too short or too long");
  return { nonce, expires, requestKey: parseRequestKey(keyid) };
}

function isStale(error: unknown, now: number, request: Request): boolean {
  if (!isSignatureError(error) || error.code !== "PolicyViolation") return false;
  const created = /;created=(\d+)/.exec(request.headers.get("signature-input") ?? "")?.[1];
  const expires = /;expires=(\d+)/.exec(request.headers.get("signature-input") ?? "")?.[1];
  return Number(expires) <= now || Number(created) > now + CLOCK_SKEW_S || Number(created) < now - MAX_LIFETIME_S;
}

/** The Content-Digest field that goes with the body: contentDigest of the protocol, by the host's SHA-256. */
function digestOf(body: Uint8Array): string {
  return `sha-256=:${sha256(body).toString("base64")}:`;
}

async function verifyRequest(
  request: Request,
  body: Uint8Array,
  now: number,
): Promise<Pick<Caller, "machineKey" | "proof">> {
  if (!request.headers.has("signature"))
    throw new Unproven("unsigned_request", "this request must be signed with the node's request key");
  if (request.headers.get("content-digest") !== digestOf(body)) throw forged("the body is not the one that was signed");
  const verified = await verifySignature(request, {
    policy: {
      algorithms: [SIGNATURE_ALGORITHM],
      requiredComponents: SIGNED_COMPONENTS,
      requiredParameters: SIGNED_PARAMETERS,
      maxAge: MAX_LIFETIME_S,
      clockSkew: CLOCK_SKEW_S,
      now,
    },
    resolveVerifier: ({ parameters }) => {
      const key = parseRequestKey(parameters.keyid ?? "");
      return { algorithm: SIGNATURE_ALGORITHM, verify: (data, signature) => verifyWith(key, data, signature) };
    },
  });
  const { nonce, expires, requestKey } = checkParameters(verified);
  // The nonce is kept for longer than any clock in between lets the signature pass.
  return { machineKey: machineKeyFor(requestKey), proof: { nonce, expires: (expires + 2 * CLOCK_SKEW_S) * 1000 } };
}

/** Lets signed requests through, with their caller; refuses all others. */
export const requireSignature: MiddlewareHandler<AppTypes> = async (c, next) => {
  const body = new Uint8Array(await c.req.arrayBuffer());
  const now = Math.floor(Date.now() / 1000);
  let caller: Caller;
  try {
    caller = { ...(await verifyRequest(c.req.raw, body, now)), request: c.var.request };
  } catch (error) {
    if (error instanceof Unproven) return refuse(c, { code: error.code, message: error.message });
    if (isStale(error, now, c.req.raw))
      return refuse(c, {
        code: "stale_request",
        message: "the signature has expired, or a clock is wrong: sign the request anew",
      });
    if (isSignatureError(error) || error instanceof TkaError)
      return refuse(c, { code: "forged_request", message: "the request's signature does not verify" });
    throw error;
  }
  c.set("caller", caller);
  c.set("body", body);
  return next();
};
