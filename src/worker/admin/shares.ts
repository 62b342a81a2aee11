/**
 * The admin API for sharing, with Tailscale's names for device invites, and ours for what stands between two tailnets. An invite's ID carries its
 * tailnet's, as a device's does. The invite itself is a secret: it is in the answer that makes it, and in no URL.
 */

import { z } from "zod";
import type { Share } from "../../durable/index.ts";
import {
  isShareId,
  parseInviteId,
  parseShareInvite,
  timeJson,
  type Outcome,
  type Refusal,
} from "../../protocol/index.ts";
import { controlRoute, nothing, noValue, tailnetRoute, time, type AdminRoute, type TailnetCall } from "./route.ts";
import { orZero } from "./shapes.ts";
import { reachTailnet } from "./authorize.ts";
import { authorityOf } from "../objects.ts";
import { NO_SHARE, NO_TAILNET } from "./path-tailnet.ts";

/** Invites made by one request. */
const MOST_AT_ONCE = 10;
const BAD_INVITE: Refusal = { code: "bad_invite", message: "this is not an invite of this control plane" };

const not = orZero(z.literal(false, { error: "each invite is for one tailnet, and for no exit node" }), false);
const invitesBody = z
  .array(z.object({ multiUse: not, allowExitNode: not }))
  .min(1)
  .max(MOST_AT_ONCE);
const acceptBody = z.object({ invite: z.string(), tailnet: orZero(z.string(), "-") });

/** As in Tailscale's API; `expires` and `ended` are ours, and so is `invite` in the place of a URL that would hold the secret. */
const deviceInvite = z
  .object({
    id: z.string(),
    created: time,
    expires: time,
    tailnetId: z.string(),
    deviceId: z.string(),
    sharerId: z.string(),
    multiUse: z.boolean(),
    allowExitNode: z.boolean(),
    accepted: z.boolean(),
    acceptedBy: z.object({ id: z.string(), loginName: z.string() }).optional(),
    ended: time.optional(),
    invite: z.string().optional(),
  })
  .meta({ id: "DeviceInvite" });

function inviteJson(tailnet: string, share: Share, invite: string | null = null): z.input<typeof deviceInvite> {
  const { id, node, created, expires, accepted, ended, other, otherName } = share;
  return {
    id: `${tailnet}${id}`,
    created: timeJson(created),
    expires: timeJson(expires),
    tailnetId: tailnet,
    deviceId: node,
    sharerId: "owner",
    multiUse: false,
    allowExitNode: false,
    accepted: accepted !== null,
    ...(accepted === null ? {} : { acceptedBy: { id: other ?? "", loginName: otherName ?? "" } }),
    ...(ended === null ? {} : { ended: timeJson(ended) }),
    ...(invite === null ? {} : { invite }),
  };
}

function stateOf({ accepted, ended, side }: Share): string {
  if (ended !== null) return "ended";
  if (accepted !== null) return "accepted";
  return side === "in" ? "accepting" : "open";
}

const shareShape = z
  .object({
    id: z.string(),
    direction: z.enum(["out", "in"]),
    state: z.string(),
    deviceId: z.string(),
    tailnetId: z.string(),
    tailnet: z.string(),
    created: time,
    expires: time,
  })
  .meta({ id: "Share" });

function shareJson(share: Share): z.input<typeof shareShape> {
  const { id, side, node, other, otherName, created, expires } = share;
  return {
    id,
    direction: side,
    state: stateOf(share),
    deviceId: node,
    tailnetId: other ?? "",
    tailnet: otherName ?? "",
    created: timeJson(created),
    expires: timeJson(expires),
  };
}

type DeviceCall = TailnetCall<undefined, z.output<typeof invitesBody>>;

/** As many invites as the body asks for; what was made before a refusal stays. */
async function createInvites({ authority, by, tailnet, param, body }: DeviceCall) {
  const made: z.input<typeof deviceInvite>[] = [];
  for (let i = 0; i < body.length; i++) {
    const outcome = await authority.createShare(by, param("deviceId"));
    if (!outcome.ok) return outcome;
    made.push(inviteJson(tailnet, outcome.value.share, outcome.value.invite));
  }
  return { ok: true, value: made } as const;
}

/** The path's invite. */
async function readInvite({ authority, param }: TailnetCall<undefined, undefined>): Promise<Outcome<Share>> {
  const share = parseInviteId(param("inviteId"))?.share;
  const outcome = await authority.shares();
  const found = outcome.ok ? outcome.value.find(({ id, side }) => id === share && side === "out") : undefined;
  return found === undefined ? { ok: false, error: NO_SHARE } : { ok: true, value: found };
}

const INVITES = "/api/v2/device/:deviceId/device-invites";
const SHARES = "/api/v2/tailnet/:tailnet/shares";

export const SHARE_ROUTES: readonly AdminRoute[] = [
  tailnetRoute({
    method: "POST",
    path: INVITES,
    act: "share.create",
    summary: "Invites other tailnets to a device; each invite's text is in this answer alone",
    body: invitesBody,
    answer: z.array(deviceInvite),
    call: createInvites,
    format: (made) => made,
  }),
  tailnetRoute({
    method: "GET",
    path: INVITES,
    act: "share.read",
    summary: "The invites to a device",
    answer: z.array(deviceInvite),
    call: ({ authority }) => authority.shares(),
    format: (shares, { tailnet, param }) =>
      shares
        .filter(({ side, node }) => side === "out" && node === param("deviceId"))
        .map((share) => inviteJson(tailnet, share)),
  }),
  controlRoute({
    method: "POST",
    path: "/api/v2/device-invites/-/accept",
    act: "share.accept",
    summary: "Accepts an invite into a tailnet, which the body names",
    body: acceptBody,
    answer: shareShape,
    call: async ({ c, env, by, body }): Promise<Outcome<Share>> => {
      const invite = parseShareInvite(body.invite.trim());
      if (invite === null) return { ok: false, error: BAD_INVITE };
      const tailnet = await reachTailnet(c, body.tailnet);
      if (tailnet === null) return { ok: false, error: NO_TAILNET };
      return authorityOf(env, tailnet).acceptShare(by, invite);
    },
    format: shareJson,
  }),
  tailnetRoute({
    method: "GET",
    path: "/api/v2/device-invites/:inviteId",
    act: "share.read",
    summary: "An invite",
    answer: deviceInvite,
    call: readInvite,
    format: (share, { tailnet }) => inviteJson(tailnet, share),
  }),
  tailnetRoute({
    method: "DELETE",
    path: "/api/v2/device-invites/:inviteId",
    act: "share.withdraw",
    summary: "Withdraws an invite",
    answer: nothing,
    call: ({ authority, by, param }) => authority.withdrawShare(by, parseInviteId(param("inviteId"))?.share ?? ""),
    format: noValue,
  }),
  tailnetRoute({
    method: "GET",
    path: SHARES,
    act: "share.read",
    summary: "What the tailnet shares, and what is shared with it",
    answer: z.object({ shares: z.array(shareShape) }),
    call: ({ authority }) => authority.shares(),
    format: (shares) => ({ shares: shares.map(shareJson) }),
  }),
  tailnetRoute({
    method: "DELETE",
    path: `${SHARES}/:share`,
    act: "share.withdraw",
    summary: "Ends a share, from either side",
    answer: shareShape,
    call: ({ authority, by, param }) => {
      const share = param("share");
      return authority.withdrawShare(by, isShareId(share) ? share : "");
    },
    format: shareJson,
  }),
];
