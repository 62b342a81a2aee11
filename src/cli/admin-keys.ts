/** `tailward admin key …`: auth keys. */

import type { Command } from "commander";
import { printable } from "../node/index.ts";
import { key, keysOfKind, revokeKey, standingOf, type Key } from "./admin-key-lists.ts";
import type { AdminPlace } from "./admin-place.ts";
import { columns } from "./columns.ts";
import { seconds } from "./durations.ts";
import { trueOrFalse } from "./flags.ts";
import { splitTags } from "./tags.ts";

function traitsOf({ capabilities }: Key): string {
  if (capabilities === null) return "";
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
  return columns(all.map((one) => [one.id, ...standingOf(one), traitsOf(one), printable(one.description)]));
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
    .action(async () => place.print(await keysOfKind(place, "auth"), keysText));
  group
    .command("revoke <key-id>")
    .description("have an auth key let nobody in any more; whoever came in by it stays")
    .action((id: string) => revokeKey(place, id));
}
