/**
 * What the fuzzed control plane holds: a tailnet whose lock is on, so that it cannot be deleted by whoever has no secret, with devices, keys, waiting logins,
 * invites and shares; and another tailnet, that shares with it. What is found there by its lists is what the requests name.
 */

import type { ControlPlane, Tailnet } from "../e2e/control-plane.ts";
import { PollNode } from "../e2e/poll-node.ts";

const DEVICES = 24;
const KEYS = 16;
const LOGINS = 8;

type Ids = readonly string[];

/** Values of the parameters of paths, by their names. */
export type Pools = Readonly<Record<string, Ids>>;

async function some(count: number, make: (index: number) => Promise<unknown>): Promise<void> {
  for (let index = 0; index < count; index++) await make(index);
}

async function fill(control: ControlPlane, tailnet: Tailnet): Promise<void> {
  const authKey = await control.createAuthKey(tailnet);
  const nodes = Array.from({ length: DEVICES }, (_, index) => new PollNode(`device-${index}`, control.url));
  for (const node of nodes.slice(0, -2)) await node.join(authKey);
  const [first, second] = nodes as [PollNode, PollNode];
  await first.lock([second]);
  // These come too late to be signed.
  for (const node of nodes.slice(-2)) await node.join(authKey);
  await some(KEYS, () => control.createAuthKey(tailnet));
  await some(LOGINS, (index) => new PollNode(`waiting-${index}`, control.url).join(null));
}

/** What a list of the API names, by its field; nothing where there is no such list. */
async function listed(control: ControlPlane, path: string, list: string | null, field: string): Promise<Ids> {
  const answer = await control.call<Record<string, unknown>>("GET", path);
  const entries = (list === null ? answer : answer[list]) as readonly Record<string, unknown>[];
  return entries.map((entry) => String(entry[field]));
}

async function invites(control: ControlPlane, devices: Ids, count: number): Promise<{ id: string; invite: string }[]> {
  const made: { id: string; invite: string }[] = [];
  for (const device of devices.slice(0, count))
    made.push(
      ...(await control.call<{ id: string; invite: string }[]>("POST", `/api/v2/device/${device}/device-invites`, [
        {},
      ])),
    );
  return made;
}

async function share(control: ControlPlane, from: Tailnet, into: Tailnet, count: number): Promise<void> {
  const authKey = await control.createAuthKey(from);
  await some(count, (index) => new PollNode(`shared-${index}`, control.url).join(authKey));
  const devices = await listed(control, `/api/v2/tailnet/${from.id}/devices`, "devices", "id");
  for (const { invite } of await invites(control, devices, count))
    await control.call("POST", "/api/v2/device-invites/-/accept", { invite, tailnet: into.id });
}

export interface FuzzScene {
  readonly tailnet: Tailnet;
  readonly pools: Pools;
}

/** Makes it. Names of users, webhooks and such are made where the API has them. */
export async function makeScene(control: ControlPlane): Promise<FuzzScene> {
  const tailnet = await control.createTailnet("fuzzed.test");
  const other = await control.createTailnet("other.test");
  await fill(control, tailnet);
  await share(control, other, tailnet, 4);
  const at = `/api/v2/tailnet/${tailnet.id}`;
  const devices = await listed(control, `${at}/devices`, "devices", "id");
  const own = devices.filter((id) => id.endsWith(tailnet.id));
  const made = await invites(control, own, 8);
  return {
    tailnet,
    pools: {
      tailnet: [tailnet.id],
      deviceId: own,
      keyId: await listed(control, `${at}/keys`, "keys", "id"),
      loginId: await listed(control, "/api/v2/logins", "logins", "id"),
      inviteId: made.map(({ id }) => id),
      share: await listed(control, `${at}/shares`, "shares", "id"),
    },
  };
}
