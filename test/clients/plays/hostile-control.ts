/** A control plane that lies: it slips nodes in, and shows a head of its own making. Real clients and our agent believe none of it, and lose nothing. */

import { ALONE, MIXED, type Play } from "../play.ts";
import type { Scene } from "../scene.ts";
import type { Client } from "../client.ts";
import { startAgent, visiblePeers } from "../agents.ts";
import { initLock } from "../locks.ts";
import { expectAllReach, expectNewHead, expectSigned } from "../sights.ts";
import type { Person } from "../../e2e/person.ts";
import type { Lies } from "../hostile/lies.ts";

const UNSIGNED = "evil-unsigned";
const STRANGER = "evil-stranger";

/** Has the control plane tell this from now on, and something happen, so that it tells it at once. */
async function lie(scene: Scene, told: Partial<Lies>): Promise<void> {
  const { control } = scene.world;
  const tailnet = await scene.tailnet;
  const lies: Lies = { peers: [], head: "honest", ...told };
  await control.call("PUT", `/hostile/${tailnet.id}`, lies);
  const [device] = await control.devices(tailnet);
  for (const keyExpiryDisabled of [true, false])
    await control.call("POST", `/api/v2/device/${device?.id ?? ""}/key`, { keyExpiryDisabled });
  scene.say(`   (the control plane says: ${JSON.stringify(lies)})`);
}

async function trustOf(client: Client): Promise<string> {
  const { Head, TrustedKeys } = await client.lockStatus();
  return JSON.stringify({ Head, keys: (TrustedKeys ?? []).map(({ Key }) => Key).sort() });
}

async function agentTrust(agent: Person): Promise<string> {
  const lock = (await agent.status())?.lock;
  const keys = lock?.TrustedKeys.map(({ Key }) => Buffer.from(Key).toString("hex"));
  return JSON.stringify([lock?.Head, keys?.sort()]);
}

/** Waits until these nodes have been shown to all, and all have filtered them out. */
async function expectFiltered(scene: Scene, clients: readonly Client[], agent: Person): Promise<void> {
  for (const name of [UNSIGNED, STRANGER]) {
    for (const client of clients) {
      await scene.soon(`${client.name} has filtered ${name} out`, async () =>
        ((await client.lockStatus()).FilteredPeers ?? []).some(({ Name }) => Name.startsWith(`${name}.`)),
      );
      scene.expect("... and does not see it", !(await client.peers()).has(name));
    }
    await scene.soon(`the agent locks ${name} out`, async () => (await visiblePeers(agent)).get(name) === false);
  }
}

/** Waits until the lie has reached every node's sync, and nobody trusts or stands otherwise than before. */
async function expectUnmoved(
  scene: Scene,
  clients: readonly Client[],
  agent: Person,
  told: Partial<Lies>,
): Promise<void> {
  const before = await Promise.all(clients.map(trustOf));
  const agentBefore = await agentTrust(agent);
  await lie(scene, told);
  const { id } = await scene.tailnet;
  const statuses = await Promise.all(clients.map((client) => client.lockStatus()));
  // Our agent asks nothing where it is shown a head that it has left behind.
  const asking = told.head === "old" ? statuses : [...statuses, (await agent.status())?.lock];
  for (const nodeKey of asking.map((status) => status?.NodeKey ?? ""))
    await scene.soon(`${nodeKey.slice(0, 16)} synchronises, and is told it`, async () =>
      (await scene.world.control.call<string[]>("GET", `/hostile/${id}`)).includes(nodeKey),
    );
  // What came of it is there once another round trip is over.
  await lie(scene, told);
  for (const [index, client] of clients.entries())
    scene.expect(
      `${client.name} stands where it stood`,
      (await trustOf(client)) === before[index],
      await trustOf(client),
    );
  scene.expect("the agent stands where it stood", (await agentTrust(agent)) === agentBefore);
}

const play: Play = {
  title: "a hostile control plane is not believed",
  columns: [...ALONE, MIXED],
  hostile: true,
  async run(scene) {
    const [alice, bob] = await scene.join("alice", "bob");
    const agent = await startAgent(scene, "agent");
    await initLock(scene, [alice, bob], [alice, bob]);
    const clients = [alice, bob];
    const bobsKey = await bob.lockKey();
    await expectNewHead(scene, clients, () => scene.ok(alice, "lock", "remove", "--re-sign=false", bobsKey));
    await expectNewHead(scene, clients, () => scene.ok(alice, "lock", "add", bobsKey));

    await lie(scene, {
      peers: [
        { name: UNSIGNED, signed: false },
        { name: STRANGER, signed: true },
      ],
    });
    await expectFiltered(scene, clients, agent);
    await expectUnmoved(scene, clients, agent, { head: "old" });
    await expectUnmoved(scene, clients, agent, { head: "forged" });

    await lie(scene, {});
    await expectSigned(scene, ...clients);
    await expectNewHead(scene, clients, () => scene.ok(alice, "lock", "remove", "--re-sign=false", bobsKey));
    await expectAllReach(scene, clients);
  },
};

export default play;
