/** A link that asks to sign a device, as the real client judges it. */

import { decodeAum, makeDeeplink } from "../../../src/tka/index.ts";
import type { LockExport } from "../../e2e/control-plane.ts";
import { initLock } from "../locks.ts";
import { EVERY, type Play } from "../play.ts";

interface Verdict {
  readonly IsValid: boolean;
  readonly Error: string;
  readonly NodeKey: string;
  readonly DeviceName: string;
}

const play: Play = {
  title: "lock: deep links of ours are taken, and forged ones are not",
  columns: EVERY,
  async run(scene) {
    const [alice, bob] = await scene.join("alice", "bob");
    await initLock(scene, [alice, bob], [alice, bob]);
    const [carol] = await scene.join("carol");
    const path = `/api/v2/tailnet/${(await scene.tailnet).id}/lock/export`;
    const { aums } = await scene.world.control.call<LockExport>("GET", path);
    const { state } = decodeAum(Buffer.from(aums[0] ?? "", "base64"));
    if (state === null) throw new Error("the genesis has no state");
    const nodeKey = (await carol.lockStatus()).NodeKey ?? "";
    const fields = {
      nodeKey,
      lockKey: await carol.lockKey(),
      deviceName: "carol",
      osName: "linux",
      loginName: "carol@example.com",
    };
    const link = makeDeeplink(state, fields);
    await scene.middle();
    for (const client of [alice, bob]) {
      const verify = async (URL: string): Promise<Verdict> =>
        JSON.parse(await client.localApi("POST", "tka/verify-deeplink", JSON.stringify({ URL }))) as Verdict;
      const good = await verify(link);
      scene.expect(`${client.name} takes the link`, good.IsValid && good.NodeKey === nodeKey, JSON.stringify(good));
      const forged = await verify(link.replace("dn=carol", "dn=alice"));
      scene.expect(`${client.name} refuses one whose name was changed`, !forged.IsValid, JSON.stringify(forged));
    }
  },
};

export default play;
