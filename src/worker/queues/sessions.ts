/** The consumer of `tailward-sessions`: tells the sessions objects of a tailnet how far it is. They do nothing where they are there already. */

import type { WorkerEnv } from "../env.ts";
import { advanceSessions } from "../../durable/index.ts";
import { authorityOf } from "../objects.ts";
import { eachGroup, type Group } from "./batch.ts";
import { valueOf } from "../outcome.ts";

async function tell(env: WorkerEnv, { tailnet, epoch, seqs }: Group): Promise<void> {
  const seq = Math.max(...seqs);
  const reached = await advanceSessions(env, tailnet, seq);
  if (reached < seq) throw new Error(`the sessions objects have come to ${reached}, and not to ${seq}`);
  valueOf(await authorityOf(env, tailnet).acknowledge("sessions", epoch, [seq]));
}

export function consumeSessions(batch: MessageBatch, env: WorkerEnv): Promise<void> {
  return eachGroup(batch, (group) => tell(env, group));
}
