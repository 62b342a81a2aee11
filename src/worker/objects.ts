/** The objects by their names. What is asked of them here stands under the request that asks [O54]. */

import {
  LOGINS_BUCKET,
  TAILNETS_BUCKET,
  bucketOf,
  peopleBucket,
  requestArgument,
  shardOf,
  type Admitted,
  type Directory,
  type NodeSessions,
  type SessionKind,
  type TailnetAuthority,
} from "../durable/index.ts";
import type { MachineKey } from "../protocol/index.ts";
import type { WorkerEnv } from "./env.ts";

/** What of a stub is no method of its object. */
const OWN = new Set(["fetch", "connect", "dup"]);

/** The same stub, each of whose calls says which request it is part of. */
function followed<Of extends Rpc.DurableObjectBranded>(stub: DurableObjectStub<Of>): DurableObjectStub<Of> {
  return new Proxy(stub, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function" || name === "then") return value;
      // Not by `call` or `bind`: of a method of an object these would be members of what it answers.
      const method = value as (...args: unknown[]) => unknown;
      const isOwn = typeof name === "symbol" || OWN.has(name);
      return (...args: unknown[]) => Reflect.apply(method, target, isOwn ? args : [...args, requestArgument()]);
    },
  });
}

function bucketNamed(env: WorkerEnv, name: string): DurableObjectStub<Directory> {
  return followed(env.DIRECTORY.get(env.DIRECTORY.idFromName(name)));
}

/** The only writer of a tailnet. */
export function authorityOf(env: WorkerEnv, tailnet: string): DurableObjectStub<TailnetAuthority> {
  return followed(env.TAILNET_AUTHORITY.get(env.TAILNET_AUTHORITY.idFromName(tailnet)));
}

/** The bucket that knows a machine's tailnets. */
export function directoryOf(env: WorkerEnv, machineKey: MachineKey): DurableObjectStub<Directory> {
  return bucketNamed(env, bucketOf(machineKey));
}

/** The bucket that lists all tailnets. */
export function tailnetsOf(env: WorkerEnv): DurableObjectStub<Directory> {
  return bucketNamed(env, TAILNETS_BUCKET);
}

/** The bucket that holds the logins that wait. */
export function loginsOf(env: WorkerEnv): DurableObjectStub<Directory> {
  return bucketNamed(env, LOGINS_BUCKET);
}

/** The bucket of people with that number. */
export function peopleBucketOf(env: WorkerEnv, number: number): DurableObjectStub<Directory> {
  return bucketNamed(env, peopleBucket(number));
}

/** The object that holds an admitted node's session. */
export function sessionsOf(env: WorkerEnv, admitted: Admitted, kind: SessionKind): DurableObjectStub<NodeSessions> {
  return env.NODE_SESSIONS.get(env.NODE_SESSIONS.idFromName(shardOf(admitted, kind)));
}
