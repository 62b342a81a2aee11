/**
 * The records of a chain's log file: what they say, and how they are written.
 *
 *   file    "TWCHAIN" and the version, 1 byte; then records
 *   record  length of the payload, u32; CRC-32 of the payload, u32; CRC-32 of these eight bytes, u32; the payload
 *   payload commit time in milliseconds, u64; head, 32 bytes; oldest ancestor, 32 bytes; then for each AUM: its hash, 32 bytes; 1 if it has
 *           a parent, or 0, 1 byte; the parent's hash, 32 bytes; its length, u32; its canonical encoding
 *
 * Numbers are little-endian. A record is one commit: there whole, or not at all. Hashes stand beside the AUMs and the CRC vouches for both, so
 * that opening a long chain need not decode and hash every AUM of it.
 *
 * Rule [Z5]: a last record that is cut short or does not match its CRC was never acknowledged, and is cut off. Damage before it is an error:
 *            a header has a CRC of its own, so that a wrong length cannot pass for a record that reaches past the end of the file.
 */

import { crc32 } from "node:zlib";
import {
  HASH_LENGTH,
  TkaError,
  hashFromBytes,
  hashToBytes,
  reviveTrustedAum,
  type AumHash,
  type VerifiedAum,
} from "../tka/index.ts";

export const FILE_HEADER: Uint8Array = Uint8Array.of(...Buffer.from("TWCHAIN"), 2);
const HEADER_CRC_AT = 8;
const RECORD_HEADER = HEADER_CRC_AT + 4;
const PAYLOAD_HEADER = 8 + 2 * HASH_LENGTH;
const PARENT_AT = HASH_LENGTH;
const LENGTH_AT = PARENT_AT + 1 + HASH_LENGTH;
const AUM_HEADER = LENGTH_AT + 4;
const NO_PARENT = Buffer.alloc(1 + HASH_LENGTH);

/** One commit: AUMs, and where the chain stands after it. */
export interface ChainRecord {
  /** Milliseconds since the epoch. */
  readonly committed: number;
  readonly head: AumHash;
  readonly oldestAncestor: AumHash;
  readonly aums: readonly VerifiedAum[];
}

function encodePayload({ committed, head, oldestAncestor, aums }: ChainRecord): Buffer {
  const time = Buffer.alloc(8);
  time.writeBigUInt64LE(BigInt(committed));
  const parts: Uint8Array[] = [time, hashToBytes(head), hashToBytes(oldestAncestor)];
  for (const { hash, parent, bytes } of aums) {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.length);
    const parentBytes = parent === null ? NO_PARENT : Buffer.from([1, ...hashToBytes(parent)]);
    parts.push(hashToBytes(hash), parentBytes, length, bytes);
  }
  return Buffer.concat(parts);
}

export function encodeRecord(record: ChainRecord): Uint8Array {
  const payload = encodePayload(record);
  const header = Buffer.alloc(RECORD_HEADER);
  header.writeUInt32LE(payload.length, 0);
  header.writeUInt32LE(crc32(payload), 4);
  header.writeUInt32LE(crc32(header.subarray(0, HEADER_CRC_AT)), HEADER_CRC_AT);
  return Buffer.concat([header, payload]);
}

function corrupt(why: string): TkaError {
  return new TkaError("corrupt_storage", `the chain's file is damaged: ${why}`);
}

function decodePayload(payload: Buffer): ChainRecord {
  if (payload.length < PAYLOAD_HEADER) throw corrupt("a record is too short");
  const hashAt = (at: number): AumHash => hashFromBytes(payload.subarray(at, at + HASH_LENGTH));
  const aums: VerifiedAum[] = [];
  for (let at = PAYLOAD_HEADER; at < payload.length;) {
    if (at + AUM_HEADER > payload.length) throw corrupt("an AUM's header is cut short");
    const start = at + AUM_HEADER;
    const end = start + payload.readUInt32LE(at + LENGTH_AT);
    if (end > payload.length) throw corrupt("an AUM is cut short");
    const parent = payload[at + PARENT_AT] === 1 ? hashAt(at + PARENT_AT + 1) : null;
    aums.push(reviveTrustedAum(hashAt(at), parent, new Uint8Array(payload.subarray(start, end))));
    at = end;
  }
  const committed = Number(payload.readBigUInt64LE(0));
  return { committed, head: hashAt(8), oldestAncestor: hashAt(8 + HASH_LENGTH), aums };
}

/** True if a whole header stands at `at`, and matches its checksum. */
function isHeader(file: Buffer, at: number): boolean {
  return (
    at + RECORD_HEADER <= file.length &&
    crc32(file.subarray(at, at + HEADER_CRC_AT)) === file.readUInt32LE(at + HEADER_CRC_AT)
  );
}

/** True if a whole record stands at `at`. */
function isRecord(file: Buffer, at: number): boolean {
  if (!isHeader(file, at)) return false;
  const start = at + RECORD_HEADER;
  const end = start + file.readUInt32LE(at);
  return end > start && end <= file.length && crc32(file.subarray(start, end)) === file.readUInt32LE(at + 4);
}

/**
 * True if what stands at `at`, whose header is broken, is what a power cut leaves of an append: pages reach the disk in any order. No record
 * follows it then. Of the first record nobody can say, and a chain is not thrown away on a guess: only zeros will do there.
 */
function isUnfinished(file: Buffer, at: number): boolean {
  if (file.subarray(at + RECORD_HEADER).every((byte) => byte === 0)) return true;
  if (at === FILE_HEADER.length) return false;
  for (let next = at + 1; next < file.length; next++) if (isRecord(file, next)) return false;
  return true;
}

/** The payload that starts at `at`, or null where the rest of the file is a record that was never finished [Z5]. */
function payloadAt(file: Buffer, at: number): Buffer | null {
  const start = at + RECORD_HEADER;
  if (start > file.length) return null;
  if (!isHeader(file, at)) {
    if (isUnfinished(file, at)) return null;
    throw corrupt("the header of a record does not match its checksum");
  }
  const end = start + file.readUInt32LE(at);
  if (end > file.length) return null;
  const payload = file.subarray(start, end);
  if (crc32(payload) === file.readUInt32LE(at + 4)) return payload;
  if (end === file.length) return null;
  throw corrupt("a record before the last one does not match its checksum");
}

/**
 * Reads a whole file. `length` is how much of it holds: what comes after is an unfinished record.
 * Throws TkaError `corrupt_storage`.
 */
export function decodeFile(file: Buffer): { readonly records: readonly ChainRecord[]; readonly length: number } {
  if (!file.subarray(0, FILE_HEADER.length).equals(FILE_HEADER))
    throw corrupt("it is none of this program's, or of another version");
  const records: ChainRecord[] = [];
  let at = FILE_HEADER.length;
  for (;;) {
    const payload = payloadAt(file, at);
    if (payload === null) return { records, length: at };
    records.push(decodePayload(payload));
    at += RECORD_HEADER + payload.length;
  }
}
