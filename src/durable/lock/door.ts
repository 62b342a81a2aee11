/**
 * Whose nodes may turn the lock on and off. Source: Tailscale's documentation of Tailnet Lock, which asks for an owner, an admin or an IT admin.
 *
 * Rule [I12]: init/begin, init/finish and disable are for nodes of somebody whose role is owner, admin or IT admin, and who is not suspended and waits
 *            for no approval, as that is at this moment: a begin gives no right to its finish. The role is looked at before anything that the node sends, secrets above all.
 * Rule [I13]: a node with tags has no user, and so no role: it is refused, and told that this is why. So is one of another tailnet.
 */

import type { Outcome } from "../../protocol/index.ts";
import { byNode, type NodeRecord } from "../nodes/nodes.ts";
import { recordRefused } from "../audit/refused-attempts.ts";
import { LOCK_ROLES, ROLE_NAMES } from "../people/roles.ts";
import type { Tailnet } from "../authority/tailnet.ts";

/** What is behind the door, as an event names it. */
export type LockAct = "lock.init" | "lock.disable";

const WHAT: Readonly<Record<LockAct, string>> = {
  "lock.init": "turn the lock on",
  "lock.disable": "turn the lock off",
};
const WHO = "an owner, an admin or an IT admin";

/** Why the node may not, or null where it may. */
function whyNot({ users }: Tailnet, { user: id, tags }: NodeRecord, act: LockAct): string | null {
  const what = WHAT[act];
  if (tags.length > 0)
    return `a tagged node is no person's, and has no role: ${what} from a node of ${WHO} that has no tags`;
  const user = id === null ? null : users.byId(id);
  if (user === null) return `this node is no person's of this tailnet: ${what} from a node of ${WHO}`;
  if (user.suspended !== null) return `${user.login} is suspended: ${what} from a node of ${WHO}`;
  if (user.waiting !== null) return `${user.login} waits for an admin's approval: ${what} from a node of ${WHO}`;
  if (LOCK_ROLES.has(user.role)) return null;
  return `only ${WHO} may ${what}, and the role of ${user.login} is ${ROLE_NAMES[user.role]}`;
}

type Done<T> = { readonly why: string } | { readonly value: T };

/**
 * Does it if the node may, and puts it on the record where it may not; `act` runs in the transaction in which the role was looked at. `way` is how
 * the node is admitted.
 */
export async function behindLockDoor<T>(
  way: <D>(act: (tailnet: Tailnet, node: NodeRecord, now: number) => D) => Promise<Outcome<D>>,
  lockAct: LockAct,
  act: (tailnet: Tailnet, node: NodeRecord, now: number) => T,
): Promise<Outcome<T>> {
  const outcome = await way<Done<T>>((tailnet, node, now) => {
    const why = whyNot(tailnet, node, lockAct);
    if (why === null) return { value: act(tailnet, node, now) };
    recordRefused(tailnet, byNode(node), { act: lockAct, error: why, property: "TKA" }, now);
    return { why };
  });
  if (!outcome.ok) return outcome;
  const done = outcome.value;
  return "why" in done
    ? { ok: false, error: { code: "forbidden", message: done.why } }
    : { ok: true, value: done.value };
}
