/**
 * JSON as Go's encoding/json writes it with an indent of two spaces, for output that promises to be the same byte for byte.
 *
 * Rule [J1]: `<`, `>`, `&`, U+2028 and U+2029 are escaped; a lone surrogate is U+FFFD; every other character above U+001F stands for itself.
 * Rule [J2]: integers are exact whatever their size; fields stand in the order given, names of a Go map in that of their UTF-8 bytes.
 */

/** A value to write. An array of pairs under `object` keeps its order; integers are bigint. */
export type GoJson = string | bigint | boolean | null | readonly GoJson[] | GoObject;

export interface GoObject {
  readonly object: readonly (readonly [string, GoJson])[];
}

/** An object of fields in that order; those that are undefined are left out, as Go leaves out a zero under `omitzero`. */
export function goObject(fields: readonly (readonly [string, GoJson | undefined])[]): GoObject {
  return { object: fields.filter((field): field is readonly [string, GoJson] => field[1] !== undefined) };
}

/** Compares by code points, which is the order of UTF-8 bytes; JavaScript's own order is that of UTF-16. */
function compareCodePoints(a: string, b: string): number {
  const left = Array.from(a);
  const right = Array.from(b);
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const difference = (left[i]?.codePointAt(0) ?? 0) - (right[i]?.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** An object from a Go map of texts. */
export function goMap(map: ReadonlyMap<string, string>): GoObject {
  return { object: [...map].sort(([a], [b]) => compareCodePoints(a, b)) };
}

const SHORT: ReadonlyMap<string, string> = new Map([
  ['"', '\\"'],
  ["\\", "\\\\"],
  ["\b", "\\b"],
  ["\f", "\\f"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);
const HTML = new Set(["<", ">", "&", "\u2028", "\u2029"]);

function writeText(text: string): string {
  let out = '"';
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    const short = SHORT.get(character);
    if (short !== undefined) out += short;
    else if (point < 0x20 || HTML.has(character)) out += `\\u${point.toString(16).padStart(4, "0")}`;
    else out += point >= 0xd800 && point <= 0xdfff ? "\ufffd" : character;
  }
  return `${out}"`;
}

function writeBlock(open: string, close: string, items: readonly string[], indent: string): string {
  if (items.length === 0) return open + close;
  const inner = items.map((item) => `${indent}  ${item}`).join(",\n");
  return `${open}\n${inner}\n${indent}${close}`;
}

function isObject(value: GoObject | readonly GoJson[]): value is GoObject {
  return !Array.isArray(value);
}

function write(value: GoJson, indent: string): string {
  if (value === null) return "null";
  if (typeof value === "string") return writeText(value);
  if (typeof value !== "object") return String(value);
  const deeper = `${indent}  `;
  if (!isObject(value))
    return writeBlock(
      "[",
      "]",
      value.map((item) => write(item, deeper)),
      indent,
    );
  const fields = value.object.map(([name, item]) => `${writeText(name)}: ${write(item, deeper)}`);
  return writeBlock("{", "}", fields, indent);
}

/** The text, with the line break that Go's Encoder puts at the end. */
export function encodeGoJson(value: GoJson): string {
  return `${write(value, "")}\n`;
}
