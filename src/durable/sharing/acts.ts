/**
 * What admins do with shares: invite, accept, withdraw. Accepting takes two objects: the one that accepts says so first, then claims the
 * invite at home; where the answer is lost, the same accept again, or the home's own next statement, completes it.
 *
 * Rule [S12]: an invite's secret opens it for one tailnet, once; of the secret a hash is kept, and by whoever accepts nothing.
 */

import type { ShareInviteParts } from "../../protocol/index.ts";
import { formatShareInvite } from "../../protocol/index.ts";
import type { By } from "../audit/events.ts";
import { requireDevice } from "../nodes/devices.ts";
import { byTailnet, refuseTakenName, touchHome } from "./foreign-nodes.ts";
import { randomId } from "../random-id.ts";
import { ControlError } from "../refuse.ts";
import { newSecret } from "../secret.ts";
import { endLapsed, endShare, shareTarget } from "./links.ts";
import { MAX_SHARES } from "./statement.ts";
import type { Share, Side } from "./shares.ts";
import type { Tailnet } from "../authority/tailnet.ts";

/** Milliseconds for which an invite waits, as at Tailscale. */
const INVITE_MS = 30 * 24 * 60 * 60 * 1000;
/** Milliseconds for which an accept waits for the home to complete it. */
const ACCEPTING_MS = 60 * 60 * 1000;

/** What the one that accepts tells the home. The secret is with it. */
export interface Claim {
  readonly share: string;
  readonly secret: string;
  readonly from: string;
  readonly name: string;
  readonly epoch: string;
  readonly era: number;
  readonly seq: number;
}

function refuseInvite(): ControlError {
  return new ControlError("bad_invite", "this invite is not valid, or not any more: ask for a new one");
}

function refuseTooMany(tailnet: Tailnet, now: number): void {
  if (tailnet.shares.count(now) >= MAX_SHARES)
    throw new ControlError("too_many_shares", `a tailnet has at most ${MAX_SHARES} shares: withdraw one first`);
}

/** Makes an invite to a node of this tailnet's. Its text is given once. Throws `unknown_device`, `foreign_node`, `too_many_shares`. */
export function createShare(tailnet: Tailnet, by: By, stableId: string, now: number): { share: Share; invite: string } {
  const node = requireDevice(tailnet, stableId);
  if (node.home !== null)
    throw new ControlError("foreign_node", "this device is of another tailnet, and only that can share it");
  refuseTooMany(tailnet, now);
  const id = randomId("s");
  const secret = newSecret();
  tailnet.shares.addOut(id, stableId, secret, now, now + INVITE_MS);
  const detail = { node: stableId, name: node.name };
  tailnet.record(by, { kind: "share.created", target: shareTarget({ id, node: stableId }), new: detail }, now);
  return {
    share: requireShare(tailnet, id, "out"),
    invite: formatShareInvite({ tailnet: tailnet.info().id, share: id, secret }),
  };
}

/** All shares as they stand now, those included that have ended lately. */
export function listShares(tailnet: Tailnet, now: number): Share[] {
  endLapsed(tailnet, now);
  return tailnet.shares.all();
}

function requireShare(tailnet: Tailnet, id: string, side: Side | null): Share {
  const sides = side === null ? (["out", "in"] as const) : [side];
  const share = sides.map((each) => tailnet.shares.get(id, each)).find((found) => found !== null);
  if (share === undefined) throw new ControlError("unknown_share", "there is no such share in this tailnet");
  return share;
}

/** The share, on whichever side it is here. Throws `unknown_share`. */
export function findShare(tailnet: Tailnet, id: string): Share {
  return requireShare(tailnet, id, null);
}

/** Ends a share from either side; one that has ended is answered with success. Throws `unknown_share`. */
export function withdrawShare(tailnet: Tailnet, by: By, id: string, now: number): Share {
  const share = findShare(tailnet, id);
  if (share.ended === null) endShare(tailnet, share, by, "it was withdrawn", now);
  return requireShare(tailnet, id, share.side);
}

/** Says that an admin here accepts an invite of another tailnet's. Gives the claim, or null where it is accepted already. */
export function beginAccept(tailnet: Tailnet, by: By, invite: ShareInviteParts, now: number): Claim | null {
  const { id: from, name } = tailnet.requireLiving();
  const { tailnet: home, share, secret } = invite;
  if (home === from)
    throw new ControlError("bad_invite", "this invite is of this very tailnet: the device is here already");
  const known = tailnet.shares.get(share, "in");
  const isOpen = known !== null && known.ended === null;
  if (isOpen && known.accepted !== null) return null;
  if (!isOpen) {
    refuseTooMany(tailnet, now);
    tailnet.shares.addIn(share, home, by, now, now + ACCEPTING_MS);
    tailnet.shares.open(home, home.toLowerCase());
    tailnet.record(by, { kind: "share.accepting", target: shareTarget({ id: share, node: "" }) }, now);
  }
  const { epoch, era, seq } = tailnet.info();
  return { share, secret, from, name, epoch, era, seq };
}

/** Takes an accept back that the home has refused. */
export function cancelAccept(tailnet: Tailnet, by: By, id: string, now: number): null {
  const share = tailnet.shares.get(id, "in");
  if (share !== null && share.ended === null && share.accepted === null)
    endShare(tailnet, share, by, "the tailnet of the node has refused the invite", now);
  return null;
}

/** At home: gives the share to the tailnet that claims it; the same claim again is answered with success. Throws `bad_invite` [S12]. */
export function takeClaim(tailnet: Tailnet, claim: Claim, now: number): null {
  const { share: id, secret, from, name } = claim;
  const opens = tailnet.shares.opens(id, secret);
  const share = tailnet.shares.get(id, "out");
  if (!opens || share === null || share.ended !== null) throw refuseInvite();
  if (share.accepted !== null ? share.other !== from : share.expires <= now) throw refuseInvite();
  if (requireDevice(tailnet, share.node).home !== null) throw refuseInvite();
  if (share.accepted !== null) return null;
  refuseTakenName(tailnet, { tailnet: from, name });
  tailnet.shares.open(from, name);
  tailnet.shares.saw(from, claim);
  tailnet.shares.accept(id, "out", from, name, share.node, now);
  const detail = { side: "out", tailnet: name, node: share.node };
  const event = { kind: "share.accepted", target: shareTarget(share), new: detail } as const;
  touchHome(tailnet, from, tailnet.record(byTailnet({ tailnet: from, name }), event, now));
  return null;
}
