/** The bridge is killed under 200 clients, which all come back through it and miss nothing. The real client among them goes on as well. */

import { runAgainst } from "../../bench/control/program.ts";
import { MIXED, type Play } from "../play.ts";
import { expectAllReach } from "../sights.ts";

const STREAMS = 200;

const play: Play = {
  title: "the bridge is killed and started again under 200 clients, and nobody misses a change",
  columns: [MIXED],
  alone: true,
  async run(scene) {
    const { bridge, control } = scene.world;
    const alice = await scene.client("alice", { via: "bridge" });
    const bob = await scene.client("bob", { via: "bridge" });
    for (const client of [alice, bob]) await scene.ok(client, "up", `--auth-key=${await scene.authKey()}`);
    // A tailnet of their own, so that the program can tell whether each of them knows all of the others.
    const crowd = await control.createTailnet("crowd.example");
    const { key: authKey } = await control.createAuthKey(crowd);
    const contender = {
      name: "the bridge",
      url: bridge.url,
      authKey,
      pids: () => [],
      restart: async () => {
        await bridge.kill();
        await bridge.start();
      },
      close: () => Promise.resolve(),
    };
    const flags = ["--streams", String(STREAMS), "--registrations", "0", "--rounds", "1", "--quiet", "1s"];
    const report = await runAgainst(contender, flags, true);
    scene.say(`   ${JSON.stringify(report)}`);
    const seen = JSON.stringify(report, null, 1);
    const back = report.phases.find(({ name }) => name.startsWith("all come back"));
    scene.expect(`all ${STREAMS} come back`, (back?.count ?? 0) >= STREAMS && back?.lost === 0, seen);
    scene.expect("... and nobody misses a change", report.lost === 0 && report.views.incomplete === 0, seen);
    await expectAllReach(scene, [alice, bob]);
  },
};

export default play;
