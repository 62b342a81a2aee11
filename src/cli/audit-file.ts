/**
 * The records of an exported log, one after another: NDJSON, a line a record; an answer of the log's API, whole; or lines as they went to a Splunk
 * collector. What stands in a file is attacker-controlled.
 */

import { createReadStream, readFileSync } from "node:fs";
import { UsageError } from "./usage-error.ts";

export const STDIN = "-";
/** Bytes of a file that is one JSON text. */
const MOST_WHOLE_BYTES = 256 * 1024 * 1024;

/** What stands at a place of a file: a record, or what should have been one. */
export interface Line {
  /** The file and the line, or the place in its list. */
  readonly at: string;
  /** The record; undefined where the line is not JSON. */
  readonly value: unknown;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A record out of what a collector was sent around it. One that is a record itself is not taken for another that it holds. */
function unwrapped(value: unknown): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, "event")) return value;
  if (Object.hasOwn(value, "sequence")) return value;
  const { event } = value as { readonly event: unknown };
  return typeof event === "object" ? event : value;
}

/** The records of an answer of the API, or null for another value. */
function logsOf(value: unknown): readonly unknown[] | null {
  if (Array.isArray(value)) return value as readonly unknown[];
  if (typeof value !== "object" || value === null) return null;
  const { logs } = value as { readonly logs?: unknown };
  return Array.isArray(logs) ? (logs as readonly unknown[]) : null;
}

function* ofList(path: string, logs: readonly unknown[]): Generator<Line> {
  for (const [index, value] of logs.entries()) yield { at: `${path}[${index}]`, value };
}

function cannotRead(path: string, error: unknown): UsageError {
  return new UsageError(`cannot read ${path}: ${(error as Error).message}`, 2);
}

/** A file that is one JSON text over several lines, or null for one that is not. */
function whole(path: string): readonly unknown[] | null {
  const text = readFileSync(path === STDIN ? 0 : path);
  return text.length > MOST_WHOLE_BYTES ? null : logsOf(parsed(text.toString("utf8")));
}

/** Lines as NDJSON has them, which end by a line feed alone: node:readline ends one at U+2028 too, which may stand in what somebody has named. */
async function* linesOf(input: NodeJS.ReadableStream): AsyncGenerator<string> {
  let begun: string[] = [];
  for await (const chunk of input.setEncoding("utf8")) {
    const [first = "", ...more] = String(chunk).split("\n");
    begun.push(first);
    for (const next of more) {
      yield begun.join("");
      begun = [next];
    }
  }
  yield begun.join("");
}

/** Throws UsageError. */
export async function* recordsOf(path: string): AsyncGenerator<Line> {
  let number = 0;
  try {
    const input = path === STDIN ? process.stdin : createReadStream(path);
    for await (const line of linesOf(input)) {
      number += 1;
      if (line.trim() === "") continue;
      const value = parsed(line);
      const logs =
        number === 1 ? (logsOf(value) ?? (value === undefined && path !== STDIN ? whole(path) : null)) : null;
      if (logs !== null) {
        yield* ofList(path, logs);
        // What follows is the rest of the same text, or nothing.
        if (value === undefined) return;
      } else yield { at: `${path}:${number}`, value: unwrapped(value) };
    }
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw cannotRead(path, error);
  }
}

/** What the first record of a file says of its time, to put files in order; empty where there is none. */
async function beginning(path: string): Promise<string> {
  for await (const { value } of recordsOf(path)) {
    if (typeof value !== "object" || value === null) return "";
    const { eventTime = "", sequence = 0 } = value as { readonly eventTime?: unknown; readonly sequence?: unknown };
    return `${String(eventTime)} ${String(sequence).padStart(16, "0")}`;
  }
  return "";
}

/** The files in the order in which their records follow each other. */
export async function inOrder(paths: readonly string[]): Promise<readonly string[]> {
  if (paths.length === 1) return paths;
  if (paths.includes(STDIN)) throw new UsageError("standard input is read alone", 2);
  const dated = await Promise.all(paths.map(async (path) => ({ path, begins: await beginning(path) })));
  return dated.sort((a, b) => (a.begins < b.begins ? -1 : Number(a.begins > b.begins))).map(({ path }) => path);
}
