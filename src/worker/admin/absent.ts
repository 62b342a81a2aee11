/**
 * What Tailscale's API has and this one has not, by its paths: so that whoever asks is told so, in words, rather than that there is no such path. What would be
 * a list is an empty one.
 */

import { z } from "zod";
import type { Outcome, Refusal } from "../../protocol/index.ts";
import { controlRoute, given, nothing, noValue, tailnetRoute, type AdminRoute } from "./route.ts";
import type { Act } from "./rights.ts";

type Method = AdminRoute["method"];

const POSTURE = "device posture is not looked at here, and so there are no integrations for it";
const ATTRIBUTES = "a device has no attributes of its own here";
const SERVICES = "there are no services with addresses of their own here";
const FLOWS = "devices send their flow logs nowhere here";
const AWS = "nothing is streamed to a bucket here";

const TAILNET = "/api/v2/tailnet/:tailnet";
const INTEGRATIONS = "/api/v2/posture/integrations/:integrationId";
const DEVICE = "/api/v2/device/:deviceId";
const AWS_ID = `${TAILNET}/aws-external-id`;

/** What is refused, and why. */
const REFUSED: readonly (readonly [method: Method, path: AdminRoute["path"], act: Act, why: string])[] = [
  ["POST", `${TAILNET}/posture/integrations`, "absent.change", POSTURE],
  ["GET", INTEGRATIONS, "absent.read", POSTURE],
  ["PATCH", INTEGRATIONS, "absent.change", POSTURE],
  ["DELETE", INTEGRATIONS, "absent.change", POSTURE],
  ["POST", `${DEVICE}/attributes/:attributeKey`, "device.change", ATTRIBUTES],
  ["DELETE", `${DEVICE}/attributes/:attributeKey`, "device.change", ATTRIBUTES],
  [
    "POST",
    `${DEVICE}/ip`,
    "device.change",
    "a device's addresses follow from its place in the tailnet, and are not chosen",
  ],
  ["GET", `${TAILNET}/vip-services/:serviceName`, "absent.read", SERVICES],
  ["PUT", `${TAILNET}/vip-services/:serviceName`, "absent.change", SERVICES],
  ["DELETE", `${TAILNET}/vip-services/:serviceName`, "absent.change", SERVICES],
  ["GET", `${TAILNET}/logging/network`, "absent.read", FLOWS],
  ["GET", `${TAILNET}/logging/network/stream`, "absent.read", FLOWS],
  ["PUT", `${TAILNET}/logging/network/stream`, "absent.change", FLOWS],
  ["DELETE", `${TAILNET}/logging/network/stream`, "absent.change", FLOWS],
  ["POST", AWS_ID, "absent.change", AWS],
  ["POST", `${AWS_ID}/:externalId/validate-aws-trust-policy`, "absent.change", AWS],
];

function refusedRoute([method, path, act, why]: (typeof REFUSED)[number]): AdminRoute {
  const spec = {
    method,
    path,
    act,
    summary: `Refused: ${why}`,
    isRefused: true as const,
    statuses: [422],
    answer: nothing,
    call: (): Promise<Outcome<never>> => Promise.resolve({ ok: false, error: { code: "not_supported", message: why } }),
    format: noValue,
  };
  return path.includes(":tailnet") || path.includes(":deviceId") ? tailnetRoute(spec) : controlRoute(spec);
}

/** A list of Tailscale's that has nothing in it. */
function emptyList(path: string, name: string, why: string): AdminRoute {
  return tailnetRoute({
    method: "GET",
    path: `${TAILNET}/${path}`,
    act: "absent.read",
    summary: `An empty list: ${why}`,
    answer: z.object({ [name]: z.array(z.object({})) }),
    call: async ({ authority }): Promise<Outcome<null>> => {
      const known = await authority.summary();
      return known.ok ? given(null) : known;
    },
    format: () => ({ [name]: [] }),
  });
}

export const NO_FEDERATION: Refusal = {
  code: "not_supported",
  message: "no other identity provider's tokens are taken here: make an OAuth client",
};
export const NO_ROUTES: Refusal = {
  code: "not_supported",
  message: "no subnet is routed here, and nothing goes through an exit node",
};

export const ABSENT_ROUTES: readonly AdminRoute[] = [
  emptyList("posture/integrations", "integrations", POSTURE),
  emptyList("vip-services", "vipServices", SERVICES),
  ...REFUSED.map(refusedRoute),
];
