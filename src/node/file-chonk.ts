/**
 * The Chonk of a node: one log file that only grows (chain-records.ts), with its index in memory.
 *
 * Rule [Z6]: a commit is on disk before it returns; where it cannot be written, file and index are as before.
 * Rule [Z7]: compaction writes the file anew beside the old one, and moves it into its place.
 */

import { closeSync, existsSync, fsyncSync, ftruncateSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import {
  MemoryChonk,
  TkaError,
  type AumHash,
  type Chonk,
  type Prepared,
  type PreparedCompaction,
  type VerifiedAum,
} from "../tka/index.ts";
import { replaceFile, syncFolder, writeWhole } from "./atomic-file.ts";
import { FILE_HEADER, decodeFile, encodeRecord, type ChainRecord } from "./chain-records.ts";

export class FileChonk implements Chonk {
  readonly #path: string;
  #index: MemoryChonk;
  #fd: number;
  #length: number;

  private constructor(path: string, index: MemoryChonk, fd: number, length: number) {
    this.#path = path;
    this.#index = index;
    this.#fd = fd;
    this.#length = length;
  }

  /**
   * Opens the file, which is made where there is none, and cuts off a record that was never finished. One process at a time: the
   * caller sees to that. Throws TkaError `corrupt_storage`, or what the file system throws.
   */
  static open(path: string): FileChonk {
    const made = mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    if (made !== undefined) syncFolder(dirname(made));
    if (!existsSync(path)) replaceFile(path, FILE_HEADER);
    const file = readFileSync(path);
    const { records, length } = decodeFile(file);
    const index = new MemoryChonk();
    for (const { aums, committed, head, oldestAncestor } of records) {
      for (const aum of aums) index.load(aum, committed);
      index.point(head, oldestAncestor);
    }
    // "a": writes go to the end, wherever it is.
    const fd = openSync(path, "a");
    if (length < file.length) {
      ftruncateSync(fd, length);
      fsyncSync(fd);
    }
    return new FileChonk(path, index, fd, length);
  }

  /** Lets go of the file. Nothing else may be called afterwards. */
  close(): void {
    closeSync(this.#fd);
  }

  aum(hash: AumHash): VerifiedAum | null {
    return this.#index.aum(hash);
  }

  children(parent: AumHash): readonly VerifiedAum[] {
    return this.#index.children(parent);
  }

  heads(): readonly VerifiedAum[] {
    return this.#index.heads();
  }

  lastActiveAncestor(): AumHash | null {
    return this.#index.lastActiveAncestor();
  }

  head(): AumHash | null {
    return this.#index.head();
  }

  hashes(): readonly AumHash[] {
    return this.#index.hashes();
  }

  commitTime(hash: AumHash): number | null {
    return this.#index.commitTime(hash);
  }

  #requireHead(expected: AumHash | null): void {
    const head = this.head();
    if (head !== expected)
      throw new TkaError("head_moved", "the chain has moved on", head === null ? {} : { subject: head });
  }

  #append(record: ChainRecord): void {
    const bytes = encodeRecord(record);
    try {
      writeWhole(this.#fd, bytes);
      fsyncSync(this.#fd);
    } catch (error) {
      ftruncateSync(this.#fd, this.#length);
      throw error;
    }
    this.#length += bytes.length;
  }

  commit(prepared: Prepared, now: number): void {
    this.#requireHead(prepared.headBefore);
    const { head, oldestAncestor } = prepared;
    const aums = prepared.verified.filter(({ hash }) => this.aum(hash) === null);
    const moved = head !== this.head() || oldestAncestor !== this.lastActiveAncestor();
    if (aums.length > 0 || moved) this.#append({ committed: now, head, oldestAncestor, aums });
    this.#index.commit(prepared, now);
  }

  compact(prepared: PreparedCompaction): void {
    this.#requireHead(prepared.headBefore);
    if (prepared.purge.length === 0 && prepared.oldestAncestor === this.lastActiveAncestor()) return;
    const purged = new Set(prepared.purge);
    const kept = this.hashes().filter((hash) => !purged.has(hash));
    this.#rewrite(this.#recordsOf(kept, prepared.headBefore, prepared.oldestAncestor));
    this.#index.compact(prepared);
  }

  removeAll(): void {
    this.#rewrite([]);
    this.#index.removeAll();
  }

  /** One record for each commit time, the oldest first. */
  #recordsOf(hashes: readonly AumHash[], head: AumHash, oldestAncestor: AumHash): ChainRecord[] {
    const byTime = Map.groupBy(hashes, (hash) => this.commitTime(hash) ?? 0);
    return [...byTime]
      .sort(([a], [b]) => a - b)
      .map(([committed, group]) => {
        const aums = group.map((hash) => this.aum(hash)).filter((aum) => aum !== null);
        return { committed, head, oldestAncestor, aums };
      });
  }

  #rewrite(records: readonly ChainRecord[]): void {
    const file = Buffer.concat([FILE_HEADER, ...records.map(encodeRecord)]);
    replaceFile(this.#path, file);
    const fd = openSync(this.#path, "a");
    closeSync(this.#fd);
    this.#fd = fd;
    this.#length = file.length;
  }
}
