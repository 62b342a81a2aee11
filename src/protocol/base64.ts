/** Padded base64 (RFC 4648 section 4), in which Go's encoding/json writes bytes. */

import { base64, base64url } from "@scure/base";

export const encodeBase64 = (bytes: Uint8Array): string => base64.encode(bytes);

/** With `-` and `_`, padded: in the JSON that `lock log` prints. */
export const encodeBase64Url = (bytes: Uint8Array): string => base64url.encode(bytes);

/** Null where it is not padded base64. */
export function decodeBase64(text: string): Uint8Array | null {
  try {
    return base64.decode(text);
  } catch {
    return null;
  }
}
