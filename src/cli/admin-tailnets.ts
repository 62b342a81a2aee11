/** `tailward admin tailnet …` and `tailward admin settings …`. */

import type { Command } from "commander";
import { printable } from "../node/index.ts";
import { boolean, integer, list, record, text, withDefault, type ShapeOf } from "../protocol/index.ts";
import { NOTHING, type AdminPlace } from "./admin-place.ts";
import { columns } from "./columns.ts";
import { fileArgument } from "./file-argument.ts";
import { trueOrFalse, wholeNumber } from "./flags.ts";
import { UsageError } from "./usage-error.ts";

const MOST = 100_000;
const tailnet = record({ id: text, name: text, createdAt: withDefault(text, "") });
const tailnets = record({ tailnets: list(tailnet, MOST) });
const settings = record({
  devicesApprovalOn: boolean,
  usersApprovalOn: boolean,
  devicesKeyDurationDays: integer,
  lockAllowsOldClients: boolean,
  auditLogRetentionDays: integer,
});

type Settings = ShapeOf<typeof settings>;

const READERS: { readonly [Name in keyof Settings]: (flag: string) => (value: string) => Settings[Name] } = {
  devicesApprovalOn: trueOrFalse,
  usersApprovalOn: trueOrFalse,
  devicesKeyDurationDays: wholeNumber,
  lockAllowsOldClients: trueOrFalse,
  auditLogRetentionDays: wholeNumber,
};

function settingsText(values: Settings): string {
  return columns(Object.entries(values).map(([name, value]) => [name, String(value)]));
}

/** `name=value` pairs as a patch. Throws UsageError. */
function patchOf(pairs: readonly string[]): Partial<Settings> {
  const patch = pairs.map((pair) => {
    const [name = "", value = ""] = pair.split("=", 2);
    if (!Object.hasOwn(READERS, name))
      throw new UsageError(`there is no setting ${name}: they are ${Object.keys(READERS).join(", ")}`);
    return [name, READERS[name as keyof Settings](name)(value)] as const;
  });
  return Object.fromEntries(patch);
}

export function addTailnets(admin: Command, place: AdminPlace): void {
  const group = admin.command("tailnet").description("make, list and delete tailnets");
  group
    .command("create <name>")
    .description("make a tailnet, or say which one has the name")
    .option("--owner <login>", "login name of its first owner; owner@ and its name, if not given")
    .action(async (name: string, { owner }: { owner?: string }) => {
      const body = owner === undefined ? { name } : { name, owner };
      const made = await place.ask("POST", "/api/v2/tailnets", tailnet, body);
      place.print(made, ({ id }) => `${name} is there: ${id}\n`);
    });
  group
    .command("list")
    .description("list the tailnets")
    .action(async () => {
      const listed = (await place.ask("GET", "/api/v2/tailnets", tailnets)).tailnets;
      place.print(listed, (all) =>
        all.length === 0
          ? "No tailnets: tailward admin tailnet create <name>\n"
          : columns(all.map(({ id, name, createdAt }) => [id, printable(name), createdAt])),
      );
    });
  group
    .command("delete <tailnet>")
    .description("delete a tailnet: its nodes, its auth keys and its settings")
    .option("--disablement-secret <secret>", "turns its lock off first; file:PATH reads it from a file")
    .option("--confirm", "do it; without this, only say what would be done", false)
    .action(async (named: string, flags: { disablementSecret?: string; confirm: boolean }) => {
      const { id, name } = await place.ask("GET", place.path("", named), tailnet);
      if (!flags.confirm)
        return place.terminal.out(
          `${printable(name)} (${id}) would be deleted for good: run this again with --confirm\n`,
        );
      const secret = flags.disablementSecret;
      const body = secret === undefined ? null : { disablementSecret: fileArgument(secret) };
      await place.ask("DELETE", place.path("", id), NOTHING, body);
      place.terminal.out(`${printable(name)} (${id}) is deleted\n`);
    });
}

export function addSettings(admin: Command, place: AdminPlace): void {
  const group = admin.command("settings").description("read and change a tailnet's settings");
  group
    .command("get")
    .description("show all settings")
    .action(async () => place.print(await place.ask("GET", place.path("/settings"), settings), settingsText));
  group
    .command("set <name=value...>")
    .description(`change settings: ${Object.keys(READERS).join(", ")}`)
    .action(async (pairs: string[]) => {
      const patch = patchOf(pairs);
      place.print(await place.ask("PATCH", place.path("/settings"), settings, patch), settingsText);
    });
}
