/** What the Hono apps share: bindings, and what the transport has proven of a request. */

import type { By, Caller, PersonSession } from "../durable/index.ts";
import type { Refusal } from "../protocol/index.ts";
import type { WorkerEnv } from "./env.ts";
import type { Principal } from "./principal.ts";

export interface AppTypes {
  Bindings: WorkerEnv;
  Variables: {
    /** The ID of the request. */
    request: string;
    /** The machine that asks the node API. */
    caller: Caller;
    /** The object that holds the connection of a client which came over Noise. */
    holder?: string;
    /** Who asks the admin API, and as whom the record names it. */
    principal: Principal;
    by: By;
    /** The session of a person who has signed in, where that is who asks the admin API. */
    session?: PersonSession;
    /** The tailnet of the path, of which the principal is. */
    tailnet: string;
    /** Why the request is refused, once it is: the transport may have words of its own for it. */
    refusal?: Refusal;
    /** The body of a signed request, over whose digest the signature is. */
    body?: Uint8Array;
  };
}
