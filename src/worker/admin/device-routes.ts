/** The admin API for what a device would route, and what is known of it: `/api/v2/device/{deviceId}/routes` and `/attributes`. */

import { z } from "zod";
import type { DeviceInfo } from "../../durable/index.ts";
import type { Outcome } from "../../protocol/index.ts";
import { NO_ROUTES } from "./absent.ts";
import { DEVICE, asDevice } from "./devices.ts";
import { tailnetRoute, time, type AdminRoute } from "./route.ts";
import { listOf } from "./shapes.ts";

const MOST_ROUTES = 4096;

const routes = z
  .object({ advertisedRoutes: z.array(z.string()), enabledRoutes: z.array(z.string()) })
  .meta({ id: "DeviceRoutes" });

function routesJson({ advertisedRoutes }: DeviceInfo): z.input<typeof routes> {
  return { advertisedRoutes: [...advertisedRoutes], enabledRoutes: [] };
}

/** What Tailscale knows of every device without asking it for more, by its names for it. */
function attributesOf({ os, osVersion, clientVersion }: DeviceInfo): Record<string, string> {
  return {
    ...(os === "" ? {} : { "node:os": os }),
    ...(osVersion === "" ? {} : { "node:osVersion": osVersion }),
    ...(clientVersion === "" ? {} : { "node:tsVersion": clientVersion }),
  };
}

export const DEVICE_DETAIL_ROUTES: readonly AdminRoute[] = [
  tailnetRoute({
    method: "GET",
    path: `${DEVICE}/routes`,
    act: "route.read",
    summary: "The subnets that a device would route, and those that it may: none",
    answer: routes,
    call: async ({ authority, param }) => asDevice(await authority.device(param("deviceId"))),
    format: routesJson,
  }),
  tailnetRoute({
    method: "POST",
    path: `${DEVICE}/routes`,
    act: "route.change",
    summary: "Takes an empty list: no subnet is routed here",
    body: z.object({ routes: listOf(z.string(), MOST_ROUTES) }),
    answer: routes,
    call: async ({ authority, param, body }): Promise<Outcome<DeviceInfo>> =>
      body.routes.length > 0 ? { ok: false, error: NO_ROUTES } : asDevice(await authority.device(param("deviceId"))),
    format: routesJson,
  }),
  tailnetRoute({
    method: "GET",
    path: `${DEVICE}/attributes`,
    act: "device.read",
    summary: "What is known of a device",
    answer: z
      .object({ attributes: z.record(z.string(), z.string()), expiries: z.record(z.string(), time) })
      .meta({ id: "DeviceAttributes" }),
    call: async ({ authority, param }) => asDevice(await authority.device(param("deviceId"))),
    format: (info) => ({ attributes: attributesOf(info), expiries: {} }),
  }),
];
