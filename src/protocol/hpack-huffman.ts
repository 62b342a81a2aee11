/**
 * The Huffman code of HPACK strings, decoded: RFC 7541, section 5.2 and appendix B. We send none.
 *
 * Rule [H50]: what follows the last symbol is less than one octet of ones; the end-of-string symbol itself is never in a string.
 */

import { HpackError } from "./hpack-error.ts";

/** Bits of each symbol's code, one base-36 digit each, the end of string last. The code is canonical: these lengths are all of it. */
const CODE_LENGTHS =
  "dnsssssssoussussssssssusssssssss6aacd68baa8b8666555666666678f6ca" +
  "d67777777777777777777777878djde6f56565666577666567655677777fbeds" +
  "kmkkmmmnmnnnnnonoomnonnnnlmnmnnomlkmmnnlnmmolmnnllmlnmnnkmmmnmmn" +
  "qqkjmnmpqqqrrqopjlqrrqrollqqsrrrkoklmllnmmppooqnqrqqrrrrrsrrrrrq" +
  "u";

const EOS = 256;
/** The longest padding, in bits. */
const MAX_PADDING = 7;

/** The code as a tree: at `2 * node + bit` stands the next node, or the complement of a symbol. */
function buildTree(): Int16Array {
  const lengths = Array.from(CODE_LENGTHS, (digit) => parseInt(digit, 36));
  const symbols = lengths.map((_, symbol) => symbol).sort((a, b) => (lengths[a] ?? 0) - (lengths[b] ?? 0) || a - b);
  const tree = new Int16Array(2 * lengths.length);
  let nodes = 1;
  let code = 0;
  let last = 0;
  for (const symbol of symbols) {
    const length = lengths[symbol] ?? 0;
    code <<= length - last;
    last = length;
    let node = 0;
    for (let bit = length - 1; bit > 0; bit--) {
      const at = 2 * node + ((code >>> bit) & 1);
      if (tree[at] === 0) tree[at] = nodes++;
      node = tree[at] ?? 0;
    }
    tree[2 * node + (code & 1)] = ~symbol;
    code++;
  }
  return tree;
}

const TREE = buildTree();

/** The octets from `from` to `to`, attacker-controlled, as the string that they code. Throws HpackError. */
export function decodeHuffman(bytes: Uint8Array, from: number, to: number): string {
  let text = "";
  let node = 0;
  // Bits since the last symbol, and whether all of them were ones.
  let pending = 0;
  let ones = true;
  for (let at = from; at < to; at++) {
    const octet = bytes[at] ?? 0;
    for (let shift = 7; shift >= 0; shift--) {
      const bit = (octet >>> shift) & 1;
      const next = TREE[2 * node + bit] ?? 0;
      if (next < 0) {
        if (~next === EOS) throw new HpackError("the end of string is coded inside a string");
        text += String.fromCharCode(~next);
        node = 0;
        pending = 0;
        ones = true;
      } else {
        node = next;
        pending++;
        ones &&= bit === 1;
      }
    }
  }
  if (pending > MAX_PADDING || !ones) throw new HpackError("a string ends in bad padding");
  return text;
}
