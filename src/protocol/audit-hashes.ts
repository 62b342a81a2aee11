/** The hashes of an epoch's events by their numbers, for logs of millions: 32 bytes each, and little beside. */

const HASH_BYTES = 32;
const A_CHUNK = 1024;

export class AuditHashes {
  readonly #chunks = new Map<number, Uint8Array>();

  set(seq: number, hash: Uint8Array): void {
    const index = Math.floor(seq / A_CHUNK);
    const chunk = this.#chunks.get(index) ?? new Uint8Array(A_CHUNK * HASH_BYTES);
    chunk.set(hash, (seq % A_CHUNK) * HASH_BYTES);
    this.#chunks.set(index, chunk);
  }

  /** Null where there is none. (No event has a hash of zeros alone, but one that was made up.) */
  get(seq: number): Uint8Array | null {
    const at = (seq % A_CHUNK) * HASH_BYTES;
    const hash = this.#chunks.get(Math.floor(seq / A_CHUNK))?.subarray(at, at + HASH_BYTES);
    return hash?.some((byte) => byte !== 0) === true ? hash : null;
  }
}
