/** How somebody who is known is refused what is not for them: said, and on the record of their tailnet [P52] before they hear of it. */

import type { Refusal } from "../../protocol/index.ts";
import type { AdminContext } from "./route.ts";
import { refuse } from "../http-errors.ts";
import { authorityOf } from "../objects.ts";
import { tailnetOfPrincipal, type Principal } from "../principal.ts";
import { ACTS, type Act } from "./rights.ts";

/** Puts it on the record where the principal is of a tailnet: the operator has none, and is refused nothing. */
export async function noteRefused(c: AdminContext, act: Act, error: string): Promise<void> {
  const own = tailnetOfPrincipal(c.var.principal);
  if (own !== null) await authorityOf(c.env, own).refusedAttempt(c.var.by, { act, error });
}

/** What would have let the principal do it: the way out for whoever reads the refusal. */
function wantedFor(principal: Principal, act: Act): string {
  const { roles, scope, personal = false } = ACTS[act];
  if (roles.length === 0) return "only the operator of the control plane may";
  if (principal.kind === "client" && personal) return "no OAuth client may: somebody has to answer for it";
  const isOfRole = principal.kind !== "user" || roles.includes(principal.user.role);
  if (!isOfRole) return `a role that may is wanted (${roles.join(", ")})`;
  return scope === null ? "only a person in a browser may" : `a credential with the scope ${scope} is wanted`;
}

/** The refusal of an act to which the principal has no right. */
export function lacking(principal: Principal, act: Act): Refusal {
  return { code: "forbidden", message: `this needs the right to do: ${act}; ${wantedFor(principal, act)}` };
}

/** Refuses it so, on the record. */
export async function refuseAct(c: AdminContext, act: Act): Promise<Response> {
  const refusal = lacking(c.var.principal, act);
  await noteRefused(c, act, refusal.message);
  return refuse(c, refusal);
}
