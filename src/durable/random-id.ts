/** Random identifiers and secrets, of letters and digits. */

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/** The largest multiple of the alphabet's size that a byte can hold: bytes from there on would favour some characters. */
const FAIR = 256 - (256 % ALPHABET.length);

/** `length` characters, each of 5.95 bits of entropy. */
export function randomText(length: number): string {
  let out = "";
  while (out.length < length) {
    for (const byte of crypto.getRandomValues(new Uint8Array(length)))
      if (byte < FAIR && out.length < length) out += ALPHABET[byte % ALPHABET.length] ?? "";
  }
  return out;
}

/** An identifier: `prefix` and ten characters. */
export function randomId(prefix: string): string {
  return `${prefix}${randomText(10)}`;
}
