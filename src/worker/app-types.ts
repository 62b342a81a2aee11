/** What the Hono apps share: bindings, and what the transport has proven of a request. */

import type { By, Caller } from "../durable/index.ts";
import type { WorkerEnv } from "./env.ts";

export interface AppTypes {
  Bindings: WorkerEnv;
  Variables: {
    /** The machine behind a signed request. */
    caller: Caller;
    /** The actor behind a request of the admin API. */
    by: By;
    /** The body of a signed request, over whose digest the signature is. */
    body?: Uint8Array;
  };
}
