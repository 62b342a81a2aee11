/** The record of a tailnet as its object has it. */

import { runInDurableObject } from "cloudflare:test";
import { Events, type StoredEvent } from "../../../src/durable/audit/events.ts";
import { Store } from "../../../src/durable/store.ts";
import { authorityOf } from "./control.ts";

/** All of its events, up to a thousand. */
export function storedEvents(tailnet: string): Promise<StoredEvent[]> {
  return runInDurableObject(authorityOf(tailnet), (_, { storage }) => new Events(new Store(storage)).after(0, 1000));
}
