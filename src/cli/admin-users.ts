/** `tailward admin user …`: the people of a tailnet, and their roles. */

import type { Command } from "commander";
import { printable } from "../node/index.ts";
import { ROLES, boolean, integer, isUserId, list, record, text, withDefault, type ShapeOf } from "../protocol/index.ts";
import { NOTHING, type AdminPlace } from "./admin-place.ts";
import { addUserInvites } from "./admin-user-invites.ts";
import { columns } from "./columns.ts";
import { UsageError } from "./usage-error.ts";

const user = record({
  id: text,
  loginName: text,
  displayName: withDefault(text, ""),
  role: text,
  status: text,
  deviceCount: withDefault(integer, 0),
  currentlyConnected: withDefault(boolean, false),
  lastSeen: withDefault(text, ""),
});
const users = record({ users: list(user, 100_000) });

type User = ShapeOf<typeof user>;

const THE_ROLES = ROLES.join(", ");

function usersText(all: readonly User[]): string {
  return columns(
    all.map(({ id, loginName, role, status, deviceCount, currentlyConnected }) => [
      id,
      printable(loginName),
      role,
      status,
      deviceCount === 1 ? "1 device" : `${deviceCount} devices`,
      currentlyConnected ? "connected" : "",
    ]),
  );
}

async function allUsers(place: AdminPlace): Promise<readonly User[]> {
  return (await place.ask("GET", place.path("/users"), users)).users;
}

/** The ID of the person of that login name, or of that ID. Throws UsageError. */
export async function userIdOf(place: AdminPlace, named: string): Promise<string> {
  if (isUserId(named)) return named;
  const found = (await allUsers(place)).find(({ loginName }) => loginName === named.toLowerCase());
  if (found === undefined)
    throw new UsageError(`there is no user ${printable(named)}: tailward admin user list shows them`);
  return found.id;
}

/** The login names of people by their IDs; none where whoever asks may not see them. */
export async function loginNames(place: AdminPlace): Promise<ReadonlyMap<string, string>> {
  try {
    return new Map((await allUsers(place)).map(({ id, loginName }) => [id, loginName]));
  } catch (error) {
    if (error instanceof UsageError) return new Map();
    throw error;
  }
}

/** A change by login name or ID that takes nothing more. */
function addChange(group: Command, place: AdminPlace, word: string, what: string, done: string): void {
  group
    .command(`${word} <user>`)
    .description(what)
    .action(async (named: string) => {
      const id = await userIdOf(place, named);
      await place.ask("POST", `/api/v2/users/${id}/${word === "remove" ? "delete" : word}`, NOTHING, {});
      place.terminal.out(`${printable(named)} ${done}\n`);
    });
}

function addAdd(group: Command, place: AdminPlace): void {
  group
    .command("add <login>")
    .description("add a person by login name, as name@example.com")
    .option("--role <role>", `one of ${THE_ROLES}`, "member")
    .action(async (login: string, { role }: { role: string }) => {
      const added = await place.ask("POST", place.path("/users"), user, { loginName: login, role });
      place.print(added, ({ id, loginName }) => `${printable(loginName)} is there, as ${added.role}: ${id}\n`);
    });
}

export function addUsers(admin: Command, place: AdminPlace): void {
  const group = admin.command("user").description("invite, add, list and remove people, and give them roles");
  group
    .command("list")
    .description("list the people of the tailnet")
    .action(async () => place.print(await allUsers(place), usersText));
  addAdd(group, place);
  addUserInvites(group, place, ROLES.filter((role) => role !== "owner").join(", "));
  group
    .command("role <user> <role>")
    .description(`give a person another role: one of ${THE_ROLES}`)
    .action(async (named: string, role: string) => {
      await place.ask("POST", `/api/v2/users/${await userIdOf(place, named)}/role`, NOTHING, { role });
      place.terminal.out(`${printable(named)} has the role ${printable(role)}\n`);
    });
  const approves = "let a person in who came by an invite, where user approval is on";
  addChange(group, place, "approve", approves, "is approved");
  const suspends = "let a person in no more, and log their devices out; restore takes it back";
  addChange(group, place, "suspend", suspends, "is suspended");
  addChange(group, place, "restore", "let a person in again who was suspended", "is let in again");
  const removes = "remove a person, with their devices, API tokens and auth keys";
  addChange(group, place, "remove", removes, "is removed");
}
