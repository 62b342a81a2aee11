/** The Worker's bindings. */

import type { ObjectsEnv } from "../durable/index.ts";

export interface WorkerEnv extends ObjectsEnv {
  /** D1: the record of all tailnets. */
  readonly RECORD: D1Database;
  /** The bearer token of the tailnets' owner: a secret. Where it is not set, the admin API is closed. */
  readonly OWNER_TOKEN?: string;
}
