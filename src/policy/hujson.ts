/**
 * Human JSON (JSON with comments and trailing commas) as values that know where they stand. The syntax is momoa's; what it lets through and
 * a policy must not say is refused here.
 *
 * Rule [F4]: a name that comes twice in an object is refused, in whatever case: of two sections one would silently be dropped.
 */

import { parse, tokenize, type ValueNode } from "@humanwhocodes/momoa";
import { MAX_POLICY_CHARS } from "./limits.ts";
import { PolicyError, quoted, type Position } from "./policy-error.ts";

/** A field of an object. */
export interface Member {
  /** As it is written. */
  readonly name: string;
  readonly at: Position;
  readonly value: Located;
}

export type Located =
  | { readonly kind: "object"; readonly at: Position; readonly members: readonly Member[] }
  | { readonly kind: "list"; readonly at: Position; readonly items: readonly Located[] }
  | { readonly kind: "text"; readonly at: Position; readonly value: string }
  | { readonly kind: "number"; readonly at: Position; readonly value: number }
  | { readonly kind: "boolean"; readonly at: Position; readonly value: boolean }
  | { readonly kind: "null"; readonly at: Position };

const START: Position = { line: 1, column: 1 };
/** Characters after a complaint that are looked at. */
const MAX_LAST = 300;

/** [F4] */
function refuseDoubles(members: readonly Member[]): void {
  const seen = new Set<string>();
  for (const { name, at } of members) {
    const folded = name.toLowerCase();
    if (seen.has(folded)) throw new PolicyError(`${quoted(name)} is there twice`, at);
    seen.add(folded);
  }
}

function located(node: ValueNode): Located {
  const at = { line: node.loc.start.line, column: node.loc.start.column };
  switch (node.type) {
    case "Object": {
      const members = node.members.map(({ name, value }) => ({
        name: name.type === "String" ? name.value : name.name,
        at: { line: name.loc.start.line, column: name.loc.start.column },
        value: located(value),
      }));
      refuseDoubles(members);
      return { kind: "object", at, members };
    }
    case "Array":
      return { kind: "list", at, items: node.elements.map(({ value }) => located(value)) };
    case "String":
      return { kind: "text", at, value: node.value };
    case "Number":
      return { kind: "number", at, value: node.value };
    case "Boolean":
      return { kind: "boolean", at, value: node.value };
    case "Null":
      return { kind: "null", at };
    default:
      throw new PolicyError("this is not JSON", at);
  }
}

/** Tokens by the names that momoa has for them. */
const TOKENS: Readonly<Record<string, string>> = {
  LBrace: "{",
  RBrace: "}",
  LBracket: "[",
  RBracket: "]",
  Comma: ",",
  Colon: ":",
};

/** The last token of a file: where that ends too early, it is what momoa complains of. */
const LAST_TOKEN = /^(?:"(?:[^"\\]|\\.)*"|[{}[\],:]|[\w.+-]+)\s*$/;

/** True where objects or lists are begun and not ended. */
function isOpenAtEnd(text: string): boolean {
  const steps: Readonly<Record<string, number>> = { LBrace: 1, LBracket: 1, RBrace: -1, RBracket: -1 };
  try {
    return tokenize(text, { mode: "jsonc" }).reduce((depth, { type }) => depth + (steps[type] ?? 0), 0) > 0;
  } catch {
    // What has no tokens is wrong in another way.
    return false;
  }
}

/** What momoa throws says where, in fields of its own. */
function syntaxError(error: Error, text: string): PolicyError {
  const { line = START.line, column = START.column, offset = 0 } = error as Partial<Position> & { offset?: number };
  const reason = error.message
    .replace(/ ?\(\d+:\d+\)$/, "")
    .replace(/\.$/, "")
    .replace(/\btoken (\w+)/, (_, name: string) => `token ${TOKENS[name] ?? name.toLowerCase()}`);
  const isEarlyEnd =
    reason.includes("end of input") || (LAST_TOKEN.test(text.slice(offset, offset + MAX_LAST)) && isOpenAtEnd(text));
  const what = isEarlyEnd ? "it ends too early" : `${reason.charAt(0).toLowerCase()}${reason.slice(1)}`;
  return new PolicyError(`this is not human JSON: ${what}`, { line, column });
}

/** Parses attacker-controlled text. Throws PolicyError. */
export function parseHuJson(text: string): Located {
  if (text.length > MAX_POLICY_CHARS)
    throw new PolicyError(`a policy file has at most ${MAX_POLICY_CHARS} characters`, START);
  try {
    return located(parse(text, { mode: "jsonc", allowTrailingCommas: true }).body);
  } catch (error) {
    if (error instanceof PolicyError) throw error;
    // The parser calls itself for what is nested.
    if (error instanceof RangeError) throw new PolicyError("this is nested too deeply", START);
    if (error instanceof Error) throw syntaxError(error, text);
    throw error;
  }
}

/** The value as JSON holds it: comments are gone. */
export function plain(value: Located): unknown {
  switch (value.kind) {
    case "object": {
      const entries = value.members.map(({ name, value: member }) => [name, plain(member)] as const);
      return Object.fromEntries(entries);
    }
    case "list":
      return value.items.map(plain);
    case "null":
      return null;
    default:
      return value.value;
  }
}
