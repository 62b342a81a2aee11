/** What clients see of one another, as a play expects it. */

import type { Client } from "./client.ts";
import type { Scene } from "./scene.ts";

async function statusText(client: Client): Promise<string> {
  const { out, err } = await client.tailscale("status");
  const lock = await client.tailscale("lock", "status");
  return `${out}${err}${lock.out}${lock.err}`;
}

/** Waits until each exchanges a line with each other one over the tailnet, both ways. */
export async function expectAllReach(scene: Scene, clients: readonly Client[]): Promise<void> {
  const pairs = clients.flatMap((from) => clients.filter((to) => to !== from).map((to) => [from, to] as const));
  for (const [from, to] of pairs)
    await scene.soon(
      `${from.name} exchanges a line with ${to.name} over the tailnet`,
      () => from.exchangesWith(to),
      async () => `${from.name}:\n${await statusText(from)}\n${to.name}:\n${await statusText(to)}`,
    );
}

/** Waits until each of `by` sees the client among its peers. */
export async function expectSeen(scene: Scene, client: Client, ...by: readonly Client[]): Promise<void> {
  for (const other of by)
    await scene.soon(
      `${other.name} sees ${client.name}`,
      async () => (await other.peers()).has(client.name),
      () => statusText(other),
    );
}

/** Waits until none of `by` sees the client among its peers. */
export async function expectGone(scene: Scene, client: Client, ...by: readonly Client[]): Promise<void> {
  for (const other of by)
    await scene.soon(
      `${other.name} sees nothing of ${client.name}`,
      async () => !(await other.peers()).has(client.name),
      () => statusText(other),
    );
}

/** Waits until the client says that it is locked out, all others have filtered it out, and tries that no line passes in either direction. */
export async function expectLockedOut(scene: Scene, client: Client, ...by: readonly Client[]): Promise<void> {
  await scene.soon(
    `${client.name} says that it is locked out`,
    async () => /LOCKED OUT/i.test((await client.tailscale("lock", "status")).out),
    () => statusText(client),
  );
  for (const other of by)
    await scene.soon(
      `${other.name} has ${client.name} on its list of those locked out`,
      async () =>
        ((await other.lockStatus()).FilteredPeers ?? []).some(({ Name }) => Name.startsWith(`${client.name}.`)),
      () => statusText(other),
    );
  await expectNoWay(scene, client, ...by);
}

/** Waits until no line passes between the client and any of them, in either direction: a daemon lists whom it locks out a moment before it cuts them off. */
export async function expectNoWay(scene: Scene, client: Client, ...others: readonly Client[]): Promise<void> {
  const address = await client.address();
  const names = others.map(({ name }) => name).join(", ");
  await scene.soon(`no line passes between ${client.name} and ${names}, in either direction`, async () => {
    const tries = others.flatMap((other) => [
      other.reaches(address, client),
      other.address().then((back) => client.reaches(back, other)),
    ]);
    return !(await Promise.all(tries)).some((reached) => reached);
  });
}

/** Waits until the lock is on for all of them, and each of them is signed. */
export async function expectSigned(scene: Scene, ...clients: readonly Client[]): Promise<void> {
  for (const client of clients)
    await scene.soon(
      `${client.name} has the lock on, and is signed`,
      async () => {
        const { Enabled, NodeKeySigned } = await client.lockStatus();
        return Enabled && NodeKeySigned;
      },
      () => statusText(client),
    );
}

/** Waits until the lock is off for all of them. */
export async function expectOff(scene: Scene, ...clients: readonly Client[]): Promise<void> {
  for (const client of clients)
    await scene.soon(
      `the lock is off at ${client.name}`,
      async () => !(await client.lockStatus()).Enabled,
      () => statusText(client),
    );
}

/** The head of each, as text; null where its lock is off. */
async function headsOf(clients: readonly Client[]): Promise<(string | null)[]> {
  const statuses = await Promise.all(clients.map((client) => client.lockStatus()));
  return statuses.map(({ Head }) => (Head === null ? null : Buffer.from(Head).toString("hex")));
}

/** Does it, and waits until all of them stand at one head, which is none of those before. */
export async function expectNewHead(
  scene: Scene,
  clients: readonly Client[],
  change: () => Promise<unknown>,
): Promise<void> {
  const before = await headsOf(clients);
  await change();
  await scene.soon(
    `${clients.map(({ name }) => name).join(", ")} stand at one new head`,
    async () => {
      const now = await headsOf(clients);
      return now[0] !== null && now.every((head) => head === now[0] && !before.includes(head));
    },
    async () => (await headsOf(clients)).join("\n"),
  );
}

/** Waits until the client's backend is in this state. */
export function expectState(scene: Scene, client: Client, state: string): Promise<void> {
  return scene.soon(
    `${client.name} is ${state}`,
    async () => (await client.status()).BackendState === state,
    () => statusText(client),
  );
}
