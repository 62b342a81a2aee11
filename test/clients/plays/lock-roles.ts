/** Who may turn the lock on and off: by the role of whose node it is. A tagged node is nobody's. */

import type { Client } from "../client.ts";
import { initLock } from "../locks.ts";
import { EVERY, type Play } from "../play.ts";
import type { Scene } from "../scene.ts";
import { expectOff } from "../sights.ts";

const LOGIN = "bob@example.com";

/** Adds a person, and joins a client of theirs by an auth key that they make by their own API token. Gives the person's ID. */
async function joinAs(scene: Scene, client: Client, login: string): Promise<string> {
  const { control } = scene.world;
  const tailnet = `/api/v2/tailnet/${(await scene.tailnet).id}`;
  const { id } = await control.call<{ id: string }>("POST", `${tailnet}/users`, { loginName: login, role: "admin" });
  const token = await control.call<{ key: string }>("POST", `${tailnet}/keys`, { keyType: "api", userId: id });
  const create = { reusable: false, ephemeral: false, preauthorized: true, tags: [] };
  const body = { capabilities: { devices: { create } } };
  const { key } = await control.call<{ key: string }>("POST", `${tailnet}/keys`, body, token.key);
  await scene.ok(client, "up", `--auth-key=${key}`);
  return id;
}

const play: Play = {
  title: "lock: on and off by the role of whose node it is; a tagged node has none",
  columns: EVERY,
  async run(scene) {
    const { control } = scene.world;
    const setRole = (id: string, role: string): Promise<unknown> =>
      control.call("POST", `/api/v2/users/${id}/role`, { role });
    const [alice] = await scene.join("alice");
    const [bob, ci] = await Promise.all([scene.client("bob"), scene.client("ci")]);
    const id = await joinAs(scene, bob, LOGIN);
    await scene.ok(ci, "up", `--auth-key=${await scene.authKey({ tags: ["tag:ci"] })}`);
    // `status` knows the people of the last whole map alone (docs/compatibility.md); `whois` knows all.
    const [address = ""] = (await bob.status()).Self.TailscaleIPs ?? [];
    for (const client of [alice, bob, ci])
      await scene.soon(
        `${client.name} knows whose bob is`,
        async () => (await client.tailscale("whois", address)).out.includes(LOGIN),
        async () => JSON.stringify(await client.tailscale("whois", address)),
      );

    await setRole(id, "member");
    const init = async (client: Client): Promise<readonly string[]> => [
      "lock",
      "init",
      "--confirm",
      await client.lockKey(),
    ];
    await scene.refused(/only an owner, an admin or an IT admin may turn the lock on/, bob, ...(await init(bob)));
    await scene.refused(/a tagged node is no person's, and has no role/, ci, ...(await init(ci)));
    await scene.middle();
    await expectOff(scene, alice, bob, ci);

    await setRole(id, "it-admin");
    const [secret = ""] = await initLock(scene, [bob, alice], [alice, bob, ci]);
    await setRole(id, "auditor");
    await scene.refused(/only an owner, an admin or an IT admin may turn the lock off/, bob, "lock", "disable", secret);
    await scene.refused(/a tagged node is no person's, and has no role/, ci, "lock", "disable", secret);
    await scene.ok(alice, "lock", "disable", secret);
    await expectOff(scene, alice, bob, ci);
  },
};

export default play;
