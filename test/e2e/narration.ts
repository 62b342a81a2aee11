/** How the demo talks: numbered steps, commands as they are typed, what they print, and what was expected of it. */

import { setTimeout as sleep } from "node:timers/promises";
import type { CommandResult, Person } from "./person.ts";

/** Something that the demo promises did not happen. */
export class ExpectationFailed extends Error {
  override readonly name = "ExpectationFailed";
}

let steps = 0;

export function say(text: string): void {
  console.log(text);
}

export function step(title: string): void {
  steps++;
  say(`\n${steps}. ${title}\n${"-".repeat(String(steps).length + 2 + title.length)}`);
}

/** Fails unless `holds`; otherwise says what was seen. */
export function expectThat(what: string, holds: boolean, seen = ""): void {
  if (!holds) throw new ExpectationFailed(seen === "" ? what : `${what}\nwhat was seen instead:\n${seen}`);
  say(`   [ok] ${what}`);
}

const PATIENCE_MS = 30_000;
const LOOK_EVERY_MS = 100;

/** Waits for `holds`; fails with what `seen` gives where it does not come. */
export async function expectSoon(
  what: string,
  holds: () => Promise<boolean>,
  seen: () => Promise<string>,
): Promise<void> {
  const started = performance.now();
  while (!(await holds())) {
    if (performance.now() - started > PATIENCE_MS)
      throw new ExpectationFailed(`${what} (waited ${PATIENCE_MS / 1000} s)\nwhat was seen instead:\n${await seen()}`);
    await sleep(LOOK_EVERY_MS);
  }
  say(`   [ok] ${what}`);
}

/** Shows a command and what it printed; `most` lines of it. */
export function show(person: Person, command: string, { out, err }: CommandResult, most = 40): void {
  say(`\n   ${person.name}$ ${command}`);
  const printed = `${out}${err}`.trimEnd();
  const lines = printed === "" ? [] : printed.split("\n");
  for (const line of lines.slice(0, most)) say(`   | ${line}`.trimEnd());
  if (lines.length > most) say(`   | ... and ${lines.length - most} more lines`);
  say("");
}

/** Runs a command, shows it, and fails unless it ends with `code`. */
export async function run(
  person: Person,
  args: readonly string[],
  { code = 0, most = 40 }: { readonly code?: number; readonly most?: number } = {},
): Promise<CommandResult> {
  const result = await person.tailward(...args);
  const command = `tailward ${args.join(" ")}`;
  show(person, command, result, most);
  if (result.code !== code)
    throw new ExpectationFailed(`\`${command}\` on ${person.name} ends with ${code}; it ended with ${result.code}`);
  return result;
}

/** The one line of a command's output that gives a command to run next, as arguments. */
export function nextCommand(out: string): string[] {
  const line = out.split("\n").find((text) => text.startsWith("\ttailward "));
  if (line === undefined) throw new ExpectationFailed("the output names the command to run next");
  return line.trim().split(" ").slice(1);
}
