/** `tailward audit verify`: whether an exported log is the one that was written. It asks no control plane: that is who might have changed it. */

import type { Command } from "commander";
import { printable } from "../node/index.ts";
import {
  AuditVerifier,
  formatAuditHead,
  parseAuditHead,
  type AuditHead,
  type AuditVerdict,
} from "../protocol/index.ts";
import { fileArgument } from "./file-argument.ts";
import { jsonVersion } from "./flags.ts";
import { inOrder, recordsOf } from "./audit-file.ts";
import type { Terminal } from "./terminal.ts";
import { UsageError } from "./usage-error.ts";

interface Flags {
  readonly head: readonly string[];
  readonly json: 1 | false;
}

/** Heads that were kept, each as a text, or `file:PATH` with one a line. Throws UsageError. */
function headsOf(given: readonly string[]): AuditHead[] {
  const texts = given.flatMap((argument) => fileArgument(argument).split(/\s+/)).filter((text) => text !== "");
  return texts.map((text) => {
    const head = parseAuditHead(text);
    if (head === null)
      throw new UsageError("a head is <epoch>:<sequence>:<hash>, as verify and audit head print it", 2);
    return head;
  });
}

function countText(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function printVerdict({ out }: Terminal, { problems, more, notes, events, head }: AuditVerdict): void {
  for (const { code, at, message } of problems) out(`${code}: ${printable(`${at}: ${message}`)}\n`);
  if (more > 0) out(`and ${countText(more, "problem")} more\n`);
  for (const note of notes) out(`note: ${printable(note)}\n`);
  if (problems.length > 0) return;
  out(`${countText(events, "event")}: each is as it was written, and none is missing between them.\n`);
  if (head !== null) out(`head: ${formatAuditHead(head)}\n`);
}

function verdictJson({ problems, more, notes, events, head }: AuditVerdict): string {
  const shown = { holds: problems.length === 0, events, head: head === null ? null : formatAuditHead(head) };
  return `${JSON.stringify({ ...shown, problems, more, notes }, null, 2)}\n`;
}

async function verify(terminal: Terminal, paths: readonly string[], { head, json }: Flags): Promise<void> {
  const heads = headsOf(head);
  const verifier = new AuditVerifier();
  for (const path of await inOrder(paths))
    for await (const { at, value } of recordsOf(path)) {
      if (value === undefined) verifier.unreadable(at, "not JSON");
      else verifier.take(value, at);
    }
  const verdict = verifier.finish(heads);
  if (verdict.events === 0 && verdict.problems.length === 0) throw new UsageError("there is no record in it", 2);
  if (json !== false) terminal.out(verdictJson(verdict));
  else printVerdict(terminal, verdict);
  const count = verdict.problems.length + verdict.more;
  if (count > 0) throw new UsageError(`this is not the log that was written: ${countText(count, "problem")}`);
}

export function addAudit(program: Command, terminal: Terminal): void {
  const audit = program.command("audit").description("check a tailnet's audit log, as it was exported or streamed");
  audit
    .command("verify <file...>")
    .description(
      "check that a log is the one that was written: nothing edited, dropped, cut off or put in another order. - is standard input. Exits with 0 where it is, 1 where it is not, 2 where that cannot be said",
    )
    .option(
      "--head <head>",
      "a head that was kept (<epoch>:<sequence>:<hash>, or file:PATH with one a line), which must be in the log; may be given again",
      (value: string, before: readonly string[]) => [...before, value],
      [],
    )
    .option("--json [version]", "print the verdict as JSON", jsonVersion, false)
    .action((files: string[], flags: Flags) => verify(terminal, files, flags));
}
