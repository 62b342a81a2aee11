/**
 * Reads attacker-controlled JSON values into typed ones. A Shape is a function that gives the value or throws a ShapeError that names the
 * place. As in Go's encoding/json, an absent field and a null one are a field's zero, and unknown fields are passed over.
 */

import { decodeBase64, encodeBase64 } from "./base64.ts";

/** A value is not of the expected shape. The message names the place and what was expected there, never the value. */
export class ShapeError extends Error {
  override readonly name = "ShapeError";
}

export type Shape<T> = (value: unknown, at: string) => T;

/** What a shape gives. */
export type ShapeOf<S> = S extends Shape<infer T> ? T : never;

function expected(what: string, at: string): ShapeError {
  return new ShapeError(`${at}: ${what} expected`);
}

export const text: Shape<string> = (value, at) => {
  if (typeof value !== "string") throw expected("a text", at);
  return value;
};

export const boolean: Shape<boolean> = (value, at) => {
  if (typeof value !== "boolean") throw expected("true or false", at);
  return value;
};

/** An integer that a double holds exactly. */
export const integer: Shape<number> = (value, at) => {
  if (typeof value !== "number" || !Number.isSafeInteger(value)) throw expected("an integer", at);
  return value;
};

/** Bytes in padded base64, as Go's encoding/json writes them. */
export const bytes: Shape<Uint8Array> = (value, at) => {
  const decoded = decodeBase64(text(value, at));
  if (decoded === null) throw expected("base64", at);
  return decoded;
};

/** A text that `parse` turns into a value; what `parse` throws becomes a ShapeError. */
export function parsed<T>(parse: (text: string) => T): Shape<T> {
  return (value, at) => {
    const given = text(value, at);
    try {
      return parse(given);
    } catch (error) {
      throw new ShapeError(`${at}: ${error instanceof Error ? error.message : "malformed"}`);
    }
  };
}

export function nullable<T>(shape: Shape<T>): Shape<T | null> {
  return (value, at) => (value === null ? null : shape(value, at));
}

/** The field may be absent: it is then null. */
export function optional<T>(shape: Shape<T>): Shape<T | null> {
  return (value, at) => (value === undefined || value === null ? null : shape(value, at));
}

/** The field may be absent or null: it is then `zero`. */
export function withDefault<T>(shape: Shape<T>, zero: T): Shape<T> {
  return (value, at) => (value === undefined || value === null ? zero : shape(value, at));
}

/** A list of at most `most` elements; absent or null is an empty one. */
export function list<T>(element: Shape<T>, most: number): Shape<T[]> {
  return (value, at) => {
    if (value === undefined || value === null) return [];
    if (!Array.isArray(value)) throw expected("a list", at);
    if (value.length > most) throw expected(`a list of at most ${most} elements`, at);
    return value.map((item: unknown, i) => element(item, `${at}[${i}]`));
  };
}

/** An object with any names, at most `most` of them; absent or null is an empty one. */
export function dictionary<T>(element: Shape<T>, most: number): Shape<Map<string, T>> {
  return (value, at) => {
    if (value === undefined || value === null) return new Map<string, T>();
    if (typeof value !== "object" || Array.isArray(value)) throw expected("an object", at);
    const entries = Object.entries(value);
    if (entries.length > most) throw expected(`an object of at most ${most} fields`, at);
    return new Map(entries.map(([name, item]) => [name, element(item, `${at}.${name.slice(0, 64)}`)]));
  };
}

type Fields = Readonly<Record<string, Shape<unknown>>>;
type Shaped<F extends Fields> = { readonly [Name in keyof F]: F[Name] extends Shape<infer T> ? T : never };

/** An object with these fields. */
export function record<F extends Fields>(fields: F): Shape<Shaped<F>> {
  return (value, at) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw expected("an object", at);
    const given = value as Readonly<Record<string, unknown>>;
    const out = Object.entries(fields).map(([name, shape]) => {
      const field = Object.hasOwn(given, name) ? given[name] : undefined;
      return [name, shape(field, `${at}.${name}`)] as const;
    });
    return Object.fromEntries(out) as Shaped<F>;
  };
}

/** Parses attacker-controlled text as JSON of a shape. Throws ShapeError. */
export function parseJson<T>(json: string, shape: Shape<T>, what: string): T {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw new ShapeError(`${what}: not JSON`);
  }
  return shape(value, what);
}

/** Replaces what JSON cannot carry on its own: bytes become padded base64, a Map an object. For JSON.stringify. */
export function jsonReplacer(_name: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return encodeBase64(value);
  return value instanceof Map ? (Object.fromEntries(value) as unknown) : value;
}
