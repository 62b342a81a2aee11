/** People of a tailnet: they are added, are given API tokens and devices, and change their roles, as the operator has it done. */

import type { Role } from "../../../src/protocol/index.ts";
import { admin, makeAuthKey } from "./control.ts";
import { TestNode } from "./test-node.ts";

export interface TestPerson {
  readonly id: string;
  readonly login: string;
  /** The text of an API token. */
  readonly token: string;
}

function textOf(json: Readonly<Record<string, unknown>>, field: string): string {
  const value = json[field];
  if (typeof value !== "string") throw new Error(`no ${field}: ${JSON.stringify(json)}`);
  return value;
}

/** Adds somebody, and gives the ID. */
export async function addPerson(tailnet: string, login: string, role: Role): Promise<string> {
  return textOf((await admin("POST", `/api/v2/tailnet/${tailnet}/users`, { loginName: login, role })).json, "id");
}

/** An API token of a person, or by `userId` empty of the eldest owner. */
export async function makeToken(tailnet: string, userId: string, fields: object = {}): Promise<string> {
  const body = { keyType: "api", userId, ...fields };
  return textOf((await admin("POST", `/api/v2/tailnet/${tailnet}/keys`, body)).json, "key");
}

/** Somebody with an API token. */
export async function newPerson(tailnet: string, login: string, role: Role): Promise<TestPerson> {
  const id = await addPerson(tailnet, login, role);
  return { id, login, token: await makeToken(tailnet, id) };
}

export async function setRole(person: Pick<TestPerson, "id">, role: Role): Promise<void> {
  const { status, json } = await admin("POST", `/api/v2/users/${person.id}/role`, { role });
  if (status !== 200) throw new Error(`no role: ${JSON.stringify(json)}`);
}

/** Joins a device of the person's, by an auth key that the person makes as an admin; the role is then the given one. */
export async function joinAs(tailnet: string, person: TestPerson, role: Role, name: string): Promise<TestNode> {
  await setRole(person, "admin");
  const node = new TestNode(name);
  const { status, json } = await node.register(await makeAuthKey(tailnet, {}, person.token));
  if (status !== 200) throw new Error(`${name} was refused: ${JSON.stringify(json)}`);
  await setRole(person, role);
  return node;
}

/** The ID of the owner that a tailnet is made with. */
export async function ownerOf(tailnet: string): Promise<string> {
  const { users } = (await admin("GET", `/api/v2/tailnet/${tailnet}/users`)).json as {
    readonly users: readonly { readonly id: string }[];
  };
  return users[0]?.id ?? "";
}
