/** People who sign in, and what the record has of them. */

import { encodeHex } from "../../../src/tka/index.ts";
import type { EventKind, StoredEvent } from "../../../src/durable/index.ts";
import type { Role } from "../../../src/protocol/index.ts";
import { admin, authorityOf, makeTailnet } from "./control.ts";
import { addPerson } from "./people.ts";
import { randomBytes } from "./signed-request.ts";

/** A login that no other test uses. */
export function newLogin(): string {
  return `p${encodeHex(randomBytes(6))}@people.test`;
}

/** A tailnet with a user of a role. */
export async function tailnetWith(role: Role = "member"): Promise<{ tailnet: string; login: string; user: string }> {
  const [tailnet, login] = [await makeTailnet(), newLogin()];
  return { tailnet, login, user: await addPerson(tailnet, login, role) };
}

/** Suspends a user, or restores one. */
export async function suspend(user: string, word: "suspend" | "restore" = "suspend"): Promise<void> {
  const { status, json } = await admin("POST", `/api/v2/users/${user}/${word}`, {});
  if (status !== 200) throw new Error(JSON.stringify(json));
}

/** The tailnet's events of a kind. */
export async function eventsOf(tailnet: string, kind: EventKind): Promise<StoredEvent[]> {
  const page = await authorityOf(tailnet).recordPage("events", 0, 1000);
  if (!page.ok || page.value.part !== "events") throw new Error("no events");
  return page.value.rows.filter((event) => event.kind === kind);
}
