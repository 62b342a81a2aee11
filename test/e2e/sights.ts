/** What the people of a story see of one another, as their agents say. */

import { expectSoon, expectThat, run } from "./narration.ts";
import type { Person } from "./person.ts";

/** True if `person` sees all of `others`, and locks none of them out. */
export async function seesAll(person: Person, others: readonly Person[]): Promise<boolean> {
  const status = await person.status();
  const visible = (status?.node.peers ?? []).filter((peer) => peer.visible).map(({ name }) => name.split(".")[0]);
  return others.every(({ name }) => visible.includes(name));
}

/** True if `by` is told of `person`, and locks it out. */
export async function isLockedOut(person: Person, by: Person): Promise<boolean> {
  const status = await by.status();
  return status?.node.peers.some(({ name, visible }) => name.startsWith(`${person.name}.`) && !visible) ?? false;
}

/** What a person's agent says and has logged, for whoever wants to know why something did not hold. */
export async function statusText(person: Person): Promise<string> {
  const { out, err } = await person.tailward("status");
  return `${out}${err}\nthe agent's log:\n${person.log()}`;
}

/** Waits until each of them sees all the others. */
export async function expectAllSeeEachOther(people: readonly Person[]): Promise<void> {
  for (const person of people) {
    const others = people.filter((other) => other !== person);
    const names = others.map(({ name }) => name).join(", ");
    await expectSoon(
      `${person.name} sees ${names}`,
      () => seesAll(person, others),
      () => statusText(person),
    );
  }
}

/** The tailnet lock key of a person's node, as `tailward lock` prints it. */
export async function lockKeyOf(person: Person): Promise<string> {
  const { out } = await run(person, ["lock"]);
  const key = /tailnet lock key: (tlpub:[0-9a-f]{64})/.exec(out)?.[1];
  expectThat(`${person.name} has a tailnet lock key, made before there is any lock`, key !== undefined, out);
  return key ?? "";
}
