/** What the Hono apps share: bindings, and what the transport has proven of a request. */

import type { Caller } from "../durable/index.ts";
import type { WorkerEnv } from "./env.ts";

export interface AppTypes {
  Bindings: WorkerEnv;
  Variables: {
    caller: Caller;
    /** The body of a signed request, over whose digest the signature is. */
    body?: Uint8Array;
  };
}
