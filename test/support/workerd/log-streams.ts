/** Streams of the log from outside: set by the admin API, heard by a receiver, looked up where they are kept. */

import { runInDurableObject } from "cloudflare:test";
import { expect } from "vitest";
import type { AuditRecord } from "../../../src/protocol/index.ts";
import { eventually } from "../eventually.ts";
import { admin, authorityOf, makeTailnet } from "./control.ts";
import { Receiver, type Received } from "./hooks.ts";
import type { Answer, Fields } from "./test-node.ts";

export const TOKEN = "token-of-the-collector";

export function path(tailnet: string, rest = ""): string {
  return `/api/v2/tailnet/${tailnet}/logging/configuration/stream${rest}`;
}

export function put(tailnet: string, receiver: Receiver, more: Fields = {}): Promise<Answer> {
  return admin("PUT", path(tailnet), { destinationType: "ndjson", url: receiver.url, token: TOKEN, ...more });
}

export async function streamed(more: Fields = {}): Promise<{ tailnet: string; receiver: Receiver }> {
  const [tailnet, receiver] = [await makeTailnet(), new Receiver()];
  expect((await put(tailnet, receiver, more)).status).toBe(200);
  return { tailnet, receiver };
}

export async function status(tailnet: string): Promise<Fields> {
  return (await admin("GET", path(tailnet, "/status"))).json;
}

/** Waits until the collector has all; gives what it was sent. */
export async function arrived(tailnet: string, receiver: Receiver): Promise<Received[]> {
  await eventually(async () => {
    const { waiting, lastError } = await status(tailnet);
    if (waiting !== 0) throw new Error(`${String(waiting)} events have not arrived: ${String(lastError)}`);
  }, 50);
  return receiver.received();
}

export function records(received: readonly Received[]): AuditRecord[] {
  const lines = received.flatMap(({ body }) => body.trimEnd().split("\n"));
  return lines.map((line) => JSON.parse(line) as AuditRecord);
}

export interface StreamRow extends Record<string, SqlStorageValue> {
  readonly id: string;
  readonly ended: number | null;
}

/** What is kept of streams, the oldest first. */
export function rows(tailnet: string): Promise<StreamRow[]> {
  return runInDurableObject(authorityOf(tailnet), (_, { storage }) =>
    storage.sql.exec<StreamRow>("SELECT id, ended FROM log_streams ORDER BY created, id").toArray(),
  );
}

/** The one that is set. */
export async function row(tailnet: string): Promise<StreamRow> {
  const found = (await rows(tailnet)).find(({ ended }) => ended === null);
  if (found === undefined) throw new Error("no stream is set");
  return found;
}

/** Waits until no batch is under way. */
export function settled(tailnet: string): Promise<void> {
  return eventually(async () => {
    const busy = await runInDurableObject(authorityOf(tailnet), (_, { storage }) =>
      storage.sql.exec("SELECT 1 FROM log_streams WHERE taken IS NOT NULL").toArray(),
    );
    if (busy.length > 0) throw new Error("a batch is under way");
  });
}

/** Waits until no stream that has ended is kept. */
export function forgotten(tailnet: string): Promise<void> {
  return eventually(async () => {
    const left = (await rows(tailnet)).filter(({ ended }) => ended !== null);
    if (left.length > 0) throw new Error(`${left.length} are kept`);
  });
}

export function kinds(received: readonly Received[]): string[] {
  return records(received).map(({ kind }) => kind);
}

/** Waits until a batch has failed so often. */
export function failed(tailnet: string, times: number): Promise<Fields> {
  return eventually(async () => {
    const now = await status(tailnet);
    if (now["numFailedRequests"] !== times) throw new Error(`${String(now["numFailedRequests"])} of ${times} failed`);
    return now;
  }, 50);
}
