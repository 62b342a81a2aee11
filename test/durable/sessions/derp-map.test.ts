/** What a deployment says of relays reaches the first map of every session, or keeps all from being served. */

import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { derpMapOf } from "../../../src/durable/index.ts";
import { SharedText } from "../../../src/durable/maps/text.ts";
import { nextStep, openSession } from "../../../src/durable/maps/session.ts";
import { Snapshot } from "../../../src/durable/maps/snapshot.ts";
import { authorityOf, join, makeTailnet } from "../../support/workerd/control.ts";
import { valueOf } from "../../support/workerd/sharing.ts";
import { TestNode } from "../../support/workerd/test-node.ts";

const MAP = {
  Regions: {
    900: { RegionID: 900, RegionCode: "home", Nodes: [{ Name: "900a", RegionID: 900, HostName: "derp.test" }] },
  },
};
const configured = (DERP_MAP: unknown) => derpMapOf({ ...env, DERP_MAP });

describe("the DERP map", () => {
  test("is a text or a value, and none where nothing is said", () => {
    for (const given of [MAP, JSON.stringify(MAP)]) expect(JSON.parse(valueOf(configured(given)) ?? "")).toEqual(MAP);
    for (const given of [undefined, ""]) expect(valueOf(configured(given))).toBeNull();
  });

  test.each([
    ["{", "DERP_MAP: not JSON"],
    [{ Regions: { 900: {} } }, "DERP_MAP.Regions.900.RegionID: an integer expected"],
  ])("that cannot be read is refused with the place: %j", (given, why) => {
    expect(configured(given)).toMatchObject({ ok: false, error: { code: "bad_configuration" } });
    expect(configured(given)).toMatchObject({ error: { message: expect.stringContaining(why) as string } });
  });

  test("is in the first message of a session, and in no other", async () => {
    const tailnet = await makeTailnet();
    const [alice, bob] = [new TestNode("alice"), new TestNode("bob")];
    await join(tailnet, alice);
    const changes = async (since: number) => valueOf(await authorityOf(tailnet).changes({ since }));
    const extent = { since: 0, removedSince: 0, presenceSince: 0 };
    const snapshot = new Snapshot(await changes(0), extent, { derpMap: new SharedText(JSON.stringify(MAP)) });
    const { seq, epoch, shards, presence } = snapshot;
    const { machineKey, nodeKey } = alice;
    const where = { tailnet, machineKey, nodeKey, nodeId: 1, seq, epoch, shards, presence };
    const standing = { awakening: 0, waiting: false, head: "", capVersion: 0 } as const;
    const first = nextStep(openSession({ ...where, ...standing }, "", 0, true), snapshot, 1_000_000);
    if (first.kind !== "tell") throw new Error(first.kind);
    expect(JSON.parse(first.message.text)).toMatchObject({ DERPMap: MAP, Debug: { DisableLogTail: true } });
    await join(tailnet, bob);
    snapshot.apply(await changes(seq), seq, presence);
    const second = nextStep(first.session, snapshot, 1_000_000);
    if (second.kind !== "tell") throw new Error(second.kind);
    expect(Object.keys(JSON.parse(second.message.text) as object)).toEqual(["PeersChanged", "Seq"]);
  });
});
