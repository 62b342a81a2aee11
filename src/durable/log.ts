/**
 * The log of the Worker and its objects, for operators and their log pipeline: one line an entry, each a JSON object with `time`, `level` and
 * `message`, the request that it belongs to where there is one, and whatever fields go with it. The audit log is another thing (audit/events.ts).
 *
 * Rule [O50]: no line holds a secret. What is logged is named by IDs; whatever has the form of a secret is cut out of a line before it is written.
 * Rule [O51]: a line is bounded, whatever an attacker has put into it, and stays one line.
 * Rule [O54]: what is done for a request is logged under its ID, in the Worker, in the objects that it asks (followed.ts), and where its events are passed on.
 */

import { AsyncLocalStorage } from "node:async_hooks";
import { env } from "cloudflare:workers";

export const LEVELS = ["debug", "info", "warn", "error"] as const;
export type Level = (typeof LEVELS)[number];

/** What goes with a message: no bytes, and nothing nested. */
export type Fields = Readonly<
  Record<string, string | number | boolean | null | undefined | readonly (string | number)[]>
>;
/** Writes an entry; `error` is whatever was thrown. */
type Write = (message: string, fields?: Fields, error?: unknown) => void;

/** Characters of one field, and of an error's stack. */
const MOST_TEXT = 1000;
const MOST_STACK = 4000;
/** Items of a list. */
const MOST_ITEMS = 100;
const REQUEST_BYTES = 16;

/** Texts by which secrets are known, and what is left of them: the public part, which says which one it was. */
const SECRETS: readonly (readonly [RegExp, string])[] = [
  [/\b(tskey-[a-z]+-[0-9A-Za-z]+)-[0-9A-Za-z]+/g, "$1-…"],
  [/\b(privkey|nlpriv|supportkey|storagekey|disablement-secret):[0-9A-Za-z+/=_-]+/g, "$1:…"],
  [/\b(Bearer|Basic) [\x21-\x7e]+/gi, "$1 …"],
];

const requests = new AsyncLocalStorage<string>();

/** A new request's ID: 32 hex digits. */
export function newRequestId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(REQUEST_BYTES));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Runs `body` as part of a request: all that it logs, and all that it awaits, carries the ID. */
export function inRequest<T>(request: string, body: () => T): T {
  return requests.run(request, body);
}

/** The request that the code which asks is part of, or null. */
export function currentRequest(): string | null {
  return requests.getStore() ?? null;
}

/** The same text without what has the form of a secret [O50]. */
function withoutSecrets(text: string): string {
  return SECRETS.reduce((left, [form, rest]) => left.replace(form, rest), text);
}

function short(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}

function errorField(error: unknown): Record<string, string> {
  if (!(error instanceof Error)) return { message: short(String(error), MOST_TEXT) };
  const { name, message, stack } = error;
  return {
    name,
    message: short(message, MOST_TEXT),
    ...(stack === undefined ? {} : { stack: short(stack, MOST_STACK) }),
  };
}

function bounded(_: string, value: unknown): unknown {
  if (typeof value === "string") return withoutSecrets(short(value, MOST_STACK));
  if (Array.isArray(value)) return value.slice(0, MOST_ITEMS);
  return value;
}

/** An entry as it is written. `now` in milliseconds since the epoch. */
export function lineOf(level: Level, message: string, fields: Fields, error: unknown, now: number): string {
  const request = currentRequest();
  const own = {
    time: new Date(now).toISOString(),
    level,
    message,
    ...(request === null ? {} : { request }),
    ...(error === undefined ? {} : { error: errorField(error) }),
  };
  const given = Object.entries(fields)
    .filter(([name]) => !Object.hasOwn(own, name))
    .map(([name, value]) => [name, typeof value === "string" ? short(value, MOST_TEXT) : value]);
  return JSON.stringify({ ...own, ...(Object.fromEntries(given) as object) }, bounded);
}

/** The least level that is written: LOG_LEVEL of the configuration; `info` where that says nothing. */
function least(): number {
  const named = LEVELS.indexOf((env as { readonly LOG_LEVEL?: Level }).LOG_LEVEL ?? "info");
  return named < 0 ? LEVELS.indexOf("info") : named;
}

function writer(level: Level): Write {
  return (message, fields = {}, error?) => {
    if (LEVELS.indexOf(level) >= least()) console[level](lineOf(level, message, fields, error, Date.now()));
  };
}

export const log: Readonly<Record<Level, Write>> = {
  debug: writer("debug"),
  info: writer("info"),
  warn: writer("warn"),
  error: writer("error"),
};
