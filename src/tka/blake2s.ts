/**
 * BLAKE2s-256 without a key (RFC 7693), of a whole message. Our own, though @noble/hashes has it: beside the verifying itself, most of what the
 * authority does is hashing short messages, and with the working state in local variables that takes a seventh of the time.
 * Held to the RFC's vectors, and to @noble/hashes on messages of every length, by its test.
 */

const BLOCK_LENGTH = 64;
const DIGEST_LENGTH = 32;
const ROUNDS = 10;
/** The first word of the parameters: no key, fanout and depth 1, length of the digest. */
const PARAMETERS = 0x01010000 | DIGEST_LENGTH;

// prettier-ignore
const IV = Int32Array.of(
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
);

/** The word of the block that each step of each round takes in: 16 steps a round, a hex digit each. */
const SCHEDULE_DIGITS = [
  "0123456789abcdef",
  "ea489fd61c02b753",
  "b8c052fdae367194",
  "7931dcbe265a40f8",
  "905724afe1bc683d",
  "2c6a0b834d75fe19",
  "c51fed4a0763928b",
  "db7ec13950f4862a",
  "6fe9b308c2d714a5",
  "a2847615fb9e3cd0",
].join("");
const SCHEDULE = Uint8Array.from({ length: ROUNDS * 16 }, (_, step) => parseInt(SCHEDULE_DIGITS.charAt(step), 16));

// Scratch space: nothing in it outlives a call.
const words = new Int32Array(16);
const hash = new Int32Array(8);
const padded = new Uint8Array(BLOCK_LENGTH);

// Every index is in bounds, and said to be so by `as number`: checking for undefined would cost two thirds of the speed.
const byte = (bytes: Uint8Array, at: number): number => bytes[at] as number;
const word = (step: number): number => words[SCHEDULE[step] as number] as number;

const r16 = (x: number): number => (x >>> 16) | (x << 16);
const r12 = (x: number): number => (x >>> 12) | (x << 20);
const r8 = (x: number): number => (x >>> 8) | (x << 24);
const r7 = (x: number): number => (x >>> 7) | (x << 25);
/** Word `i` of the hash so far, and of the initial vector. */
const h = (i: number): number => hash[i] as number;
const iv = (i: number): number => IV[i] as number;

/** Fills `words` from the 64 bytes of `block` that start at `start`. */
function load(block: Uint8Array, start: number): void {
  for (let i = 0, at = start; i < 16; i++, at += 4)
    words[i] = byte(block, at) | (byte(block, at + 1) << 8) | (byte(block, at + 2) << 16) | (byte(block, at + 3) << 24);
}

/**
 * Takes `words` into `hash`; `end` is how much of the message that makes. The state is a square of words, rows a to d: a round mixes its four
 * columns, then its four diagonals, and each line here is one operation on all four.
 */
// prettier-ignore
function compress(end: number, isLast: boolean): void {
  let a0 = h(0), a1 = h(1), a2 = h(2), a3 = h(3);
  let b0 = h(4), b1 = h(5), b2 = h(6), b3 = h(7);
  let c0 = iv(0), c1 = iv(1), c2 = iv(2), c3 = iv(3);
  let d0 = iv(4) ^ end, d1 = iv(5), d2 = isLast ? ~iv(6) : iv(6), d3 = iv(7);
  for (let s = 0; s < ROUNDS * 16; s += 16) {
    a0 = (a0 + b0 + word(s)) | 0; a1 = (a1 + b1 + word(s + 2)) | 0; a2 = (a2 + b2 + word(s + 4)) | 0; a3 = (a3 + b3 + word(s + 6)) | 0;
    d0 = r16(d0 ^ a0); d1 = r16(d1 ^ a1); d2 = r16(d2 ^ a2); d3 = r16(d3 ^ a3);
    c0 = (c0 + d0) | 0; c1 = (c1 + d1) | 0; c2 = (c2 + d2) | 0; c3 = (c3 + d3) | 0;
    b0 = r12(b0 ^ c0); b1 = r12(b1 ^ c1); b2 = r12(b2 ^ c2); b3 = r12(b3 ^ c3);
    a0 = (a0 + b0 + word(s + 1)) | 0; a1 = (a1 + b1 + word(s + 3)) | 0; a2 = (a2 + b2 + word(s + 5)) | 0; a3 = (a3 + b3 + word(s + 7)) | 0;
    d0 = r8(d0 ^ a0); d1 = r8(d1 ^ a1); d2 = r8(d2 ^ a2); d3 = r8(d3 ^ a3);
    c0 = (c0 + d0) | 0; c1 = (c1 + d1) | 0; c2 = (c2 + d2) | 0; c3 = (c3 + d3) | 0;
    b0 = r7(b0 ^ c0); b1 = r7(b1 ^ c1); b2 = r7(b2 ^ c2); b3 = r7(b3 ^ c3);

    a0 = (a0 + b1 + word(s + 8)) | 0; a1 = (a1 + b2 + word(s + 10)) | 0; a2 = (a2 + b3 + word(s + 12)) | 0; a3 = (a3 + b0 + word(s + 14)) | 0;
    d3 = r16(d3 ^ a0); d0 = r16(d0 ^ a1); d1 = r16(d1 ^ a2); d2 = r16(d2 ^ a3);
    c2 = (c2 + d3) | 0; c3 = (c3 + d0) | 0; c0 = (c0 + d1) | 0; c1 = (c1 + d2) | 0;
    b1 = r12(b1 ^ c2); b2 = r12(b2 ^ c3); b3 = r12(b3 ^ c0); b0 = r12(b0 ^ c1);
    a0 = (a0 + b1 + word(s + 9)) | 0; a1 = (a1 + b2 + word(s + 11)) | 0; a2 = (a2 + b3 + word(s + 13)) | 0; a3 = (a3 + b0 + word(s + 15)) | 0;
    d3 = r8(d3 ^ a0); d0 = r8(d0 ^ a1); d1 = r8(d1 ^ a2); d2 = r8(d2 ^ a3);
    c2 = (c2 + d3) | 0; c3 = (c3 + d0) | 0; c0 = (c0 + d1) | 0; c1 = (c1 + d2) | 0;
    b1 = r7(b1 ^ c2); b2 = r7(b2 ^ c3); b3 = r7(b3 ^ c0); b0 = r7(b0 ^ c1);
  }
  hash[0] = h(0) ^ a0 ^ c0; hash[1] = h(1) ^ a1 ^ c1; hash[2] = h(2) ^ a2 ^ c2; hash[3] = h(3) ^ a3 ^ c3;
  hash[4] = h(4) ^ b0 ^ d0; hash[5] = h(5) ^ b1 ^ d1; hash[6] = h(6) ^ b2 ^ d2; hash[7] = h(7) ^ b3 ^ d3;
}

/** The digest of `message` (at most 4 GiB): 32 bytes. */
export function blake2s(message: Uint8Array): Uint8Array {
  hash.set(IV);
  hash[0] = h(0) ^ PARAMETERS;
  let start = 0;
  for (; start + BLOCK_LENGTH < message.length; start += BLOCK_LENGTH) {
    load(message, start);
    compress(start + BLOCK_LENGTH, false);
  }
  padded.fill(0);
  padded.set(message.subarray(start));
  load(padded, 0);
  compress(message.length, true);
  const digest = new Uint8Array(DIGEST_LENGTH);
  for (let i = 0; i < DIGEST_LENGTH; i++) digest[i] = h(i >> 2) >>> ((i & 3) * 8);
  return digest;
}
