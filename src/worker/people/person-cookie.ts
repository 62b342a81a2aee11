/**
 * The cookie of a person's session, and secrets of its kind: the number of the bucket that knows it, and 32 random bytes. Only the SHA-256 goes to the
 * bucket [H30].
 */

import type { Context } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { SESSION_MS, isPeopleBucket, peopleBucketNumber, sha256 } from "../../durable/index.ts";
import { encodeBase64 } from "../../protocol/index.ts";
import type { AppTypes } from "../app-types.ts";
import { publicOrigin } from "./public-origin.ts";

/** Of a bucket's number and a secret: 2 digits and 43 characters of base64url. */
const SECRET = /^(\d{2})([0-9A-Za-z_-]{43})$/;
const SECRET_BYTES = 32;

export interface BucketSecret {
  readonly bucket: number;
  /** SHA-256 of the whole text. */
  readonly hash: Uint8Array;
}

/** A new secret for whoever has that login. */
export function newBucketSecret(login: string): BucketSecret & { readonly text: string } {
  const bucket = peopleBucketNumber(login);
  const secret = encodeBase64(crypto.getRandomValues(new Uint8Array(SECRET_BYTES)));
  const text = `${String(bucket).padStart(2, "0")}${secret.replace("=", "").replaceAll("+", "-").replaceAll("/", "_")}`;
  return { bucket, text, hash: sha256(text) };
}

/** Reads attacker-controlled text; null where it is no such secret. */
export function parseBucketSecret(text: string): BucketSecret | null {
  const bucket = Number(SECRET.exec(text)?.[1] ?? NaN);
  return isPeopleBucket(bucket) ? { bucket, hash: sha256(text) } : null;
}

/** Over TLS the browser is held to this host, this path and TLS; within one machine there is no TLS, and some browsers refuse that name then. */
function nameOf(name: string, isSecure: boolean): string {
  return isSecure ? `__Host-${name}` : name;
}

function isSecure(c: Context<AppTypes>): boolean {
  return publicOrigin(c).startsWith("https:");
}

/** A cookie that no script reads, and that no other site's forms or pictures send along. */
export function keepCookie(c: Context<AppTypes>, name: string, value: string, maxAge: number): void {
  const secure = isSecure(c);
  setCookie(c, nameOf(name, secure), value, { path: "/", httpOnly: true, sameSite: "Lax", secure, maxAge });
}

export function dropCookie(c: Context<AppTypes>, name: string): void {
  const secure = isSecure(c);
  deleteCookie(c, nameOf(name, secure), { path: "/", secure });
}

/** Attacker-controlled. */
export function readCookie(c: Context<AppTypes>, name: string): string | undefined {
  return getCookie(c, nameOf(name, isSecure(c)));
}

const SESSION_COOKIE = "tailward-session";

export function keepSession(c: Context<AppTypes>, text: string): void {
  keepCookie(c, SESSION_COOKIE, text, SESSION_MS / 1000);
}

export function dropSession(c: Context<AppTypes>): void {
  dropCookie(c, SESSION_COOKIE);
}

/** The secret of the session that the request brings along, or null. */
export function sessionSecret(c: Context<AppTypes>): BucketSecret | null {
  return parseBucketSecret(readCookie(c, SESSION_COOKIE) ?? "");
}
