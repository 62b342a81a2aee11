/** The policy file: who reaches whom, by users and tags, as it changes and as devices come and get tags. */

import type { Client } from "../client.ts";
import { MIXED, TROUBLED, type Play } from "../play.ts";
import type { Scene } from "../scene.ts";

const NAMES = { tagOwners: { "tag:web": ["autogroup:admin"], "tag:db": [] } };
const MEMBERS_TO_WEB = { action: "accept", src: ["autogroup:member"], dst: ["tag:web:*"] };
const WEB_TO_DB = { src: ["tag:web"], dst: ["tag:db"], ip: ["tcp:*"] };
const ONESELF = { action: "accept", src: ["autogroup:member"], dst: ["autogroup:self:*"] };

async function setPolicy(scene: Scene, policy: object): Promise<void> {
  scene.say(`   (policy: ${JSON.stringify(policy)})`);
  await scene.world.control.call("POST", `/api/v2/tailnet/${(await scene.tailnet).id}/acl`, policy);
}

async function setTags(scene: Scene, client: Client, tags: readonly string[]): Promise<void> {
  const { control } = scene.world;
  const device = (await control.devices(await scene.tailnet)).find(({ hostname }) => hostname === client.name);
  await control.call("POST", `/api/v2/device/${device?.id ?? ""}/tags`, { tags });
}

/** Waits until each reaches just those of the others that it is to reach. */
async function expectReach(
  scene: Scene,
  clients: readonly Client[],
  open: readonly (readonly [from: Client, to: Client])[],
): Promise<void> {
  const pairs = clients.flatMap((from) => clients.filter((to) => to !== from).map((to) => ({ from, to })));
  // At once: what does not get through takes its time to say so.
  await Promise.all(
    pairs.map(({ from, to }) => {
      const isOpen = open.some(([source, target]) => source === from && target === to);
      return scene.soon(
        `${from.name} ${isOpen ? "reaches" : "does not reach"} ${to.name}`,
        async () => (await from.exchangesWith(to)) === isOpen,
      );
    }),
  );
}

const play: Play = {
  title: "policy: who reaches whom by user, tag and autogroup:self, as it changes and as devices come and get tags",
  columns: [MIXED, ...TROUBLED],
  async run(scene) {
    const [alice, bob] = await scene.join("alice", "bob");
    const [web, db] = await Promise.all([scene.client("web"), scene.client("db")]);
    await setPolicy(scene, { ...NAMES, acls: [MEMBERS_TO_WEB], grants: [WEB_TO_DB] });
    // Of the owner's own, by the policy's word; the other by its key alone.
    await scene.refused(/not permitted/, web, "up", `--auth-key=${await scene.authKey()}`, "--advertise-tags=tag:db");
    await scene.ok(web, "up", `--auth-key=${await scene.authKey()}`, "--advertise-tags=tag:web");
    await scene.ok(db, "up", `--auth-key=${await scene.authKey({ tags: ["tag:db"] })}`);
    const all = [alice, bob, web, db];
    const toWeb = [[alice, web] as const, [bob, web] as const];
    await expectReach(scene, all, [...toWeb, [web, db]]);
    await scene.middle();

    await setPolicy(scene, { ...NAMES, acls: [MEMBERS_TO_WEB, ONESELF] });
    await expectReach(scene, all, [...toWeb, [alice, bob], [bob, alice]]);
    // A device that gets a tag is nobody's any more, and what the tag is to others.
    await setTags(scene, bob, ["tag:web"]);
    await expectReach(scene, all, [
      [alice, web],
      [alice, bob],
    ]);
    await setTags(scene, bob, []);
    await expectReach(scene, all, [...toWeb, [alice, bob], [bob, alice]]);
    await setPolicy(scene, { acls: [] });
    await expectReach(scene, all, []);
    await setPolicy(scene, {});
    await expectReach(
      scene,
      all,
      all.flatMap((from) => all.filter((to) => to !== from).map((to) => [from, to] as const)),
    );
  },
};

export default play;
