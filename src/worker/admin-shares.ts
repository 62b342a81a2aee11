/**
 * The admin API for sharing, with Tailscale's names for device invites, and ours for what stands between two tailnets. An invite's ID carries its
 * tailnet's, as a device's does. The invite itself is a secret: it is in the answer that makes it, and in no URL.
 */

import type { Share } from "../durable/index.ts";
import {
  boolean,
  isShareId,
  list,
  parseInviteId,
  parseShareInvite,
  record,
  text,
  withDefault,
  type Refusal,
} from "../protocol/index.ts";
import { tailnetOfDevice } from "./admin-devices.ts";
import {
  byOf,
  findTailnet,
  formatted,
  nothing,
  tailnetRoute,
  timeJson,
  type AdminContext,
  type AdminRoute,
} from "./admin-route.ts";
import { readBody } from "./body.ts";
import { refuse } from "./http-errors.ts";
import { authorityOf } from "./objects.ts";

/** Invites made by one request. */
const MOST_AT_ONCE = 10;
const NO_DEVICE: Refusal = { code: "unknown_device", message: "there is no such device" };
const NO_SHARE: Refusal = { code: "unknown_share", message: "there is no such invite or share" };
const BAD_INVITE: Refusal = { code: "bad_invite", message: "this is not an invite of this control plane" };

const invitesBody = list(
  record({ multiUse: withDefault(boolean, false), allowExitNode: withDefault(boolean, false) }),
  MOST_AT_ONCE,
);
const acceptBody = record({ invite: text, tailnet: withDefault(text, "-") });

/** As in Tailscale's API; `expires` and `ended` are ours, and so is `invite` in the place of a URL that would hold the secret. */
function inviteJson(tailnet: string, share: Share, invite: string | null = null) {
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

function shareJson(share: Share) {
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

async function createInvites(c: AdminContext): Promise<Response> {
  const deviceId = c.req.param("deviceId") ?? "";
  const tailnet = tailnetOfDevice(deviceId);
  if (tailnet === null) return refuse(c, NO_DEVICE);
  const body = await readBody(c, invitesBody);
  if (body instanceof Response) return body;
  if (body.length === 0 || body.some(({ multiUse, allowExitNode }) => multiUse || allowExitNode))
    return refuse(c, {
      code: "malformed_request",
      message: "one to ten invites, each for one tailnet, and for no exit node",
    });
  const made = [];
  for (let i = 0; i < body.length; i++) {
    const outcome = await authorityOf(c.env, tailnet).createShare(byOf(c), deviceId);
    if (!outcome.ok) return refuse(c, outcome.error);
    made.push(inviteJson(tailnet, outcome.value.share, outcome.value.invite));
  }
  return c.json(made);
}

async function listInvites(c: AdminContext): Promise<Response> {
  const deviceId = c.req.param("deviceId") ?? "";
  const tailnet = tailnetOfDevice(deviceId);
  if (tailnet === null) return refuse(c, NO_DEVICE);
  return formatted(c, await authorityOf(c.env, tailnet).shares(), (shares) =>
    shares.filter(({ side, node }) => side === "out" && node === deviceId).map((share) => inviteJson(tailnet, share)),
  );
}

async function readInvite(c: AdminContext): Promise<Response> {
  const parts = parseInviteId(c.req.param("inviteId") ?? "");
  if (parts === null) return refuse(c, NO_SHARE);
  const outcome = await authorityOf(c.env, parts.tailnet).shares();
  const shares = outcome.ok ? outcome.value : [];
  const share = shares.find(({ id, side }) => id === parts.share && side === "out");
  return share === undefined ? refuse(c, NO_SHARE) : c.json(inviteJson(parts.tailnet, share));
}

async function deleteInvite(c: AdminContext): Promise<Response> {
  const parts = parseInviteId(c.req.param("inviteId") ?? "");
  if (parts === null) return refuse(c, NO_SHARE);
  return formatted(c, await authorityOf(c.env, parts.tailnet).withdrawShare(byOf(c), parts.share), nothing);
}

async function acceptInvite(c: AdminContext): Promise<Response> {
  const body = await readBody(c, acceptBody);
  if (body instanceof Response) return body;
  const invite = parseShareInvite(body.invite.trim());
  if (invite === null) return refuse(c, BAD_INVITE);
  const tailnet = await findTailnet(c, body.tailnet);
  if (tailnet === null) return refuse(c, { code: "unknown_tailnet", message: "there is no such tailnet" });
  return formatted(c, await authorityOf(c.env, tailnet).acceptShare(byOf(c), invite), shareJson);
}

const INVITES = "/api/v2/device/:deviceId/device-invites";
const SHARES = "/api/v2/tailnet/:tailnet/shares";

export const SHARE_ROUTES: readonly AdminRoute[] = [
  { method: "POST", path: INVITES, act: "share.create", handle: createInvites },
  { method: "GET", path: INVITES, act: "share.read", handle: listInvites },
  { method: "POST", path: "/api/v2/device-invites/-/accept", act: "share.accept", handle: acceptInvite },
  { method: "GET", path: "/api/v2/device-invites/:inviteId", act: "share.read", handle: readInvite },
  { method: "DELETE", path: "/api/v2/device-invites/:inviteId", act: "share.withdraw", handle: deleteInvite },
  {
    method: "GET",
    path: SHARES,
    act: "share.read",
    handle: tailnetRoute(
      (authority) => authority.shares(),
      (shares) => ({ shares: shares.map(shareJson) }),
    ),
  },
  {
    method: "DELETE",
    path: `${SHARES}/:share`,
    act: "share.withdraw",
    handle: tailnetRoute((authority, c) => {
      const share = c.req.param("share") ?? "";
      return authority.withdrawShare(byOf(c), isShareId(share) ? share : "");
    }, shareJson),
  },
];
