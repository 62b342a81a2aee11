/**
 * What the fuzzed control plane holds: a tailnet whose lock is on, so that it cannot be deleted by whoever has no secret, with devices, keys, waiting logins,
 * invites and shares; and another tailnet, that shares with it. What is found there by its lists is what the requests name.
 */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { ControlPlane, Tailnet } from "../e2e/control-plane.ts";
import { PollNode } from "../e2e/poll-node.ts";

const DEVICES = 24;
const KEYS = 16;
const LOGINS = 12;
const USERS = 8;
const USER_INVITES = 8;
/** As many as are not all revoked by what is deleted of what was listed. */
const CLIENTS = 16;
const WEBHOOKS = 8;
const SPARE_TAILNETS = 4;

/** What the control plane is started with: secrets can be sealed, and a webhook may be at this machine. */
export const VARIABLES = { STORAGE_KEY: `storagekey:${"5e".repeat(32)}`, WEBHOOKS_ALLOW_LOOPBACK: "true" };

type Ids = readonly string[];

/** Values of the parameters of paths, by the parameters' names; and those that single operations are asked with. */
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

/** A place that takes whatever it is sent, as long as this process lives. */
async function receiver(): Promise<string> {
  const server = createServer((_, response) => response.end());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  server.unref();
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

/** Webhooks, of which the first has been told of something. Gives its ID. */
async function hook(control: ControlPlane, at: string): Promise<string> {
  const endpointUrl = await receiver();
  const body = { endpointUrl, providerType: "", subscriptions: ["categoryTailnetManagement"] };
  const ids: string[] = [];
  await some(WEBHOOKS, async () => {
    const { endpointId } = await control.call<{ endpointId: string }>("POST", `${at}/webhooks`, body);
    ids.push(endpointId);
  });
  const [first = ""] = ids;
  await some(4, () => control.call("POST", `/api/v2/webhooks/${first}/test`));
  return first;
}

async function untilTold(control: ControlPlane, webhook: string): Promise<Ids> {
  for (;;) {
    const told = await listed(control, `/api/v2/webhooks/${webhook}/deliveries`, "deliveries", "id");
    if (told.length >= 4) return told;
    await sleep(100);
  }
}

/** Makes it. */
export async function makeScene(control: ControlPlane): Promise<Pools> {
  const tailnet = await control.createTailnet("fuzzed.test");
  const other = await control.createTailnet("other.test");
  const at = `/api/v2/tailnet/${tailnet.id}`;
  await fill(control, tailnet);
  await share(control, other, tailnet, 4);
  await some(USERS, (index) => control.call("POST", `${at}/users`, { loginName: `user-${index}@fuzzed.test` }));
  await control.call("POST", `${at}/user-invites`, Array(USER_INVITES).fill({ role: "member" }));
  const clients: string[] = [];
  await some(CLIENTS, async () => {
    clients.push((await control.call<{ id: string }>("POST", `${at}/keys`, { keyType: "client", scopes: ["dns"] })).id);
  });
  const webhook = await hook(control, at);
  const spare: string[] = [];
  await some(SPARE_TAILNETS, async (index) => {
    spare.push((await control.createTailnet(`spare-${index}.test`)).id);
  });
  const devices = await listed(control, `${at}/devices`, "devices", "id");
  const own = devices.filter((id) => id.endsWith(tailnet.id));
  const made = await invites(control, own, 8);
  return {
    tailnet: [tailnet.id],
    deviceId: own,
    keyId: (await listed(control, `${at}/keys`, "keys", "id")).filter((id) => !clients.includes(id)),
    loginId: await listed(control, "/api/v2/logins", "logins", "id"),
    inviteId: made.map(({ id }) => id),
    share: await listed(control, `${at}/shares`, "shares", "id"),
    userId: await listed(control, `${at}/users`, "users", "id"),
    userInviteId: (await control.call<{ id: string }[]>("GET", `${at}/user-invites`)).map(({ id }) => id),
    webhookId: (await listed(control, `${at}/webhooks`, "webhooks", "endpointId")).filter((id) => id !== webhook),
    deliveryId: await untilTold(control, webhook),
    spareTailnet: spare,
    clientKey: clients,
    toldWebhook: [webhook],
  };
}
