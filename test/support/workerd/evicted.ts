/** Objects that many tests share, put out of memory: what another test has asked of one may still be under way. */

import { evictDurableObject } from "cloudflare:test";
import { eventually } from "../eventually.ts";

/** Has an object hibernate, once nothing is under way in it: its sockets stay. */
export function evicted(stub: DurableObjectStub<Rpc.DurableObjectBranded | undefined>): Promise<void> {
  return eventually(() => evictDurableObject(stub), 100);
}
