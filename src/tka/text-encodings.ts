/**
 * Hex, base32 and base64 as Go's standard library reads them: line breaks in base32 and base64 are passed over, spare bits of the
 * last character are ignored, padding is refused where none belongs. Stricter readers would refuse texts that clients take.
 * Everything decoded here is attacker-controlled.
 */

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const HEX = "0123456789abcdef";

function tableOf(alphabet: string): Int8Array {
  const table = new Int8Array(128).fill(-1);
  for (let i = 0; i < alphabet.length; i++) table[alphabet.charCodeAt(i)] = i;
  return table;
}

const HEX_CODES = Uint8Array.from(HEX, (character) => character.charCodeAt(0));
const BASE32_CODES = Uint8Array.from(BASE32, (character) => character.charCodeAt(0));
const BASE64_CODES = Uint8Array.from(BASE64, (character) => character.charCodeAt(0));
const BASE32_VALUES = tableOf(BASE32);
const BASE64_VALUES = tableOf(BASE64);
const HEX_VALUES = tableOf(HEX);
for (let i = 0; i < 6; i++) HEX_VALUES["A".charCodeAt(0) + i] = 10 + i;

function valueOf(table: Int8Array, text: string, at: number): number {
  const code = text.charCodeAt(at);
  return code < 128 ? (table[code] ?? -1) : -1;
}

/** Characters that become text at once: strings that grow by one at a time are slow, and a call takes only so many arguments. */
const PIECE = 1024;
/** Scratch space: character codes on their way to a text. */
const codes: number[] = [];

function takeCodes(count: number): string {
  codes.length = count;
  return String.fromCharCode(...codes);
}

function encodeBits(bytes: Uint8Array, alphabet: Uint8Array, width: number): string {
  const mask = (1 << width) - 1;
  let out = "";
  let count = 0;
  let held = 0;
  let bits = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= width) {
      bits -= width;
      codes[count++] = alphabet[(held >> bits) & mask] ?? 0;
    }
    held &= (1 << bits) - 1;
    if (count < PIECE) continue;
    out += takeCodes(count);
    count = 0;
  }
  if (bits > 0) codes[count++] = alphabet[(held << (width - bits)) & mask] ?? 0;
  return out + takeCodes(count);
}

/**
 * Bytes that so many characters give. A last group whose last character adds no whole byte was not written by an encoder: in base64 it is
 * refused, in base32 Go passes over the group.
 */
function wholeLength(characters: number, width: number): number | null {
  const bits = characters * width;
  if (bits % 8 < width) return Math.floor(bits / 8);
  return width === 6 ? null : Math.floor(characters / 8) * 5;
}

function decodeBits(text: string, table: Int8Array, width: number): Uint8Array | null {
  const clean = text.replace(/[\r\n]/g, "");
  const whole = wholeLength(clean.length, width);
  if (whole === null) return null;
  const out = new Uint8Array(whole);
  let held = 0;
  let bits = 0;
  let at = 0;
  for (let i = 0; i < clean.length; i++) {
    const value = valueOf(table, clean, i);
    if (value < 0) return null;
    held = ((held << width) | value) & 0xfff;
    bits += width;
    if (bits >= 8) {
      bits -= 8;
      out[at++] = (held >> bits) & 0xff;
    }
  }
  return out;
}

/** Base32 without padding (RFC 4648 section 6), as AUM hashes are written. */
export const encodeBase32 = (bytes: Uint8Array): string => encodeBits(bytes, BASE32_CODES, 5);
/** Null where it is not unpadded base32; of a last group of 1, 3 or 6 characters nothing is taken, as in Go. */
export const decodeBase32 = (text: string): Uint8Array | null => decodeBits(text, BASE32_VALUES, 5);

/** Base64 without padding (RFC 4648 section 4), as wrapped auth keys carry it. */
export const encodeBase64Raw = (bytes: Uint8Array): string => encodeBits(bytes, BASE64_CODES, 6);
/** Null where it is not unpadded base64. */
export const decodeBase64Raw = (text: string): Uint8Array | null => decodeBits(text, BASE64_VALUES, 6);

/** Lower-case hex. */
export const encodeHex = (bytes: Uint8Array): string => encodeBits(bytes, HEX_CODES, 4);

/** Hex of either case; null where it is not. */
export function decodeHex(text: string): Uint8Array | null {
  if (text.length % 2 !== 0) return null;
  const out = new Uint8Array(text.length / 2);
  for (let i = 0; i < out.length; i++) {
    const high = valueOf(HEX_VALUES, text, 2 * i);
    const low = valueOf(HEX_VALUES, text, 2 * i + 1);
    if (high < 0 || low < 0) return null;
    out[i] = high * 16 + low;
  }
  return out;
}
