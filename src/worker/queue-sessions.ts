/** The consumer of `tailward-sessions`: tells the sessions objects of a tailnet how far it is. They do nothing where they are there already. */

import type { WorkerEnv } from "./env.ts";
import { authorityOf, sessionsOf } from "./objects.ts";
import { eachGroup, type Group } from "./queue-batch.ts";
import { valueOf } from "./queue-outcome.ts";

async function tell(env: WorkerEnv, { tailnet, epoch, seqs }: Group): Promise<void> {
  const seq = Math.max(...seqs);
  await sessionsOf(env).advance(tailnet, seq);
  valueOf(await authorityOf(env, tailnet).acknowledge("sessions", epoch, [seq]));
}

export function consumeSessions(batch: MessageBatch, env: WorkerEnv): Promise<void> {
  return eachGroup(batch, (group) => tell(env, group));
}
