/** `tailward admin token …` and `tailward admin client …`: API tokens of people, and OAuth clients. Their secrets are printed once. */

import type { Command } from "commander";
import { printable } from "../node/index.ts";
import { key, keysOfKind, revokeKey, standingOf, type Key } from "./admin-key-lists.ts";
import type { AdminPlace } from "./admin-place.ts";
import { loginNames, userIdOf } from "./admin-users.ts";
import { columns } from "./columns.ts";
import { seconds } from "./durations.ts";
import { splitTags } from "./tags.ts";

/** `people`: login names by ID. What the operator made names nobody. */
function listText(none: string, people: ReadonlyMap<string, string>): (all: readonly Key[]) => string {
  return (all) =>
    all.length === 0
      ? none
      : columns(
          all.map((one) => [
            one.id,
            printable(people.get(one.userId) ?? one.userId),
            ...standingOf(one),
            one.lastUsed === "" ? "never used" : `last used ${one.lastUsed}`,
            one.scopes.join(" "),
            printable([...one.tags, one.description].join(" ").trim()),
          ]),
        );
}

function addListAndRevoke(group: Command, place: AdminPlace, kind: "api" | "client", none: string): void {
  group
    .command("list")
    .description(kind === "api" ? "list them, and whose they are" : "list them, and who made them")
    .action(async () => {
      const all = await keysOfKind(place, kind);
      place.print(all, listText(none, all.length === 0 ? new Map() : await loginNames(place)));
    });
  group
    .command("revoke <id>")
    .description("have one open nothing any more")
    .action((id: string) => revokeKey(place, id));
}

interface TokenFlags {
  readonly user?: string;
  readonly scopes?: string;
  readonly expiry?: number;
  readonly description: string;
}

export function addTokens(admin: Command, place: AdminPlace): void {
  const group = admin.command("token").description("make, list and revoke API tokens of people");
  group
    .command("create")
    .description("make an API token, and print it, once")
    .option("--user <user>", "by the operator: whose it is, by login name; an owner's, if not given")
    .option("--scopes <scopes>", "what it covers, as dns:read,devices:core; all that its person may, if not given")
    .option("--expiry <duration>", "how long it is good, as 90d, 12h or 30m; 90d at most", seconds)
    .option("--description <text>", "what it is for", "")
    .action(async ({ user, scopes, expiry, description }: TokenFlags) => {
      const body = {
        keyType: "api",
        ...(user === undefined ? {} : { userId: await userIdOf(place, user) }),
        scopes: splitTags([scopes ?? ""]),
        ...(expiry === undefined ? {} : { expirySeconds: expiry }),
        description,
      };
      place.print(await place.ask("POST", place.path("/keys"), key, body), (made) => `${made.key}\n`);
    });
  addListAndRevoke(group, place, "api", "No API tokens: tailward admin token create\n");
}

interface ClientFlags {
  readonly scopes: string;
  readonly tags?: string;
  readonly description: string;
}

export function addClients(admin: Command, place: AdminPlace): void {
  const group = admin.command("client").description("make, list and revoke OAuth clients, for programs");
  group
    .command("create")
    .description("make an OAuth client, and print its ID and its secret, once")
    .requiredOption("--scopes <scopes>", "what it covers, as dns:read,devices:core")
    .option("--tags <tags>", "the tags that it may give, as tag:a,tag:b")
    .option("--description <text>", "what it is for", "")
    .action(async ({ scopes, tags, description }: ClientFlags) => {
      const given = { scopes: splitTags([scopes]), tags: splitTags([tags ?? ""]) };
      const body = { keyType: "client", ...given, description };
      const made = await place.ask("POST", place.path("/keys"), key, body);
      place.print(made, ({ id, key: secret }) => `client ID      ${id}\nclient secret  ${secret}\n`);
    });
  addListAndRevoke(group, place, "client", "No OAuth clients: tailward admin client create\n");
}
