/** A line of NDJSON. */

/** What some readers of lines take for the end of one, and JSON lets stand as it is. */
const LINE_ENDS = /[\u0085\u2028\u2029]/g;

/** The value in JSON, with no line's end in it by anybody's count: what people have named may hold one. */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replace(LINE_ENDS, (end) => `\\u${end.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
