/** The admin API: every route of it, each behind the one door [H2]. */

import { Hono, type MiddlewareHandler } from "hono";
import { ABSENT_ROUTES } from "./absent.ts";
import { DEVICE_DETAIL_ROUTES } from "./device-routes.ts";
import { DEVICE_ROUTES } from "./devices.ts";
import { DNS_ROUTES } from "./dns.ts";
import { KEY_ROUTES } from "./keys.ts";
import { LOCK_CHAIN_ROUTES } from "./lock-chain.ts";
import { LOCK_ROUTES } from "./lock.ts";
import { LOG_ROUTES } from "./log.ts";
import { LOG_STREAM_ROUTES } from "./log-stream.ts";
import { LOGIN_ROUTES } from "./logins.ts";
import type { AdminRoute } from "./route.ts";
import { POLICY_ROUTES } from "./policy.ts";
import { SETTINGS_ROUTES } from "./settings.ts";
import { SHARE_ROUTES } from "./shares.ts";
import { SIGN_IN_ROUTES } from "./sign-in.ts";
import { TAILNET_ROUTES } from "./tailnets.ts";
import { USER_INVITE_ROUTES } from "./user-invites.ts";
import { USER_ROUTES } from "./users.ts";
import { WEBHOOK_ROUTES } from "./webhooks.ts";
import type { AppTypes } from "../app-types.ts";
import { permit, requirePrincipal } from "./authorize.ts";
import { refuse } from "../http-errors.ts";
import { RECORD_ROUTES } from "./record.ts";

export const ADMIN_ROUTES: readonly AdminRoute[] = [
  ...TAILNET_ROUTES,
  ...SETTINGS_ROUTES,
  ...POLICY_ROUTES,
  ...DNS_ROUTES,
  ...KEY_ROUTES,
  ...USER_ROUTES,
  ...USER_INVITE_ROUTES,
  ...DEVICE_ROUTES,
  ...DEVICE_DETAIL_ROUTES,
  ...LOGIN_ROUTES,
  ...LOCK_ROUTES,
  ...LOCK_CHAIN_ROUTES,
  ...SHARE_ROUTES,
  ...WEBHOOK_ROUTES,
  ...LOG_ROUTES,
  ...SIGN_IN_ROUTES,
  ...LOG_STREAM_ROUTES,
  ...RECORD_ROUTES,
  ...ABSENT_ROUTES,
];

/** What is answered is for whoever asked, secrets among it: it is kept in no cache, and is what it says that it is. */
const privately: MiddlewareHandler<AppTypes> = async (c, next) => {
  await next();
  c.header("cache-control", "no-store");
  c.header("x-content-type-options", "nosniff");
};

export const adminApi = new Hono<AppTypes>();
adminApi.use("/api/v2/*", privately);
adminApi.use("/api/v2/*", requirePrincipal);
for (const { method, path, act, otherActs = [], handle } of ADMIN_ROUTES)
  adminApi.on(method, path, permit(act, ...otherActs), handle);

// A path that there is, asked by another method, says by which it may be.
for (const [path, routes] of Map.groupBy(ADMIN_ROUTES, (route) => route.path)) {
  const methods = routes.map(({ method }) => method).join(", ");
  adminApi.all(path, (c) => {
    c.header("allow", methods);
    return refuse(c, { code: "method_not_allowed", message: `this path takes ${methods}` });
  });
}
