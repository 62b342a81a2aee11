/** Our own agents among the clients of a play. */

import { Person } from "../e2e/person.ts";
import type { Scene } from "./scene.ts";

/** An agent of ours that has joined, and runs until the run ends. */
export async function startAgent(scene: Scene, name: string): Promise<Person> {
  const person = new Person(name, scene.folder);
  person.start(scene.world.control.url, await scene.authKey());
  scene.atEnd(() => person.stop());
  await scene.soon(`${name}, an agent, runs`, async () => (await person.status()) !== null);
  return person;
}

/** Its peers by name, and whether it lets them through the lock. */
export async function visiblePeers(person: Person): Promise<Map<string, boolean>> {
  const peers = (await person.status())?.node.peers ?? [];
  return new Map(peers.map(({ name, visible }) => [name.split(".")[0] ?? "", visible]));
}
