/**
 * Who a signed request comes from [Q1][Q2][Q3]. Proven here without asking anybody; that the nonce is new is the authority's to say, and
 * which node key belongs to which machine too.
 */

import { isSignatureError, verifySignature, webcrypto, type VerifiedSignature } from "http-message-sig";
import type { MiddlewareHandler } from "hono";
import { TkaError } from "../tka/index.ts";
import type { Caller } from "../durable/index.ts";
import {
  CLOCK_SKEW_S,
  MAX_LIFETIME_S,
  NONCE_LENGTH,
  SIGNATURE_ALGORITHM,
  SIGNATURE_LABEL,
  SIGNATURE_TAG,
  SIGNED_COMPONENTS,
  SIGNED_PARAMETERS,
  contentDigest,
  formatRequestKey,
  machineKeyOf,
  parseRequestKey,
  type ControlErrorCode,
  type MachineKey,
} from "../protocol/index.ts";
import type { AppTypes } from "./app-types.ts";
import { refuse } from "./http-errors.ts";

/** Machine keys of request keys that have signed well lately: working one out costs some 2 ms. */
const machineKeys = new Map<string, MachineKey>();
const KEPT_MACHINE_KEYS = 4096;

function knownMachineKey(requestKey: Uint8Array): MachineKey {
  const id = formatRequestKey(requestKey);
  const known = machineKeys.get(id);
  if (known !== undefined) return known;
  if (machineKeys.size >= KEPT_MACHINE_KEYS) machineKeys.clear();
  const machineKey = machineKeyOf(requestKey);
  machineKeys.set(id, machineKey);
  return machineKey;
}

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

async function verifyRequest(request: Request, body: Uint8Array, now: number): Promise<Caller> {
  if (!request.headers.has("signature"))
    throw new Unproven("unsigned_request", "this request must be signed with the node's request key");
  if (request.headers.get("content-digest") !== contentDigest(body))
    throw forged("the body is not the one that was signed");
  const verified = await verifySignature(request, {
    policy: {
      algorithms: [SIGNATURE_ALGORITHM],
      requiredComponents: SIGNED_COMPONENTS,
      requiredParameters: SIGNED_PARAMETERS,
      maxAge: MAX_LIFETIME_S,
      clockSkew: CLOCK_SKEW_S,
      now,
    },
    resolveVerifier: async ({ parameters }) => {
      const key = parseRequestKey(parameters.keyid ?? "");
      return webcrypto.verifier(await crypto.subtle.importKey("raw", key, "Ed25519", false, ["verify"]));
    },
  });
  const { nonce, expires, requestKey } = checkParameters(verified);
  // The nonce is kept for longer than any clock in between lets the signature pass.
  return { machineKey: knownMachineKey(requestKey), nonce, expires: (expires + 2 * CLOCK_SKEW_S) * 1000 };
}

/** Lets signed requests through, with their caller; refuses all others. */
export const requireSignature: MiddlewareHandler<AppTypes> = async (c, next) => {
  const body = new Uint8Array(await c.req.arrayBuffer());
  const now = Math.floor(Date.now() / 1000);
  let caller: Caller;
  try {
    caller = await verifyRequest(c.req.raw, body, now);
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
  return next();
};
