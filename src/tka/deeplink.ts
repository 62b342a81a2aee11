/**
 * Links that ask a signing node to sign a device: `tailscale://sign-device/v1/?nk=…&tp=…&dn=…&os=…&em=…&hm=…`.
 * Source: Go's `tka/deeplink.go`.
 *
 * Rule [D1]: the HMAC is keyed by the first state ID, which every node of the tailnet knows: it tells our links from strangers', no more.
 * Rule [D2]: the HMAC covers the plain concatenation of the fields, so borders between them may be shifted. Show what was signed, field by
 *            field as it comes out of here, and sign that node key; never another reading of the link.
 */

import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes, decodeUtf8Lossy, encodeUtf8, equalBytesConstantTime } from "./bytes.ts";
import { TkaError } from "./errors.ts";
import { decodeHex, encodeHex } from "./text-encodings.ts";
import { escapeQuery, parseLink } from "./url-query.ts";
import type { State } from "./state.ts";

const SCHEME = "tailscale";
const HOST = "sign-device";
const VERSION = "v1";

export interface DeeplinkFields {
  /** `nodekey:…` */
  readonly nodeKey: string;
  /** `tlpub:…` */
  readonly lockKey: string;
  readonly deviceName: string;
  readonly osName: string;
  readonly loginName: string;
}

/** The parameters of a link, in the order in which the HMAC covers them. */
const PARAMETERS = [
  ["nk", "nodeKey"],
  ["tp", "lockKey"],
  ["dn", "deviceName"],
  ["os", "osName"],
  ["em", "loginName"],
] as const;

function authenticate(state: State, fields: readonly Uint8Array[]): Uint8Array {
  const key = new Uint8Array(8);
  new DataView(key.buffer).setBigUint64(0, state.stateId1, true);
  return hmac(sha256, key, concatBytes(...fields));
}

function requireFields(fields: DeeplinkFields): void {
  const wrong = PARAMETERS.find(([, name]) => fields[name] === "")?.[1];
  const unprefixed = !fields.nodeKey.startsWith("nodekey:")
    ? "nodeKey"
    : !fields.lockKey.startsWith("tlpub:")
      ? "lockKey"
      : undefined;
  const bad = wrong ?? unprefixed;
  if (bad !== undefined)
    throw new TkaError("invalid_argument", `a signing link needs a valid ${bad}`, { subject: bad });
}

/** Makes a link. Throws `invalid_argument` for an empty field, or a key without its prefix. */
export function makeDeeplink(state: State, fields: DeeplinkFields): string {
  requireFields(fields);
  const mac = encodeHex(
    authenticate(
      state,
      PARAMETERS.map(([, name]) => encodeUtf8(fields[name])),
    ),
  );
  const values: (readonly [string, string])[] = [
    ...PARAMETERS.map(([key, name]) => [key, fields[name]] as const),
    ["hm", mac],
  ];
  const query = values.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => `${key}=${escapeQuery(value)}`);
  return `${SCHEME}://${HOST}/${VERSION}/?${query.join("&")}`;
}

/**
 * The fields of an attacker-controlled link whose HMAC is ours; `osName` may be empty. Throws `malformed_text` for what is no such link,
 * `not_authorized` for a wrong HMAC.
 */
export function checkDeeplink(state: State, url: string): DeeplinkFields {
  const link = parseLink(url, SCHEME, HOST);
  if (link === null) throw new TkaError("malformed_text", `not a link of the form ${SCHEME}://${HOST}/${VERSION}/…`);
  const parts = link.path.split("/");
  if (parts.length !== 3 || parts[1] !== VERSION)
    throw new TkaError("malformed_text", "a signing link of another version");
  const values = PARAMETERS.map(([key]) => link.query.get(key) ?? new Uint8Array(0));
  const missing = PARAMETERS.find(([key], i) => key !== "os" && values[i]?.length === 0);
  if (missing !== undefined)
    throw new TkaError("malformed_text", `the link lacks ${missing[0]}`, { subject: missing[0] });
  const given = decodeHex(String.fromCharCode(...(link.query.get("hm") ?? []).slice(0, 256)));
  if (given === null || given.length === 0) throw new TkaError("malformed_text", "the link lacks hm, in hex");
  if (!equalBytesConstantTime(authenticate(state, values), given))
    throw new TkaError("not_authorized", "the link was not made in this tailnet");
  const texts = values.map(decodeUtf8Lossy);
  return Object.fromEntries(PARAMETERS.map(([, name], i) => [name, texts[i] ?? ""])) as unknown as DeeplinkFields;
}
