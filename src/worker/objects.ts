/** The objects by their names. */

import {
  LOGINS_BUCKET,
  SESSIONS_SHARD,
  TAILNETS_BUCKET,
  bucketOf,
  type Directory,
  type NodeSessions,
  type TailnetAuthority,
} from "../durable/index.ts";
import type { MachineKey } from "../protocol/index.ts";
import type { WorkerEnv } from "./env.ts";

/** The only writer of a tailnet. */
export function authorityOf(env: WorkerEnv, tailnet: string): DurableObjectStub<TailnetAuthority> {
  return env.TAILNET_AUTHORITY.get(env.TAILNET_AUTHORITY.idFromName(tailnet));
}

/** The bucket that knows a machine's tailnets. */
export function directoryOf(env: WorkerEnv, machineKey: MachineKey): DurableObjectStub<Directory> {
  return env.DIRECTORY.get(env.DIRECTORY.idFromName(bucketOf(machineKey)));
}

/** The bucket that lists all tailnets. */
export function tailnetsOf(env: WorkerEnv): DurableObjectStub<Directory> {
  return env.DIRECTORY.get(env.DIRECTORY.idFromName(TAILNETS_BUCKET));
}

/** The bucket that holds the logins that wait. */
export function loginsOf(env: WorkerEnv): DurableObjectStub<Directory> {
  return env.DIRECTORY.get(env.DIRECTORY.idFromName(LOGINS_BUCKET));
}

/** The object that holds the polls. */
export function sessionsOf(env: WorkerEnv): DurableObjectStub<NodeSessions> {
  return env.NODE_SESSIONS.get(env.NODE_SESSIONS.idFromName(SESSIONS_SHARD));
}
