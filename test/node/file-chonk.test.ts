/** The file Chonk: the contract, what a crash leaves [Z5] [Z6] [Z7], and the persisted format. */

import { appendFileSync, readFileSync, readdirSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { describe, expect, test, vi } from "vitest";
import { FileChonk } from "../../src/node/index.ts";
import { bootstrap, inform, openAuthority, prepare, type Chonk } from "../../src/tka/index.ts";
import { chonkContract } from "../contract/chonk.ts";
import { chain } from "../support/chains.ts";
import { codeOf } from "../support/expect-code.ts";
import { fastVerifier } from "../support/host-crypto.ts";
import { testFolder } from "./support/folder.ts";

const disk = vi.hoisted(() => ({ failNextSync: false }));
vi.mock("node:fs", async (importOriginal) => {
  const real = await importOriginal<typeof import("node:fs")>();
  const fsyncSync = (fd: number): void => {
    if (!disk.failNextSync) return real.fsyncSync(fd);
    disk.failNextSync = false;
    throw new Error("no space");
  };
  return { ...real, fsyncSync };
});

const NOW = 1_800_000_000_000;

chonkContract("FileChonk", (use) => {
  const path = join(testFolder(), "chain.log");
  use(FileChonk.open(path), () => FileChonk.open(path));
});

//  G - A - B - C - D
const c = chain("G -> A -> B -> C -> D");

/** A file whose last record is the batch C, D, and where it stood before that. */
function written(): { readonly path: string; readonly before: number; readonly after: number } {
  const path = join(testFolder(), "chain.log");
  const chonk = FileChonk.open(path);
  const genesis = bootstrap(chonk, c.aum("G"), fastVerifier, NOW);
  const second = inform(chonk, genesis, c.aums("A", "B"), fastVerifier, NOW + 1);
  const before = statSync(path).size;
  inform(chonk, second, c.aums("C", "D"), fastVerifier, NOW + 2);
  chonk.close();
  return { path, before, after: statSync(path).size };
}

function headOf(chonk: Chonk): string {
  return c.nameOf(openAuthority(chonk).head);
}

describe("a crash while a batch is written [Z5]", () => {
  test("at any byte of it leaves none of the batch, and a file that goes on", () => {
    const { path, before, after } = written();
    const whole = readFileSync(path);
    for (let cut = before; cut < after; cut++) {
      writeFileSync(path, whole.subarray(0, cut));
      const chonk = FileChonk.open(path);
      expect(headOf(chonk), `cut at ${cut}`).toBe("B");
      expect(c.namesOf(chonk.hashes())).toEqual(["A", "B", "G"]);
      expect(statSync(path).size).toBe(before);
      chonk.close();
    }
    const chonk = FileChonk.open(path);
    inform(chonk, openAuthority(chonk), c.aums("C", "D"), fastVerifier, NOW + 2);
    chonk.close();
    expect(readFileSync(path)).toEqual(whole);
  });

  test("that left the length of the batch, and zeros or garbage in it, leaves none of it", () => {
    const { path, before, after } = written();
    truncateSync(path, before);
    appendFileSync(path, Buffer.alloc(after - before));
    expect(headOf(FileChonk.open(path))).toBe("B");
    const torn = written();
    const half = readFileSync(torn.path);
    half.fill(0, torn.before + 6);
    writeFileSync(torn.path, half);
    expect(headOf(FileChonk.open(torn.path))).toBe("B");
    const pages = written();
    const headless = readFileSync(pages.path);
    headless.fill(0, pages.before, pages.before + 40);
    writeFileSync(pages.path, headless);
    expect(headOf(FileChonk.open(pages.path)), "only the payload's last pages were written").toBe("B");
    const garbled = written();
    const file = readFileSync(garbled.path);
    file.fill(0x5a, file.length - 10);
    writeFileSync(garbled.path, file);
    expect(headOf(FileChonk.open(garbled.path))).toBe("B");
  });
});

describe("damage that no crash does is an error, and nothing is written over [Z5]", () => {
  test.each([
    ["a byte of an earlier record", (file: Buffer) => file.writeUInt8(file.readUInt8(60) ^ 1, 60)],
    ["the length of an earlier record", (file: Buffer) => file.writeUInt8(file.readUInt8(10) ^ 1, 10)],
    ["the checksum of an earlier record", (file: Buffer) => file.writeUInt8(file.readUInt8(12) ^ 1, 12)],
    ["the checksum of an earlier header", (file: Buffer) => file.writeUInt8(file.readUInt8(16) ^ 1, 16)],
    ["zeros in place of an earlier header", (file: Buffer) => file.fill(0, 8, 20)],
    ["the version", (file: Buffer) => file.writeUInt8(3, 7)],
    ["the file's name", (file: Buffer) => file.write("X", 0)],
  ])("%s", (_what, damage) => {
    const { path } = written();
    const file = readFileSync(path);
    damage(file);
    writeFileSync(path, file);
    expect(codeOf(() => FileChonk.open(path))).toBe("corrupt_storage");
    expect(readFileSync(path)).toEqual(file);
  });
});

describe("a disk that refuses [Z6]", () => {
  test("leaves file and index as they were, and a later commit goes through", () => {
    const { path, after } = written();
    const chonk = FileChonk.open(path);
    const authority = openAuthority(chonk);
    const longer = chain("G -> A -> B -> C -> D -> E");
    const prepared = prepare(chonk, authority, longer.aums("E"), fastVerifier);
    disk.failNextSync = true;
    expect(() => chonk.commit(prepared, NOW)).toThrow("no space");
    expect(statSync(path).size).toBe(after);
    expect(headOf(chonk)).toBe("D");
    chonk.commit(prepared, NOW);
    expect(openAuthority(FileChonk.open(path)).head).toBe(longer.hash("E"));
  });
});

describe("files", () => {
  test("are the owner's alone, and nothing temporary is left behind [Z7]", () => {
    const folder = testFolder();
    const chonk = FileChonk.open(join(folder, "tka", "chain.log"));
    bootstrap(chonk, c.aum("G"), fastVerifier, NOW);
    chonk.removeAll();
    expect(readdirSync(join(folder, "tka"))).toEqual(["chain.log"]);
    expect(statSync(join(folder, "tka", "chain.log")).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, "tka")).mode & 0o777).toBe(0o700);
  });

  test("a commit of what is stored already writes nothing", () => {
    const { path, after } = written();
    const chonk = FileChonk.open(path);
    inform(chonk, openAuthority(chonk), c.aums("A", "B"), fastVerifier, NOW + 9);
    expect(statSync(path).size).toBe(after);
  });
});

