/** `tailward admin policy …`: who reaches what, in Tailscale's policy file. Files go over as they are, comments too. */

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { printable } from "../node/index.ts";
import { list, record, text, withDefault } from "../protocol/index.ts";
import type { AdminPlace } from "./admin-place.ts";
import { UsageError } from "./usage-error.ts";

const HUJSON = "application/hujson";
const STDIN = "-";
const verdict = record({
  message: withDefault(text, ""),
  data: list(record({ user: text, errors: list(text, 1000) }), 10_000),
});

interface File {
  readonly text: string;
  readonly etag: string | null;
}

/** The policy in a file, or on standard input where it is `-`. Throws UsageError. */
function readPolicy(path: string): string {
  try {
    return readFileSync(path === STDIN ? 0 : path, "utf8");
  } catch (error) {
    throw new UsageError(`cannot read ${path}: ${(error as Error).message}`);
  }
}

function get(place: AdminPlace): Promise<File> {
  return place.client.exchange("GET", place.path("/acl"), null, { accept: HUJSON });
}

function set(place: AdminPlace, policy: string, etag: string | null): Promise<File> {
  const match: Record<string, string> = etag === null ? {} : { "if-match": `"${etag.replaceAll('"', "")}"` };
  return place.client.exchange("POST", place.path("/acl"), policy, {
    "content-type": HUJSON,
    accept: HUJSON,
    ...match,
  });
}

/** Where the policy leads from is the control plane's to say, names of users and devices among it: so it is asked. */
async function check(place: AdminPlace, policy: string): Promise<void> {
  const headers = { "content-type": HUJSON };
  const { text: answer } = await place.client.exchange("POST", place.path("/acl/validate"), policy, headers);
  const { message, data } = verdict(JSON.parse(answer), "answer");
  const errors = data.flatMap((one) => one.errors).map((error) => `\n  ${printable(error)}`);
  if (message !== "") throw new UsageError(`${printable(message)}${errors.join("")}`);
  place.terminal.out("The policy is good, and its tests hold.\n");
}

/** Opens the policy in an editor, and sets what comes of it if nobody else has set another meanwhile. */
async function edit(place: AdminPlace): Promise<void> {
  const { EDITOR = "", VISUAL = EDITOR } = place.terminal.environment;
  if (VISUAL === "") throw new UsageError("which editor? set $EDITOR, or use policy get and policy set");
  const before = await get(place);
  const folder = mkdtempSync(join(tmpdir(), "tailward-policy-"));
  const path = join(folder, "policy.hujson");
  try {
    writeFileSync(path, before.text, { mode: 0o600 });
    // As git does: an editor may be given with arguments.
    const { status } = spawnSync("sh", ["-c", `${VISUAL} "$1"`, "sh", path], { stdio: "inherit" });
    if (status !== 0) throw new UsageError("the editor has failed: nothing was changed");
    const policy = readPolicy(path);
    if (policy !== before.text) await set(place, policy, before.etag);
    place.terminal.out(policy === before.text ? "Nothing was changed.\n" : "The policy is in force.\n");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function addPolicy(admin: Command, place: AdminPlace): void {
  const group = admin.command("policy").description("read, check and set the tailnet's policy file");
  group
    .command("get")
    .description("print the policy as it was set")
    .action(async () => place.terminal.out((await get(place)).text));
  group
    .command("set <file>")
    .description("check a policy, run its tests, and put it in force; - reads it from standard input")
    .option("--etag <etag>", "only in the place of the policy with this ETag")
    .action(async (file: string, { etag }: { etag?: string }) => {
      const stored = await set(place, readPolicy(file), etag ?? null);
      place.terminal.out(`The policy is in force. Its ETag is ${printable(stored.etag ?? "")}\n`);
    });
  group
    .command("check <file>")
    .description("check a policy and run its tests, and change nothing; - reads it from standard input")
    .action((file: string) => check(place, readPolicy(file)));
  group
    .command("edit")
    .description("open the policy in $EDITOR, and put it in force")
    .action(() => edit(place));
}
