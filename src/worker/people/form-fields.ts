/** The fields of a form that a page of ours sends. Attacker-controlled. */

import type { Context } from "hono";
import type { AppTypes } from "../app-types.ts";

/** None where the body is no form, whatever it is called: a host that cannot read it throws. */
export async function formFields(c: Context<AppTypes>): Promise<Readonly<Record<string, unknown>>> {
  try {
    return await c.req.parseBody();
  } catch (error) {
    if (error instanceof TypeError) return {};
    throw error;
  }
}
