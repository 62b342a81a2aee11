/** `tailward admin key …`: auth keys. */

import type { Command } from "commander";
import { printable } from "../node/index.ts";
import { boolean, list, record, text, withDefault, type ShapeOf } from "../protocol/index.ts";
import { NOTHING, type AdminPlace } from "./admin-place.ts";
import { columns } from "./columns.ts";
import { trueOrFalse } from "./flags.ts";
import { splitTags } from "./tags.ts";
import { UsageError } from "./usage-error.ts";

const key = record({
  id: text,
  /** There once, when it is made. A secret. */
  key: withDefault(text, ""),
  description: withDefault(text, ""),
  created: text,
  expires: text,
  invalid: withDefault(boolean, false),
  capabilities: record({
    devices: record({
      create: record({ reusable: boolean, ephemeral: boolean, preauthorized: boolean, tags: list(text, 64) }),
    }),
  }),
});
const keys = record({ keys: list(key, 100_000) });

type Key = ShapeOf<typeof key>;

const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** Seconds of a duration as `90d`, `12h`, `30m`, `10s`. Throws UsageError. */
function seconds(value: string): number {
  const [, count = "", unit = ""] = /^(\d{1,9})([smhd])$/.exec(value) ?? [];
  if (unit === "") throw new UsageError(`--expiry takes a duration, as 90d, 12h or 30m, not ${value}`, 2);
  return Number(count) * SECONDS[unit as keyof typeof SECONDS];
}

function traitsOf({ capabilities }: Key): string {
  const { reusable, ephemeral, preauthorized, tags } = capabilities.devices.create;
  const traits = [
    reusable ? "reusable" : "for one node",
    ...(ephemeral ? ["ephemeral"] : []),
    ...(preauthorized ? ["preauthorized"] : []),
    ...tags,
  ];
  return printable(traits.join(" "));
}

function keysText(all: readonly Key[]): string {
  if (all.length === 0) return "No auth keys: tailward admin key create\n";
  const rows = all.map((one) => [
    one.id,
    one.invalid ? "invalid" : "good",
    `until ${one.expires}`,
    traitsOf(one),
    printable(one.description),
  ]);
  return columns(rows);
}

interface CreateFlags {
  readonly reusable: boolean;
  readonly ephemeral: boolean;
  readonly preauthorized: boolean;
  readonly tags?: string;
  readonly expiry?: number;
  readonly description: string;
}

function bodyOf({ reusable, ephemeral, preauthorized, tags, expiry, description }: CreateFlags): object {
  const create = { reusable, ephemeral, preauthorized, tags: splitTags([tags ?? ""]) };
  return {
    capabilities: { devices: { create } },
    ...(expiry === undefined ? {} : { expirySeconds: expiry }),
    description,
  };
}

function addCreate(group: Command, place: AdminPlace): void {
  group
    .command("create")
    .description("make an auth key, and print it, once")
    .option("--reusable", "for any number of nodes", false)
    .option("--ephemeral", "for nodes that come and go", false)
    .option("--preauthorized <bool>", "its nodes need no approval", trueOrFalse("--preauthorized"), true)
    .option("--tags <tags>", "tags of its nodes, as tag:a,tag:b")
    .option("--expiry <duration>", "how long it is good, as 90d, 12h or 30m; 90d at most", seconds)
    .option("--description <text>", "what it is for", "")
    .action(async (flags: CreateFlags) => {
      const made = await place.ask("POST", place.path("/keys"), key, bodyOf(flags));
      place.print(made, (one) => `${one.key}\n`);
    });
}

export function addKeys(admin: Command, place: AdminPlace): void {
  const group = admin.command("key").description("make, list and revoke auth keys");
  addCreate(group, place);
  group
    .command("list")
    .description("list the auth keys")
    .action(async () => place.print((await place.ask("GET", place.path("/keys"), keys)).keys, keysText));
  group
    .command("revoke <key-id>")
    .description("have an auth key let nobody in any more; whoever came in by it stays")
    .action(async (id: string) => {
      await place.ask("DELETE", place.path(`/keys/${encodeURIComponent(id)}`), NOTHING);
      place.terminal.out(`${printable(id)} is revoked\n`);
    });
}
