/**
 * What all parts of a tailnet's object stand on. The object is one class, `TailnetAuthority`; what it answers stands in a file a part, each of which
 * extends the one before: webhooks, the log, operating, people, the lock's own API, settings, and the rest.
 */

import { DurableObject } from "cloudflare:workers";
import { Acts } from "./acts.ts";
import type { ObjectsEnv } from "../env.ts";

export class ActingObject extends DurableObject<ObjectsEnv> {
  protected readonly acts: Acts;

  constructor(ctx: DurableObjectState, env: ObjectsEnv) {
    super(ctx, env);
    this.acts = new Acts(ctx, () => this.env);
  }
}
