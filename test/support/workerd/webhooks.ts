/** Webhooks from outside: made by the admin API, heard by a receiver, checked as Tailscale's example of a consumer does. */

import { createHmac } from "node:crypto";
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { admin, authorityOf } from "./control.ts";
import { Receiver, type Received } from "./hooks.ts";
import { d1, type D1Row } from "./record.ts";
import type { Fields } from "./test-node.ts";
import { eventually } from "../eventually.ts";

export interface Hook {
  readonly id: string;
  readonly secret: string;
  readonly receiver: Receiver;
}

export interface Message {
  readonly type: string;
  readonly tailnet: string;
  readonly timestamp: string;
  readonly version: number;
  readonly message: string;
  readonly data: Readonly<Record<string, string>>;
  readonly epoch: string;
  readonly sequence: number;
  readonly hash: string;
  readonly previousHash: string;
  readonly requestId: string;
}

export async function makeHook(tailnet: string, subscriptions: readonly string[], more: Fields = {}): Promise<Hook> {
  const receiver = new Receiver();
  const body = { endpointUrl: receiver.url, subscriptions, ...more };
  const { status, json } = await admin("POST", `/api/v2/tailnet/${tailnet}/webhooks`, body);
  if (status !== 200) throw new Error(JSON.stringify(json));
  return { id: String(json["endpointId"]), secret: String(json["secret"]), receiver };
}

/** Where an endpoint, or something of it, is asked for. */
export function on({ id }: Hook, action = ""): string {
  return `/api/v2/webhooks/${id}${action}`;
}

export async function hookJson({ id }: Hook): Promise<Fields> {
  return (await admin("GET", `/api/v2/webhooks/${id}`)).json;
}

/** True if one of the header's signatures is by that secret. */
export function isSignedBy(secret: string, { headers, body }: Received): boolean {
  const parts = (headers["tailscale-webhook-signature"] ?? "").split(",").map((part) => part.split("="));
  const seconds = parts.find(([name]) => name === "t")?.[1] ?? "";
  const wanted = createHmac("sha256", secret).update(`${seconds}.${body}`).digest("hex");
  return parts.some(([name, hex]) => name === "v1" && hex === wanted);
}

export function messagesIn(received: readonly Received[]): Message[] {
  return received.flatMap(({ body }) => JSON.parse(body) as Message[]);
}

/** The types of all that a receiver has heard so far. */
export async function typesHeard({ receiver }: Hook): Promise<string[]> {
  return messagesIn(await receiver.received()).map(({ type }) => type);
}

/** What a tailnet's endpoints have yet to be told. */
export function waitingFor(tailnet: string): Promise<{ webhook: string; type: string; tries: number; due: number }[]> {
  return runInDurableObject(authorityOf(tailnet), (_, { storage }) =>
    storage.sql
      .exec<{ webhook: string; type: string; tries: number; due: number }>(
        "SELECT webhook, type, tries, due FROM webhook_deliveries ORDER BY seq",
      )
      .toArray(),
  );
}

/** Waits until no attempt is under way; `untried`: messages may wait that were never tried. */
export function calm(tailnet: string, untried = false): Promise<void> {
  return eventually(async () => {
    const busy = await runInDurableObject(authorityOf(tailnet), (_, { storage }) =>
      storage.sql
        .exec("SELECT 1 FROM webhook_deliveries WHERE (tries = 0 AND NOT ?) OR taken IS NOT NULL", Number(untried))
        .toArray(),
    );
    if (busy.length > 0) throw new Error(`${tailnet}: ${busy.length} attempts are under way`);
  });
}

/** Rings the alarm, and waits until what it has begun is over. */
export async function ring(tailnet: string): Promise<void> {
  await runDurableObjectAlarm(authorityOf(tailnet));
  await calm(tailnet);
}

/** The same once the tailnet's object was put out of memory, and was asked something. */
export async function ringAnew(tailnet: string): Promise<void> {
  await evictDurableObject(authorityOf(tailnet));
  await authorityOf(tailnet).summary();
  await ring(tailnet);
}

/** The history of an endpoint, as D1 has it, once it has that many rows. */
export function history({ id }: Hook, least = 1): Promise<D1Row[]> {
  return eventually(async () => {
    const rows = await d1("SELECT * FROM webhook_deliveries WHERE webhook_id = ? ORDER BY created, id", id);
    if (rows.length < least) throw new Error(`${id} has ${rows.length} rows of ${least}`);
    return rows;
  });
}
