/** Tailscale's clients and our own agents in one tailnet: they see one another, and sign one another. */

import { startAgent, visiblePeers } from "../agents.ts";
import { EVERY, type Play } from "../play.ts";
import { expectAllReach, expectLockedOut, expectSeen, expectSigned } from "../sights.ts";
import { formatLockKey } from "../../../src/tka/index.ts";

const play: Play = {
  title: "Tailscale's clients and our agents see and sign one another",
  columns: EVERY,
  async run(scene) {
    const [alice, bob] = await scene.join("alice", "bob");
    const agent = await startAgent(scene, "agent");
    await scene.soon("the agent sees alice and bob", async () => {
      const peers = await visiblePeers(agent);
      return peers.get("alice") === true && peers.get("bob") === true;
    });
    await scene.soon("alice sees the agent", async () => (await alice.peers()).has("agent"));
    const status = await agent.status();
    const agentKey = formatLockKey(status?.lock.PublicKey ?? new Uint8Array(0));
    const keys = [await alice.lockKey(), agentKey];
    await scene.ok(alice, "lock", "init", "--confirm", "--gen-disablements=1", ...keys);
    await expectSigned(scene, alice, bob);
    await scene.soon("the agent has the lock on, and is signed", async () => {
      const lock = (await agent.status())?.lock;
      return lock?.Enabled === true && lock.NodeKeySigned;
    });

    const [carol] = await scene.join("carol");
    await expectLockedOut(scene, carol, alice, bob);
    await scene.soon("the agent locks carol out", async () => (await visiblePeers(agent)).get("carol") === false);
    await scene.middle();
    const { NodeKey } = await carol.lockStatus();
    const signed = await agent.tailward("lock", "sign", NodeKey ?? "", await carol.lockKey());
    scene.expect("the agent signs carol", signed.code === 0, signed.out + signed.err);
    await expectSigned(scene, carol);
    await expectAllReach(scene, [alice, bob, carol]);

    const second = await startAgent(scene, "second");
    await scene.soon("the agent locks the second out", async () => (await visiblePeers(agent)).get("second") === false);
    const lock = (await second.status())?.lock;
    await scene.ok(alice, "lock", "sign", lock?.NodeKey ?? "", formatLockKey(lock?.PublicKey ?? new Uint8Array(0)));
    await scene.soon(
      "... and sees it once alice has signed it",
      async () => (await visiblePeers(agent)).get("second") === true,
    );
    await expectSeen(scene, carol, alice, bob);
  },
};

export default play;
