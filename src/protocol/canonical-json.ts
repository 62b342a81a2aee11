/** JSON in one form only, as RFC 8785 has it: members in the order of their names' UTF-16, no white space, numbers as ECMAScript writes them. */

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

function isOwn(value: object, name: string): boolean {
  return (value as Readonly<Record<string, unknown>>)[name] !== undefined;
}

/**
 * The canonical JSON of a value that JSON can hold; members that are undefined are left out. What was parsed from JSON comes out the same,
 * whatever order its members stood in.
 */
export function canonicalJson(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value ?? null);
  if (Array.isArray(value)) return `[${(value as Json[]).map(canonicalJson).join(",")}]`;
  const names = Object.keys(value)
    .filter((name) => isOwn(value, name))
    .sort();
  const members = names.map(
    (name) => `${JSON.stringify(name)}:${canonicalJson((value as Record<string, unknown>)[name])}`,
  );
  return `{${members.join(",")}}`;
}
