/** `tailward admin login …`: nodes without an auth key that wait to be let in. */

import type { Command } from "commander";
import { printable } from "../node/index.ts";
import { list, record, text, withDefault, type ShapeOf } from "../protocol/index.ts";
import { NOTHING, type AdminPlace } from "./admin-place.ts";
import { columns } from "./columns.ts";

const login = record({
  id: text,
  hostname: withDefault(text, ""),
  os: withDefault(text, ""),
  tags: list(text, 100),
  nodeKey: text,
  created: text,
  tailnet: withDefault(text, ""),
});
const logins = record({ logins: list(login, 100_000) });

function loginsText(all: readonly ShapeOf<typeof login>[]): string {
  if (all.length === 0) return "No node waits to be let in.\n";
  return columns(
    all.map(({ id, hostname, os, tags, nodeKey, created }) => [
      id,
      printable(hostname),
      printable(os),
      nodeKey,
      created,
      tags.length === 0 ? "" : `asks for ${printable(tags.join(", "))}`,
    ]),
  );
}

export function addLogins(admin: Command, place: AdminPlace): void {
  const group = admin.command("login").description("let nodes in that have no auth key, or do not");
  group
    .command("list")
    .description(
      "list the nodes that wait; compare the node key with what the node shows, and look at the tags that it asks for",
    )
    .action(async () => place.print((await place.ask("GET", "/api/v2/logins", logins)).logins, loginsText));
  for (const [word, done] of [
    ["approve", "comes in"],
    ["deny", "does not come in"],
  ] as const)
    group
      .command(`${word} <login-id> [tailnet]`)
      .description(word === "approve" ? "let a node into a tailnet" : "let a node not in")
      .action(async (id: string, tailnet?: string) => {
        const path = place.path(`/logins/${encodeURIComponent(id)}/${word}`, tailnet ?? place.tailnet);
        await place.ask("POST", path, NOTHING, {});
        place.terminal.out(`The node ${done}\n`);
      });
}
