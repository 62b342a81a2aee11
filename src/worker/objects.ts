/** The objects by their names. */

import {
  LOGINS_BUCKET,
  TAILNETS_BUCKET,
  bucketOf,
  shardOf,
  type Admitted,
  type Directory,
  type NodeSessions,
  type SessionKind,
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

/** The object that holds an admitted node's session. */
export function sessionsOf(env: WorkerEnv, admitted: Admitted, kind: SessionKind): DurableObjectStub<NodeSessions> {
  return env.NODE_SESSIONS.get(env.NODE_SESSIONS.idFromName(shardOf(admitted, kind)));
}
