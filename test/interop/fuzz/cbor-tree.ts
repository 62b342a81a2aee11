/**
 * CBOR as a tree that may say anything, right or wrong: heads longer than need be, lying lengths, reserved values. Written to bytes only;
 * the authority's own codec is what is under test, so none of it is used here.
 */

/** A head's width: the shortest, or 1, 2, 4 or 8 bytes after the initial byte. */
export type Width = 0 | 1 | 2 | 4 | 8;

export type Tree =
  | { readonly is: "uint" | "negative" | "tag" | "simple"; readonly value: bigint; readonly width: Width }
  | { readonly is: "bytes" | "text"; readonly data: Uint8Array; readonly width: Width }
  | { readonly is: "array"; readonly items: readonly Tree[]; readonly width: Width }
  | { readonly is: "map"; readonly pairs: readonly (readonly [Tree, Tree])[]; readonly width: Width }
  | { readonly is: "raw"; readonly data: Uint8Array };

const MAJOR = { uint: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5, tag: 6, simple: 7 } as const;

export const uint = (value: number | bigint): Tree => ({ is: "uint", value: BigInt(value), width: 0 });
export const bytesTree = (data: Uint8Array): Tree => ({ is: "bytes", data, width: 0 });
export const textTree = (text: string): Tree => ({ is: "text", data: new TextEncoder().encode(text), width: 0 });
export const arrayTree = (items: readonly Tree[]): Tree => ({ is: "array", items, width: 0 });
export const mapTree = (pairs: readonly (readonly [Tree, Tree])[]): Tree => ({ is: "map", pairs, width: 0 });
export const raw = (...data: number[]): Tree => ({ is: "raw", data: Uint8Array.from(data) });
export const NULL = raw(0xf6);

function shortest(value: bigint): Width {
  return value < 24n ? 0 : value < 0x100n ? 1 : value < 0x10000n ? 2 : value < 0x100000000n ? 4 : 8;
}

const INFO: Readonly<Record<Width, number>> = { 0: 0, 1: 24, 2: 25, 4: 26, 8: 27 };

function writeHead(out: number[], major: number, value: bigint, wanted: Width): void {
  const least = shortest(value);
  const width = wanted > least ? wanted : least;
  out.push((major << 5) | (width === 0 ? Number(value) : INFO[width]));
  for (let i = width - 1; i >= 0; i--) out.push(Number((value >> BigInt(8 * i)) & 0xffn));
}

function append(out: number[], data: Uint8Array): void {
  for (const byte of data) out.push(byte);
}

function writeTree(out: number[], tree: Tree): void {
  switch (tree.is) {
    case "raw":
      return append(out, tree.data);
    case "bytes":
    case "text":
      writeHead(out, MAJOR[tree.is], BigInt(tree.data.length), tree.width);
      return append(out, tree.data);
    case "array":
      writeHead(out, MAJOR.array, BigInt(tree.items.length), tree.width);
      for (const item of tree.items) writeTree(out, item);
      return;
    case "map":
      writeHead(out, MAJOR.map, BigInt(tree.pairs.length), tree.width);
      for (const [key, value] of tree.pairs) {
        writeTree(out, key);
        writeTree(out, value);
      }
      return;
    default:
      writeHead(out, MAJOR[tree.is], tree.value, tree.width);
  }
}

export function encodeTree(tree: Tree): Uint8Array {
  const out: number[] = [];
  writeTree(out, tree);
  return Uint8Array.from(out);
}

/** Reads bytes that the authority wrote: canonical, and well-formed. */
export function decodeTree(bytes: Uint8Array): Tree {
  let at = 0;
  const byte = (): number => bytes[at++] ?? 0;
  const take = (length: number): Uint8Array => bytes.slice(at, (at += length));
  const read = (): Tree => {
    const initial = byte();
    const info = initial & 31;
    let value = BigInt(info);
    if (info >= 24) {
      value = 0n;
      for (let i = 1 << (info - 24); i > 0; i--) value = (value << 8n) | BigInt(byte());
    }
    const count = Number(value);
    switch (initial >> 5) {
      case 0:
        return { is: "uint", value, width: 0 };
      case 2:
        return bytesTree(take(count));
      case 3:
        return { is: "text", data: take(count), width: 0 };
      case 4:
        return arrayTree(Array.from({ length: count }, read));
      case 5:
        return mapTree(Array.from({ length: count }, () => [read(), read()] as const));
      default:
        return raw(initial);
    }
  };
  return read();
}
