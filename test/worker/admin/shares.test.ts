/** Device invites over the admin API, with Tailscale's names, and shares as either tailnet sees them. */

import { beforeAll, expect, test } from "vitest";
import { admin } from "../../support/workerd/control.ts";
import { unlockedScene, type Scene } from "../../support/workerd/locked.ts";
import { refused } from "../../support/workerd/refused.ts";
import { eventsOf, settled, stableIdOf } from "../../support/workerd/sharing.ts";
import type { Answer } from "../../support/workerd/test-node.ts";

let home: Scene;
let other: Scene;
let device: string;
beforeAll(async () => {
  [home, other] = [await unlockedScene(), await unlockedScene()];
  device = await stableIdOf(home.carol);
});

const INVITES = "/api/v2/device-invites";

/** The first of the invites that were made: answers that are lists come as text. */
async function invited(): Promise<{ id: string; invite: string }> {
  const answer = await admin("POST", `/api/v2/device/${device}/device-invites`, [{}]);
  expect(answer.status).toBe(200);
  const [made] = answer.list as { id: string; invite: string }[];
  return made ?? { id: "", invite: "" };
}

function accept(invite: string, tailnet: string): Promise<Answer> {
  return admin("POST", `${INVITES}/-/accept`, { invite, tailnet });
}

test("an invite is made, accepted once, shown on both sides, and withdrawn", async () => {
  const { id, invite } = await invited();
  expect((await admin("GET", `${INVITES}/${id}`)).json).toMatchObject({
    deviceId: device,
    accepted: false,
    multiUse: false,
  });
  expect(JSON.stringify((await admin("GET", `${INVITES}/${id}`)).json)).not.toContain(invite);
  const accepted = await accept(invite, other.tailnet);
  expect(accepted.json).toMatchObject({
    direction: "in",
    state: "accepted",
    deviceId: device,
    tailnetId: home.tailnet,
  });
  const third = await unlockedScene();
  refused(await accept(invite, third.tailnet), "bad_invite");
  expect((await admin("GET", `${INVITES}/${id}`)).json).toMatchObject({
    accepted: true,
    acceptedBy: { id: other.tailnet },
  });
  const shares = (await admin("GET", `/api/v2/tailnet/${other.tailnet}/shares`)).json["shares"] as { id: string }[];
  expect(shares).toHaveLength(1);
  expect((await admin("DELETE", `/api/v2/tailnet/${other.tailnet}/shares/${shares[0]?.id ?? ""}`)).json).toMatchObject({
    state: "ended",
  });
  expect((await admin("DELETE", `${INVITES}/${id}`)).status).toBe(200);
  await settled(home.tailnet, other.tailnet);
  refused(await accept(invite, other.tailnet), "bad_invite");
  const told = (await eventsOf(home.tailnet)).map(({ kind }) => kind).filter((kind) => kind.startsWith("share."));
  expect(told).toEqual(expect.arrayContaining(["share.created", "share.accepted", "share.withdrawn"]));
});

test("what is not an invite, a device or a share is refused, and makes nothing", async () => {
  const { invite } = await invited();
  refused(await accept("tailward-share-x", other.tailnet), "bad_invite");
  refused(await accept(`${invite.slice(0, -1)}${invite.endsWith("0") ? "1" : "0"}`, other.tailnet), "bad_invite");
  refused(await accept(invite, home.tailnet), "bad_invite");
  refused(await accept(invite, "T0000000000"), "unknown_tailnet");
  refused(await admin("POST", "/api/v2/device/nobody/device-invites", [{}]), "unknown_device");
  refused(await admin("POST", `/api/v2/device/${device}/device-invites`, [{ multiUse: true }]), "malformed_request");
  refused(await admin("POST", `/api/v2/device/${device}/device-invites`, []), "malformed_request");
  refused(await admin("GET", `${INVITES}/T0000000000s0000000000`), "unknown_share");
  refused(await admin("DELETE", `${INVITES}/x`), "unknown_share");
  refused(await admin("DELETE", `/api/v2/tailnet/${other.tailnet}/shares/x`), "unknown_share");
});

test("a device of another tailnet is listed as external, cannot be changed, and cannot be shared on", async () => {
  const { id, invite } = await invited();
  await accept(invite, other.tailnet);
  const devices = (await admin("GET", `/api/v2/tailnet/${other.tailnet}/devices`)).json["devices"] as {
    nodeId: string;
    isExternal: boolean;
  }[];
  const foreign = devices.filter(({ isExternal }) => isExternal);
  expect(foreign).toHaveLength(1);
  const path = `/api/v2/device/${foreign[0]?.nodeId ?? ""}`;
  refused(await admin("DELETE", path), "foreign_node");
  refused(await admin("POST", `${path}/tags`, { tags: ["tag:ci"] }), "foreign_node");
  refused(await admin("POST", `${path}/device-invites`, [{}]), "foreign_node");
  await admin("DELETE", `${INVITES}/${id}`);
});

test("a tailnet that is deleted ends its shares on the other side", async () => {
  const gone = await unlockedScene();
  const id = await stableIdOf(gone.bob);
  const answer = await admin("POST", `/api/v2/device/${id}/device-invites`, [{}]);
  const [made] = answer.list as { invite: string }[];
  await accept(made?.invite ?? "", other.tailnet);
  expect((await admin("DELETE", `/api/v2/tailnet/${gone.tailnet}`)).status).toBe(200);
  await settled(gone.tailnet, other.tailnet);
  const nodes = (await admin("GET", `/api/v2/tailnet/${other.tailnet}/devices`)).json["devices"] as {
    isExternal: boolean;
  }[];
  expect(nodes.filter(({ isExternal }) => isExternal)).toEqual([]);
});
