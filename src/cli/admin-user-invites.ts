/** `tailward admin user invite …`: invites of people. An invite's address is a secret: it goes to the standard output once, and nowhere else. */

import type { Command } from "commander";
import { printable } from "../node/index.ts";
import { list, record, text, withDefault, type ShapeOf } from "../protocol/index.ts";
import { NOTHING, type AdminPlace } from "./admin-place.ts";
import { columns } from "./columns.ts";

const invite = record({
  id: text,
  role: text,
  email: withDefault(text, ""),
  inviterId: withDefault(text, ""),
  inviteUrl: withDefault(text, ""),
  expires: withDefault(text, ""),
  warning: withDefault(text, ""),
});
const invites = list(invite, 100_000);

type Invite = ShapeOf<typeof invite>;

function madeText([made]: readonly Invite[]): string {
  if (made === undefined) return "";
  const { id, role, email, inviteUrl, expires } = made;
  const whose = email === "" ? "whoever opens it first" : printable(email);
  return `${inviteUrl}\n\nIt makes ${whose} a user of the tailnet, as ${role}, once, until ${expires} (${id}). It is not shown again, and no mail is sent: pass it on yourself.\n`;
}

function invitesText(all: readonly Invite[]): string {
  if (all.length === 0) return "No open invites: tailward admin user invite\n";
  return columns(
    all.map(({ id, role, email, expires }) => [id, role, email === "" ? "for anybody" : printable(email), expires]),
  );
}

export function addUserInvites(group: Command, place: AdminPlace, roles: string): void {
  group
    .command("invite [email]")
    .description(
      "make an invite by which somebody comes who signs in by OpenID Connect: with that address alone, if one is given",
    )
    .option("--role <role>", `one of ${roles}`, "member")
    .action(async (email: string | undefined, { role }: { role: string }) => {
      const body = [{ role, ...(email === undefined ? {} : { email }) }];
      const made = await place.ask("POST", place.path("/user-invites"), invites, body);
      for (const { warning } of made) if (warning !== "") place.terminal.err(`warning: ${printable(warning)}\n`);
      place.print(made, madeText);
    });
  group
    .command("invites")
    .description("list the invites that are open")
    .action(async () => place.print(await place.ask("GET", place.path("/user-invites"), invites), invitesText));
  group
    .command("withdraw-invite <invite>")
    .description("withdraw an invite that is open, by its ID")
    .action(async (id: string) => {
      await place.ask("DELETE", `/api/v2/user-invites/${encodeURIComponent(id)}`, NOTHING);
      place.terminal.out(`${printable(id)} is withdrawn\n`);
    });
}
