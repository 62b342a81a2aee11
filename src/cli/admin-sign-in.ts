/** `tailward admin sign-in-link`: a one-time link by which a person signs in. It is a secret for ten minutes: it goes to the standard output, and nowhere else. */

import type { Command } from "commander";
import { record, text, type ShapeOf } from "../protocol/index.ts";
import type { AdminPlace } from "./admin-place.ts";

const link = record({ url: text, login: text, userId: text, expires: text });

function linkText({ url, login, expires }: ShapeOf<typeof link>): string {
  return `${url}\n\nIt signs a browser in as ${login}, once, until ${expires}. Whoever has it can use it: give it to nobody else.\n`;
}

export function addSignInLink(admin: Command, place: AdminPlace): void {
  admin
    .command("sign-in-link [login]")
    .description("make a one-time link by which a user of the tailnet signs in: an owner, if no login is named")
    .action(async (login?: string) => {
      const body = login === undefined ? {} : { login };
      place.print(await place.ask("POST", place.path("/sign-in-links"), link, body), linkText);
    });
}
