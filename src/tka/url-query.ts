/**
 * As much of Go's `net/url` as deep links need: the same texts are taken and the same refused, byte for byte. Values are bytes, since a
 * percent-encoded value need not be UTF-8. Source: `net/url/url.go`, Go 1.27, by its behaviour. All of it is attacker-controlled.
 */

import { encodeUtf8 } from "./bytes.ts";
import { MAX_QUERY_PARAMETERS } from "./limits.ts";

const PERCENT = 0x25;
const PLUS = 0x2b;
const SPACE = 0x20;
const USERINFO = /^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/;

function hexDigit(byte: number | undefined): number {
  if (byte === undefined) return -1;
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : -1;
}

/** Undoes percent-encoding; null where it is broken. In a query, `+` is a space. */
function unescape(text: string, query: boolean): Uint8Array | null {
  const bytes = encodeUtf8(text);
  const out = new Uint8Array(bytes.length);
  let length = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0;
    if (byte !== PERCENT) {
      out[length++] = query && byte === PLUS ? SPACE : byte;
      continue;
    }
    const high = hexDigit(bytes[i + 1]);
    const low = hexDigit(bytes[i + 2]);
    if (high < 0 || low < 0) return null;
    out[length++] = high * 16 + low;
    i += 2;
  }
  return out.subarray(0, length);
}

/** True for a host that is `wanted`, a plain name: whatever Go takes besides would have to contain other characters. */
function isHost(authority: string, wanted: string): boolean {
  const at = authority.lastIndexOf("@");
  const userinfo = at < 0 ? "" : authority.slice(0, at);
  if (!USERINFO.test(userinfo) || unescape(userinfo, false) === null) return false;
  return authority.slice(at + 1) === wanted;
}

export interface ParsedLink {
  readonly path: string;
  /** The first value of each parameter, in bytes. */
  readonly query: ReadonlyMap<string, Uint8Array>;
}

/** Parses a query; parameters with a semicolon or with broken escapes are passed over. */
function parseQuery(text: string): Map<string, Uint8Array> {
  const out = new Map<string, Uint8Array>();
  const parts = text.split("&");
  if (parts.length > MAX_QUERY_PARAMETERS) return out;
  for (const part of parts) {
    if (part === "" || part.includes(";")) continue;
    const [name, value] = cut(part, "=");
    const key = unescape(name, true);
    const bytes = unescape(value, true);
    if (key === null || bytes === null) continue;
    const keyText = String.fromCharCode(...key.subarray(0, 64));
    if (key.length <= 64 && !out.has(keyText)) out.set(keyText, bytes);
  }
  return out;
}

function cut(text: string, at: string): [string, string] {
  const index = text.indexOf(at);
  return index < 0 ? [text, ""] : [text.slice(0, index), text.slice(index + at.length)];
}

function hasControlCharacter(text: string): boolean {
  return encodeUtf8(text).some((byte) => byte < SPACE || byte === 0x7f);
}

/**
 * Parses `scheme://host/path?query`, or gives null where it is another scheme or host, or no URL.
 * The path is as it was written, which for plain paths is as Go gives it back.
 */
export function parseLink(url: string, scheme: string, host: string): ParsedLink | null {
  const [beforeFragment, fragment] = cut(url, "#");
  if (unescape(fragment, false) === null || hasControlCharacter(beforeFragment)) return null;
  const [given, rest] = cut(beforeFragment, ":");
  if (!/^[A-Za-z][A-Za-z0-9+\-.]*$/.test(given) || given.toLowerCase() !== scheme || !rest.startsWith("//"))
    return null;
  const [hierarchy, query] = cut(rest.slice(2), "?");
  const [authority, path] = cut(hierarchy, "/");
  if (!isHost(authority, host) || unescape(path, false) === null) return null;
  return { path: hierarchy.includes("/") ? `/${path}` : "", query: parseQuery(query) };
}

/** Percent-encodes a value as Go's `url.QueryEscape`: letters, digits and `-_.~` stay, a space becomes `+`. */
export function escapeQuery(value: string): string {
  let out = "";
  for (const byte of encodeUtf8(value)) {
    const character = String.fromCharCode(byte);
    if (byte === SPACE) out += "+";
    else
      out +=
        byte < 0x80 && /[A-Za-z0-9\-_.~]/.test(character)
          ? character
          : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return out;
}
