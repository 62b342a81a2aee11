/** A tailnet's policy, as an admin sets it. */

import { valueOf } from "./sharing.ts";
import { authorityOf } from "./control.ts";

/** Puts a policy file in force, and gives the seq at which it was. */
export async function setPolicy(tailnet: string, text: string): Promise<number> {
  const by = { actor: { type: "USER", id: "owner", name: "Owner" }, origin: "CONFIG_API", group: "" } as const;
  return valueOf(await authorityOf(tailnet).setPolicyFile(by, text, null)).seq;
}
