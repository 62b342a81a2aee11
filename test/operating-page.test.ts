/** docs/operating.md holds to the product: its commands, options, metrics and log messages are those that there are. */

import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { USAGE } from "../scripts/deploy/arguments.ts";
import { MADE } from "../scripts/deploy/secrets.ts";
import { runProgram } from "../src/cli/index.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const page = readFileSync(`${ROOT}docs/operating.md`, "utf8");

const sources = ["src/worker", "src/durable"].flatMap((folder) =>
  readdirSync(ROOT + folder, { recursive: true, encoding: "utf8" }).map((name) =>
    name.endsWith(".ts") ? readFileSync(`${ROOT}${folder}/${name}`, "utf8") : "",
  ),
);
const code = sources.join("\n");

/** What matches, each once. */
function found(text: string, form: RegExp): string[] {
  return [...new Set([...text.matchAll(form)].map(([all, part = all]) => part))].sort();
}

/** The words of a command up to the first that is an argument. */
function wordsOf(line: string): string {
  const words = line.split(/[ `]/);
  const end = words.findIndex((word) => !/^[a-z][a-z-]*$/.test(word));
  return words.slice(0, end < 0 ? words.length : end).join(" ");
}

/** Commands that the page shows. */
const commands = found(page, /tailward ((?:admin|lock|audit) [^\n]*)/g).map(wordsOf);

async function usageOf(words: string): Promise<string> {
  let printed = "";
  const out = (text: string): void => void (printed += text);
  const terminal = { out, err: out, environment: {}, colours: false, ask: null, signal: new AbortController().signal };
  await runProgram(terminal, [...words.split(" "), "--help"]);
  return printed;
}

describe("docs/operating.md", () => {
  test("names commands that there are", async () => {
    expect(commands.length).toBeGreaterThan(12);
    const usages = await Promise.all(commands.map(async (words) => [words, await usageOf(words)] as const));
    expect(usages.filter(([words, usage]) => !usage.includes(`tailward ${words}`)).map(([words]) => words)).toEqual([]);
  });

  test("names the options of a deployment, all of them, and its secrets", () => {
    const options = found(USAGE, /^ {2}(--[a-z-]+)/gm);
    expect(options.filter((option) => !page.includes(option))).toEqual([]);
    expect(Object.keys(MADE).filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });

  test("names every metric, and none that there is not", () => {
    const made = found(code, /"(tailward_[a-z_]+)"/g);
    expect(made.length).toBeGreaterThan(15);
    expect(found(page, /`(tailward_[a-z_]+)/g)).toEqual(made.filter((name) => !UNSAID.has(name)));
  });

  test("names log messages that there are", () => {
    const [, table = ""] = /\| message \| level .*?\n([^]*?)\n\n/.exec(page) ?? [];
    const messages = found(table, /^\| `([^`]*?)(?: …)?`/gm);
    expect(messages.length).toBeGreaterThan(6);
    expect(messages.filter((message) => !code.includes(message))).toEqual([]);
  });
});

/** Numbers that say how large it is, and ask for nothing. */
const UNSAID = new Set([
  "tailward_tailnets",
  "tailward_changes",
  "tailward_record_pending_events",
  "tailward_webhook_messages_day",
]);
