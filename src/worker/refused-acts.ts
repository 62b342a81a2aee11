/** How somebody who is known is refused what is not for them: said, and on the record of their tailnet [P52] before they hear of it. */

import type { Refusal } from "../protocol/index.ts";
import type { AdminContext } from "./admin-route.ts";
import { refuse } from "./http-errors.ts";
import { authorityOf } from "./objects.ts";
import { tailnetOfPrincipal } from "./principal.ts";
import type { Act } from "./rights.ts";

/** Puts it on the record where the principal is of a tailnet: the operator has none, and is refused nothing. */
export async function noteRefused(c: AdminContext, act: Act, error: string): Promise<void> {
  const own = tailnetOfPrincipal(c.var.principal);
  if (own !== null) await authorityOf(c.env, own).refusedAttempt(c.var.by, { act, error });
}

/** The refusal of an act to which the principal has no right. */
export function lacking(act: Act): Refusal {
  return { code: "forbidden", message: `this needs the right to do: ${act}` };
}

/** Refuses it so, on the record. */
export async function refuseAct(c: AdminContext, act: Act): Promise<Response> {
  const refusal = lacking(act);
  await noteRefused(c, act, refusal.message);
  return refuse(c, refusal);
}
