/**
 * The admin API for devices, with Tailscale's names: `/api/v2/tailnet/{tailnet}/devices` and `/api/v2/device/{deviceId}`. A device's ID carries its
 * tailnet's, as an auth key does. Lists are read from the tailnet's object: what they show is as new as the act before.
 */

import { z } from "zod";
import type { DeviceChange, DeviceInfo, DevicePage } from "../../durable/index.ts";
import { timeJson, type Outcome } from "../../protocol/index.ts";
import { byOf, nothing, noValue, tailnetRoute, time, type AdminContext, type AdminRoute } from "./route.ts";
import { listOf, orZero, shapeQuery, tag } from "./shapes.ts";
import { jsonList } from "./json-list.ts";
import { refuse } from "../http-errors.ts";
import { authorityOf } from "../objects.ts";
import { valueOf } from "../outcome.ts";
import { NO_DEVICE } from "./path-tailnet.ts";
import type { Act } from "./rights.ts";

/** What is shown with `fields=all` alone. */
const moreFields = {
  advertisedRoutes: z.array(z.string()).optional(),
  enabledRoutes: z.array(z.string()).optional(),
  sshEnabled: z.boolean().optional(),
  clientConnectivity: z.object({ endpoints: z.array(z.string()), derp: z.string() }).optional(),
  distro: z.object({ name: z.string(), version: z.string(), codeName: z.string() }).optional(),
};

/** As in Tailscale's API, with ours where it lacks a field: `tailnetLockWarning`, `tailnetLockSignCommand`, `tailnetLockIgnored`, `expired`. */
const device = z
  .object({
    addresses: z.array(z.string()),
    id: z.string(),
    nodeId: z.string(),
    user: z.string(),
    name: z.string(),
    hostname: z.string(),
    clientVersion: z.string(),
    updateAvailable: z.boolean(),
    os: z.string(),
    created: time,
    keyExpiryDisabled: z.boolean(),
    expires: time,
    expired: z.boolean(),
    connectedToControl: z.boolean(),
    lastSeen: time.optional(),
    authorized: z.boolean(),
    isEphemeral: z.boolean(),
    isExternal: z.boolean(),
    machineKey: z.string(),
    nodeKey: z.string(),
    blocksIncomingConnections: z.boolean(),
    tags: z.array(z.string()),
    tailnetLockKey: z.string(),
    tailnetLockError: z.string(),
    tailnetLockWarning: z.string(),
    tailnetLockSignCommand: z.string(),
    tailnetLockIgnored: z.boolean(),
    ...moreFields,
  })
  .meta({ id: "Device" });

type DeviceJson = z.input<typeof device>;

function moreJson(info: DeviceInfo): Pick<DeviceJson, keyof typeof moreFields> {
  const { name, version } = info.distro;
  return {
    advertisedRoutes: [...info.advertisedRoutes],
    enabledRoutes: [],
    sshEnabled: info.sshEnabled,
    clientConnectivity: {
      endpoints: [...info.endpoints],
      derp: info.homeDerp === 0 ? "" : String(info.homeDerp),
    },
    ...(name === "" ? {} : { distro: { name, version, codeName: "" } }),
  };
}

function deviceJson(info: DeviceInfo, all: boolean): DeviceJson {
  const { stableId, name, domain, keyExpiry, lock } = info;
  return {
    addresses: [...info.addresses],
    id: stableId,
    nodeId: stableId,
    user: info.user ?? (info.tags.length > 0 ? "tagged-devices" : ""),
    name: info.external ? name : `${name}.${domain}`,
    hostname: info.hostname,
    clientVersion: info.clientVersion,
    updateAvailable: false,
    os: info.os,
    created: timeJson(info.created),
    keyExpiryDisabled: keyExpiry === null,
    expires: timeJson(keyExpiry),
    expired: info.expired,
    connectedToControl: info.connected,
    ...(info.lastSeen === null ? {} : { lastSeen: timeJson(info.lastSeen) }),
    authorized: info.authorized,
    isEphemeral: info.ephemeral,
    isExternal: info.external,
    machineKey: info.machineKey,
    nodeKey: info.nodeKey,
    blocksIncomingConnections: info.blocksIncoming,
    tags: [...info.tags],
    tailnetLockKey: info.lockKey,
    tailnetLockError: lock.error,
    tailnetLockWarning: lock.warning,
    tailnetLockSignCommand: lock.command,
    tailnetLockIgnored: lock.ignored,
    ...(all ? moreJson(info) : {}),
  };
}

/** As Tailscale's API takes it: names with commas between them, of which `all` wins. */
const fieldsQuery = orZero(
  z.string().regex(/^(all|default)(,(all|default))*$/, { error: "all, or default" }),
  "default",
);

function wantsAll(fields: string): boolean {
  return fields.split(",").includes("all");
}