test("the persisted format: a pinned file", () => {
  const path = join(testFolder(), "chain.log");
  const chonk = FileChonk.open(path);
  const drawn = chain("G -> A");
  const authority = bootstrap(chonk, drawn.aum("G"), fastVerifier, NOW);
  inform(chonk, authority, [drawn.aum("A")], fastVerifier, NOW + 1);
  const file = readFileSync(path);
  const [genesis, child] = [drawn.sealed("G"), drawn.sealed("A")];
  expect(file.subarray(0, 8).toString("latin1")).toBe("TWCHAIN\u0002");
  expect(file.readUInt32LE(8)).toBe(8 + 32 + 32 + 32 + 33 + 4 + genesis.bytes.length);
  const second = 161 + genesis.bytes.length;
  expect(file.readUInt32LE(12)).toBe(crc32(file.subarray(20, second)));
  expect(file.readUInt32LE(16)).toBe(crc32(file.subarray(8, 16)));
  expect(file.readBigUInt64LE(20)).toBe(BigInt(NOW));
  expect(file.subarray(28, 60)).toEqual(file.subarray(60, 92));
  expect(file.subarray(28, 60)).toEqual(file.subarray(92, 124));
  expect(file.subarray(124, 157)).toEqual(Buffer.alloc(33));
  expect(file.readUInt32LE(157)).toBe(genesis.bytes.length);
  expect(new Uint8Array(file.subarray(161, second))).toEqual(genesis.bytes);
  expect(file.subarray(second + 20, second + 52)).toEqual(file.subarray(second + 84, second + 116));
  expect(file[second + 116]).toBe(1);
  expect(file.subarray(second + 117, second + 149)).toEqual(file.subarray(92, 124));
  expect(new Uint8Array(file.subarray(second + 153))).toEqual(child.bytes);
  expect(chonk.head()).toBe(child.hash);
});
