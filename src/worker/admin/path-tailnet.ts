/** Of which tailnet a path speaks: it names one, or something whose ID carries its tailnet's. Attacker-controlled. */

import { isTailnetId, parseInviteId, tailnetOfId, type Refusal } from "../../protocol/index.ts";
import type { AdminContext } from "./route.ts";
import type { WorkerEnv } from "../env.ts";
import { tailnetsOf } from "../objects.ts";

export const NO_TAILNET: Refusal = { code: "unknown_tailnet", message: "there is no such tailnet" };
export const NO_DEVICE: Refusal = { code: "unknown_device", message: "there is no such device" };
const NO_USER: Refusal = { code: "unknown_user", message: "there is no such user" };
export const NO_SHARE: Refusal = { code: "unknown_share", message: "there is no such invite or share" };
const NO_USER_INVITE: Refusal = { code: "unknown_invite", message: "there is no such invite that is open" };
const NO_WEBHOOK: Refusal = { code: "unknown_webhook", message: "there is no webhook of that ID" };

/** Which tailnet each parameter of a path leads to, and what is said where it leads to none. */
const PARAMETERS: readonly {
  readonly name: string;
  /** The tailnet's ID, or what `reachTailnet` takes. Null for none. */
  readonly tailnet: (value: string) => string | null;
  readonly otherwise: Refusal;
}[] = [
  { name: "tailnet", tailnet: (named) => named, otherwise: NO_TAILNET },
  { name: "deviceId", tailnet: (id) => tailnetOfId("device", id), otherwise: NO_DEVICE },
  { name: "userId", tailnet: (id) => tailnetOfId("user", id), otherwise: NO_USER },
  { name: "userInviteId", tailnet: (id) => tailnetOfId("userInvite", id), otherwise: NO_USER_INVITE },
  { name: "inviteId", tailnet: (id) => parseInviteId(id)?.tailnet ?? null, otherwise: NO_SHARE },
  { name: "webhookId", tailnet: (id) => tailnetOfId("webhook", id), otherwise: NO_WEBHOOK },
];

/** What the path's tailnet is named by, or null where the path is of no tailnet. */
export function tailnetOfPath(
  c: AdminContext,
): { readonly tailnet: string | null; readonly otherwise: Refusal } | null {
  for (const { name, tailnet, otherwise } of PARAMETERS) {
    const value = c.req.param(name);
    if (value === undefined) continue;
    const found = tailnet(value);
    return { tailnet: name === "tailnet" || (found !== null && isTailnetId(found)) ? found : null, otherwise };
  }
  return null;
}

/** Characters of a tailnet's name that are looked up. */
const MAX_NAME = 63;

/** The ID of the tailnet that is named by its ID, whether there is one or not, or by its name; null for none. Attacker-controlled. */
export async function tailnetNamed(env: WorkerEnv, named: string): Promise<string | null> {
  if (isTailnetId(named)) return named;
  return named === "" || named.length > MAX_NAME ? null : ((await tailnetsOf(env).named(named))?.id ?? null);
}
