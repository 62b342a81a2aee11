/** Where a client's connection is held: by the object of the tailnet that the machine was routed to last, or by one for newcomers. */

import { placeOf, type ConnectionPlace } from "../../durable/index.ts";
import type { MachineKey } from "../../protocol/index.ts";
import type { WorkerEnv } from "../env.ts";
import { authorityOf, directoryOf } from "../objects.ts";

/** Nothing of this is a permission: any object serves any machine, only not as cheaply. */
export async function placeOfConnection(env: WorkerEnv, machineKey: MachineKey): Promise<ConnectionPlace> {
  const tailnet = await directoryOf(env, machineKey).lastOf(machineKey);
  if (tailnet === null) return placeOf(machineKey, null);
  const shards = await authorityOf(env, tailnet).layout();
  return placeOf(machineKey, shards.ok ? { tailnet, shards: shards.value } : null);
}
