/** Which tailnets a person may be in, as the Directory knows it: written once the authority has decided, and asked only for where to ask. */

import { peopleBucketNumber, type Directory } from "../../durable/index.ts";
import type { WorkerEnv } from "../env.ts";
import { peopleBucketOf } from "../objects.ts";

/** The bucket of whoever has that login. */
export function peopleOf(env: WorkerEnv, login: string): DurableObjectStub<Directory> {
  return peopleBucketOf(env, peopleBucketNumber(login));
}

/** After the tailnet's object has taken a person in: again is a no-op. */
export async function enrol(env: WorkerEnv, login: string, tailnet: string): Promise<void> {
  await peopleOf(env, login).enrol(login, tailnet);
}

/** After it has removed one. */
export async function withdraw(env: WorkerEnv, login: string, tailnet: string): Promise<void> {
  await peopleOf(env, login).withdraw(login, tailnet);
}