const oneOrMore = z.union([z.string(), z.array(z.string())]).optional();
const NAMES = Object.keys(device.shape).filter((name) => !Object.hasOwn(moreFields, name));
/** By a field of a device: it is to have that value, or in a list to hold it; of several values one is enough. */
const filters = Object.fromEntries(NAMES.map((name) => [name, oneOrMore]));
const listQuery = z
  .object({ fields: fieldsQuery })
  .extend(filters)
  .catchall(z.never({ error: `devices are filtered by their own fields: ${NAMES.join(", ")}` }));

type Filters = Readonly<Record<string, string | string[] | undefined>>;

function isWanted(shown: DeviceJson, wantedOf: Filters): boolean {
  return Object.entries(wantedOf).every(([name, wanted]) => {
    const value = (shown as Readonly<Record<string, unknown>>)[name];
    const values = [value].flat().map(String);
    return [wanted ?? []].flat().some((one) => values.includes(one));
  });
}

/** A device of a tailnet that there is not is no device either. */
export function asDevice<T>(outcome: Outcome<T>): Outcome<T> {
  return outcome.ok || outcome.error.code !== "unknown_tailnet" ? outcome : { ok: false, error: NO_DEVICE };
}

export const DEVICE = "/api/v2/device/:deviceId";

/** A route that changes the path's device as the body wants it. */
function changeRoute<B extends z.ZodType>(
  path: string,
  summary: string,
  body: B,
  wanted: (body: z.output<B>) => DeviceChange,
  act: Act = "device.change",
): AdminRoute {
  return tailnetRoute({
    method: "POST",
    path: `${DEVICE}/${path}`,
    act,
    summary,
    body,
    answer: nothing,
    call: async ({ authority, by, param, body: sent }) =>
      asDevice(await authority.changeDevice(by, param("deviceId"), wanted(sent))),
    format: noValue,
  });
}

/** All of them in one answer, as in Tailscale's API, which is sent while they are read: a tailnet of any size has one. */
async function listed(c: AdminContext): Promise<Response> {
  const query = shapeQuery(c, listQuery);
  if (query instanceof Response) return query;
  const { fields, ...wanted } = query;
  const authority = authorityOf(c.env, c.var.tailnet);
  const first: Outcome<DevicePage> = await authority.devices(byOf(c), 0);
  if (!first.ok) return refuse(c, first.error);
  const shown = ({ devices }: DevicePage): DeviceJson[] =>
    devices.map((info) => deviceJson(info, wantsAll(String(fields)))).filter((one) => isWanted(one, wanted as Filters));
  const next = async (after: number): Promise<DevicePage> => valueOf(await authority.devices(byOf(c), after));
  return c.body(jsonList("devices", first.value, next, shown), 200, { "content-type": "application/json" });
}

export const DEVICE_ROUTES: readonly AdminRoute[] = [
  {
    method: "GET",
    path: "/api/v2/tailnet/:tailnet/devices",
    act: "device.read",
    summary: "The devices of a tailnet",
    query: listQuery,
    body: null,
    answer: z.object({ devices: z.array(device) }),
    handle: listed,
  },
  tailnetRoute({
    method: "GET",
    path: DEVICE,
    act: "device.read",
    summary: "A device",
    query: z.object({ fields: fieldsQuery }),
    answer: device,
    call: async ({ authority, param }) => asDevice(await authority.device(param("deviceId"))),
    format: (info, { query }) => deviceJson(info, wantsAll(query.fields)),
  }),
  tailnetRoute({
    method: "DELETE",
    path: DEVICE,
    act: "device.remove",
    summary: "Removes a device",
    answer: nothing,
    call: async ({ authority, by, param }) =>
      asDevice(await authority.changeDevice(by, param("deviceId"), { kind: "remove" })),
    format: noValue,
  }),
  tailnetRoute({
    method: "POST",
    path: `${DEVICE}/expire`,
    act: "device.change",
    summary: "Ends a device's node key: it has to log in again",
    answer: nothing,
    call: async ({ authority, by, param }) =>
      asDevice(await authority.changeDevice(by, param("deviceId"), { kind: "expire" })),
    format: noValue,
  }),
  changeRoute(
    "authorized",
    "Lets a device in that waits for approval",
    z.object({ authorized: z.boolean() }),
    ({ authorized }) => ({ kind: "authorized", authorized }),
  ),
  changeRoute("tags", "Sets a device's tags", z.object({ tags: listOf(tag, 64) }), ({ tags }) => ({
    kind: "tags",
    tags,
  })),
  changeRoute(
    "name",
    "Names a device; the empty name gives it back to its host",
    z.object({ name: orZero(z.string(), "") }),
    ({ name }) => ({ kind: "name", name }),
  ),
  changeRoute(
    "key",
    "Says whether a device's node key ends",
    z.object({ keyExpiryDisabled: z.boolean() }),
    ({ keyExpiryDisabled: disabled }) => ({ kind: "expiry", disabled }),
  ),
];
