/**
 * The admin API for devices, with Tailscale's names: `/api/v2/tailnet/{tailnet}/devices` and `/api/v2/device/{deviceId}`. A device's ID carries its
 * tailnet's, as an auth key does. Lists are read from the tailnet's object: what they show is as new as the act before.
 */

import type { DeviceChange, DeviceInfo } from "../durable/index.ts";
import { boolean, list, record, text, withDefault, type Refusal, type Shape } from "../protocol/index.ts";
import { byOf, formatted, nothing, tailnetRoute, timeJson, type AdminContext, type AdminRoute } from "./admin-route.ts";
import { readBody } from "./body.ts";
import { refuse } from "./http-errors.ts";
import { authorityOf } from "./objects.ts";

/** As in Tailscale's API, with ours where it lacks a field: `tailnetLockWarning`, `tailnetLockSignCommand`, `tailnetLockIgnored`, `expired`. */
function deviceJson(device: DeviceInfo) {
  const { stableId, name, domain, keyExpiry, lock } = device;
  return {
    addresses: device.addresses,
    id: stableId,
    nodeId: stableId,
    user: "owner",
    name: device.external ? name : `${name}.${domain}`,
    hostname: device.hostname,
    clientVersion: device.clientVersion,
    updateAvailable: false,
    os: device.os,
    created: timeJson(device.created),
    keyExpiryDisabled: keyExpiry === null,
    expires: timeJson(keyExpiry),
    expired: device.expired,
    connectedToControl: device.connected,
    ...(device.lastSeen === null ? {} : { lastSeen: timeJson(device.lastSeen) }),
    authorized: device.authorized,
    isEphemeral: device.ephemeral,
    isExternal: device.external,
    machineKey: device.machineKey,
    nodeKey: device.nodeKey,
    blocksIncomingConnections: false,
    tags: device.tags,
    tailnetLockKey: device.lockKey,
    tailnetLockError: lock.error,
    tailnetLockWarning: lock.warning,
    tailnetLockSignCommand: lock.command,
    tailnetLockIgnored: lock.ignored,
  };
}

const DEVICE_ID = /^n[0-9A-Za-z]{10}(T[0-9A-Za-z]{10})$/;
const NO_DEVICE: Refusal = { code: "unknown_device", message: "there is no such device" };

/** The tailnet that an attacker-controlled device ID carries, or null where it is none. */
export function tailnetOfDevice(deviceId: string): string | null {
  return DEVICE_ID.exec(deviceId)?.[1] ?? null;
}

/** The path's device and its tailnet, or the refusal. */
function deviceOf(c: AdminContext): { deviceId: string; tailnet: string } | Response {
  const deviceId = c.req.param("deviceId") ?? "";
  const tailnet = tailnetOfDevice(deviceId);
  return tailnet === null ? refuse(c, NO_DEVICE) : { deviceId, tailnet };
}

/** A device of a tailnet that there is not is no device either. */
function asDevice({ code, ...rest }: Refusal): Refusal {
  return code === "unknown_tailnet" ? NO_DEVICE : { code, ...rest };
}

async function getDevice(c: AdminContext): Promise<Response> {
  const device = deviceOf(c);
  if (device instanceof Response) return device;
  const outcome = await authorityOf(c.env, device.tailnet).device(device.deviceId);
  return outcome.ok ? formatted(c, outcome, deviceJson) : refuse(c, asDevice(outcome.error));
}

async function change(c: AdminContext, wanted: DeviceChange): Promise<Response> {
  const device = deviceOf(c);
  if (device instanceof Response) return device;
  const outcome = await authorityOf(c.env, device.tailnet).changeDevice(byOf(c), device.deviceId, wanted);
  return outcome.ok ? formatted(c, outcome, nothing) : refuse(c, asDevice(outcome.error));
}

function bodyChange<B>(shape: Shape<B>, wanted: (body: B) => DeviceChange): AdminRoute["handle"] {
  return async (c) => {
    const body = await readBody(c, shape);
    return body instanceof Response ? body : change(c, wanted(body));
  };
}

const DEVICE = "/api/v2/device/:deviceId";

export const DEVICE_ROUTES: readonly AdminRoute[] = [
  {
    method: "GET",
    path: "/api/v2/tailnet/:tailnet/devices",
    act: "device.read",
    handle: tailnetRoute(
      (authority) => authority.devices(),
      (devices) => ({ devices: devices.map(deviceJson) }),
    ),
  },
  { method: "GET", path: DEVICE, act: "device.read", handle: getDevice },
  { method: "DELETE", path: DEVICE, act: "device.remove", handle: (c) => change(c, { kind: "remove" }) },
  { method: "POST", path: `${DEVICE}/expire`, act: "device.change", handle: (c) => change(c, { kind: "expire" }) },
  {
    method: "POST",
    path: `${DEVICE}/authorized`,
    act: "device.change",
    handle: bodyChange(record({ authorized: boolean }), ({ authorized }) => ({ kind: "authorized", authorized })),
  },
  {
    method: "POST",
    path: `${DEVICE}/tags`,
    act: "device.change",
    handle: bodyChange(record({ tags: list(text, 64) }), ({ tags }) => ({ kind: "tags", tags })),
  },
  {
    method: "POST",
    path: `${DEVICE}/name`,
    act: "device.change",
    handle: bodyChange(record({ name: withDefault(text, "") }), ({ name }) => ({ kind: "name", name })),
  },
  {
    method: "POST",
    path: `${DEVICE}/key`,
    act: "device.change",
    handle: bodyChange(record({ keyExpiryDisabled: boolean }), ({ keyExpiryDisabled: disabled }) => ({
      kind: "expiry",
      disabled,
    })),
  },
];
