/**
 * Reads located values into the types of a policy. An absent field and a null one are the same, as in Go; a field that there is not is refused.
 *
 * Rule [F5]: what a policy file says and Tailward does not serve is refused when it is set, with the place and the reason: nothing is passed over, and
 *            so nothing is allowed that the file's author has thought forbidden.
 */

import type { Located, Member } from "./hujson.ts";
import { MAX_ENTRIES } from "./limits.ts";
import { PolicyError, quoted, type Position } from "./policy-error.ts";

/** The fields of an object by the names that Tailscale documents; names are taken in any case, as Go takes them. */
export type Fields<Name extends string> = { readonly [Key in Name]: Located | null } & { readonly at: Position };

const EDITS = 2;

/** Edits from one word to another, by letters put in, left out or changed. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const changed = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(changed, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}

/** A hint for a name that there is not. */
function meant(name: string, names: readonly string[]): string {
  const lower = name.toLowerCase().slice(0, 40);
  const near = names.find((known) => distance(lower, known.toLowerCase()) <= EDITS);
  return near === undefined ? `they are ${names.join(", ")}` : `is ${quoted(near)} meant?`;
}

function isAbsent(value: Located | null | undefined): boolean {
  return value === null || value === undefined || value.kind === "null";
}

/** True for a field that says nothing: absent, null, empty, false. */
export function isEmpty(value: Located | null): boolean {
  if (value === null || value.kind === "null") return true;
  if (value.kind === "list") return value.items.length === 0;
  if (value.kind === "object") return value.members.length === 0;
  return value.kind !== "number" && (value.value === "" || value.value === false);
}

export function object(value: Located, what: string): readonly Member[] {
  if (value.kind !== "object") throw new PolicyError(`${what} is an object, in braces`, value.at);
  return value.members;
}

/** The fields of an object, which has these and no others. */
export function fields<Name extends string>(value: Located, what: string, names: readonly Name[]): Fields<Name> {
  const byName = new Map<string, Located>();
  for (const { name, at, value: member } of object(value, what)) {
    const known = names.find((each) => each.toLowerCase() === name.toLowerCase());
    if (known === undefined) throw new PolicyError(`${what} has no field ${quoted(name)}: ${meant(name, names)}`, at);
    byName.set(known, member);
  }
  const found = names.map((name) => {
    const member = byName.get(name);
    return [name, member === undefined || isAbsent(member) ? null : member];
  });
  return { ...Object.fromEntries(found), at: value.at } as Fields<Name>;
}

/** A field that Tailscale has and that is not served here: it may be there as long as it says nothing [F5]. */
export function refuse(value: Located | null, reason: string): void {
  if (value !== null && !isEmpty(value)) throw new PolicyError(`${reason}: this is not served here`, value.at);
}

export function list(value: Located | null, what: string, most: number = MAX_ENTRIES): readonly Located[] {
  if (value === null) return [];
  if (value.kind !== "list") throw new PolicyError(`${what} is a list, in brackets`, value.at);
  if (value.items.length > most) throw new PolicyError(`${what} has at most ${most} entries`, value.at);
  return value.items;
}

/** A text that is there, and where. */
export interface Text {
  readonly value: string;
  readonly at: Position;
}

/** Without the spaces around it, as Tailscale takes it. */
export function text(value: Located, what: string): Text {
  if (value.kind !== "text") throw new PolicyError(`${what} is a text, in quotes`, value.at);
  return { value: value.value.trim(), at: value.at };
}

export function optionalText(value: Located | null, what: string): Text | null {
  return value === null ? null : text(value, what);
}

export function texts(value: Located | null, what: string): readonly Text[] {
  return list(value, what).map((item) => text(item, `an entry of ${what}`));
}

export function boolean(value: Located | null, what: string): boolean {
  if (value === null) return false;
  if (value.kind !== "boolean") throw new PolicyError(`${what} is true or false`, value.at);
  return value.value;
}
