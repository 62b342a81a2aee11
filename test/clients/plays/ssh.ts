/** Tailscale SSH: who may open a session, and by which of the rules they may not. */

import type { Client } from "../client.ts";
import type { CommandResult } from "../children.ts";
import { initLock } from "../locks.ts";
import { TROUBLED, type Play } from "../play.ts";
import type { Scene } from "../scene.ts";
import { expectAllReach, expectLockedOut } from "../sights.ts";
import { RELEASES } from "../versions.ts";

const SERVES = RELEASES.find(({ servesSsh }) => servesSsh)?.version ?? "";
const ALL_ALLOWED = { action: "accept", src: ["*"], dst: ["*:*"] };
const ROOT_ALLOWED = { action: "accept", src: ["autogroup:member"], dst: ["autogroup:self"], users: ["root"] };

/** `ssh` from one machine to another's address, which trusts the host keys that the control plane handed out and no others. */
function ssh(from: Client, address: string, word: string): Promise<CommandResult> {
  const options = [
    "BatchMode=yes",
    "ConnectTimeout=3",
    "StrictHostKeyChecking=no",
    "UserKnownHostsFile=/dev/null",
    "LogLevel=INFO",
  ];
  const flags = options.flatMap((option) => ["-o", option]);
  return from.run(["ssh", "-F", "/dev/null", ...flags, `root@${address}`, "echo", word]);
}

async function opens(from: Client, address: string): Promise<boolean> {
  const word = `word-${Math.random().toString(36).slice(2)}`;
  return (await ssh(from, address, word)).out.trim() === word;
}

async function setPolicy(scene: Scene, policy: object): Promise<void> {
  scene.say(`   (policy: ${JSON.stringify(policy)})`);
  await scene.world.control.call("POST", `/api/v2/tailnet/${(await scene.tailnet).id}/acl`, policy);
}

const play: Play = {
  title:
    "SSH: a session to a signed node; none from or to an unsigned one, without an SSH rule, or without a network rule",
  columns: [
    { title: SERVES, versions: [SERVES], trouble: "none" },
    ...TROUBLED.map((column) => ({ ...column, versions: [SERVES] })),
  ],
  namespaces: true,
  async run(scene) {
    await setPolicy(scene, { acls: [ALL_ALLOWED], ssh: [ROOT_ALLOWED] });
    const [alice, bob] = await scene.join("alice", "bob");
    await initLock(scene, [alice, bob], [alice, bob]);
    await scene.ok(bob, "set", "--ssh");
    const address = await bob.address();
    await scene.soon("alice opens a session on bob, and root's shell answers", () => opens(alice, address));

    const carol = await scene.client("carol");
    await scene.ok(carol, "up", "--ssh", `--auth-key=${await scene.authKey()}`);
    await expectLockedOut(scene, carol, alice, bob);
    const [to, from] = [await opens(alice, await carol.address()), await opens(carol, address)];
    scene.expect("no session to the unsigned carol, and none from her", !to && !from);

    await scene.middle();
    await scene.soon("the session opens still", () => opens(alice, address));
    await setPolicy(scene, { acls: [ALL_ALLOWED], ssh: [] });
    await scene.soon(
      "without an SSH rule, bob's server refuses alice in so many words",
      async () => /policy does not permit/i.test(JSON.stringify(await ssh(alice, address, "x"))),
      async () => JSON.stringify(await ssh(alice, address, "x")),
    );
    await expectAllReach(scene, [alice, bob]);
    await setPolicy(scene, { acls: [], ssh: [ROOT_ALLOWED] });
    await scene.soon(
      "without a network rule, alice does not reach bob at all",
      async () => !(await alice.exchangesWith(bob)),
    );
    scene.expect("... nor opens a session", !(await opens(alice, address)));
    await setPolicy(scene, { acls: [ALL_ALLOWED], ssh: [ROOT_ALLOWED] });
    await scene.soon("with both again, the session opens", () => opens(alice, address));
  },
};

export default play;
