/** The control plane from outside (the admin API) and from inside (its objects and their tables). */

import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { TAILNETS_BUCKET, bucketOf, shardOf, type NodeSessions, type SessionKind } from "../../../src/durable/index.ts";
import type { MachineKey } from "../../../src/protocol/index.ts";
import type { TailnetAuthority } from "../../../src/durable/index.ts";
import { encodeHex } from "../../../src/tka/index.ts";
import { ORIGIN, randomBytes } from "./signed-request.ts";
import { fetchWorker, type Answer, type TestNode } from "./test-node.ts";

export interface KeyOptions {
  readonly reusable?: boolean;
  readonly ephemeral?: boolean;
  readonly tags?: readonly string[];
  readonly expirySeconds?: number;
}

export function admin(method: string, path: string, body: unknown = null, token = env.OWNER_TOKEN): Promise<Answer> {
  // Each from an address of its own: what tests get wrong on purpose is not to be too much for a minute.
  const address = `2001:db8:${encodeHex(randomBytes(2))}:${encodeHex(randomBytes(2))}::1`;
  const headers = {
    authorization: `Bearer ${token}`,
    "content-type": "application/json",
    "cf-connecting-ip": address,
  };
  const init = body === null ? {} : { body: JSON.stringify(body) };
  return fetchWorker(new Request(`${ORIGIN}${path}`, { method, headers, ...init }));
}

function textOf(answer: Answer, field: string): string {
  const value = answer.json[field];
  if (answer.status !== 200 || typeof value !== "string")
    throw new Error(`no ${field}: ${answer.status} ${JSON.stringify(answer.json)}`);
  return value;
}

/** Makes a tailnet of a name that no other test uses, and gives its ID. */
export async function makeTailnet(name = `t${encodeHex(randomBytes(8))}.test`): Promise<string> {
  return textOf(await admin("POST", "/api/v2/tailnets", { name }), "id");
}

export async function makeAuthKey(tailnet: string, options: KeyOptions = {}, token?: string): Promise<string> {
  const { reusable = false, ephemeral = false, tags = [], expirySeconds } = options;
  const create = { reusable, ephemeral, preauthorized: true, tags };
  const body = { capabilities: { devices: { create } }, ...(expirySeconds === undefined ? {} : { expirySeconds }) };
  return textOf(await admin("POST", `/api/v2/tailnet/${tailnet}/keys`, body, token), "key");
}

/** Joins nodes to a tailnet, in order, each by the same reusable key. */
export async function join(tailnet: string, ...nodes: readonly TestNode[]): Promise<void> {
  const key = await makeAuthKey(tailnet, { reusable: true });
  for (const node of nodes) {
    const { status, json } = await node.register(key);
    if (status !== 200) throw new Error(`${node.hostname} was refused: ${JSON.stringify(json)}`);
  }
}

export function authorityOf(tailnet: string): DurableObjectStub<TailnetAuthority> {
  return env.TAILNET_AUTHORITY.get(env.TAILNET_AUTHORITY.idFromName(tailnet));
}

/** The object that holds a node's session, in a tailnet with so many shards of its own. */
export function sessions(
  tailnet: string,
  kind: SessionKind,
  { machineKey }: { readonly machineKey: MachineKey } = { machineKey: "" as MachineKey },
  shards = 0,
): DurableObjectStub<NodeSessions> {
  return env.NODE_SESSIONS.get(env.NODE_SESSIONS.idFromName(shardOf({ tailnet, machineKey, shards }, kind)));
}

/** Another tailnet, small like the first, whose sockets the same object holds. */
export async function neighbourOf(tailnet: string): Promise<string> {
  const shard = (of: string): string => shardOf({ tailnet: of, machineKey: "" as MachineKey, shards: 0 }, "socket");
  for (;;) {
    const other = await makeTailnet();
    if (shard(other) === shard(tailnet)) return other;
  }
}

/** Runs statements on the tables of a tailnet's object. */
export function sql(tailnet: string, ...statements: readonly string[]): Promise<void> {
  return runInDurableObject(authorityOf(tailnet), (_, { storage }) => {
    for (const statement of statements) storage.sql.exec(statement).toArray();
  });
}

/** Tables whose rows are no part of what is stored for good. */
const PASSING = new Set(["taken_nonces", "session_shards", "outbox", "delivery", "sqlite_sequence"]);

/** Every row of every table of an object, as text; nonces and the outbox aside. */
export function dump(state: DurableObjectState): Record<string, string[]> {
  const { sql: db } = state.storage;
  const names = db.exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table'").toArray();
  const tables = names.map(({ name }) => name).filter((name) => !name.startsWith("_cf_") && !PASSING.has(name));
  return Object.fromEntries(tables.sort().map((name) => [name, rowsOf(db, name)]));
}

/** The same without the log, and how far it is: for refusals that are on the record, and change nothing else. */
export function withoutLog(tables: Record<string, string[]>): Record<string, string[]> {
  const { events: _, tailnet = [], ...rest } = tables;
  return { ...rest, tailnet: tailnet.map((row) => row.replace(/"seq":\d+/, "")) };
}

function rowsOf(db: SqlStorage, table: string): string[] {
  const rows = db.exec(`SELECT * FROM "${table}"`).toArray();
  return rows.map((row) =>
    JSON.stringify(row, (_, value: unknown) =>
      value instanceof ArrayBuffer ? encodeHex(new Uint8Array(value)) : value,
    ),
  );
}

/** All that is stored of a tailnet: its own object, and the routes of these nodes. */
export async function stored(tailnet: string, nodes: readonly TestNode[] = []): Promise<Record<string, unknown>> {
  const buckets = new Set([TAILNETS_BUCKET, ...nodes.map(({ machineKey }) => bucketOf(machineKey))]);
  const out: Record<string, unknown> = {};
  out["authority"] = await runInDurableObject(authorityOf(tailnet), (_, state) => dump(state));
  for (const bucket of [...buckets].sort()) {
    const stub = env.DIRECTORY.get(env.DIRECTORY.idFromName(bucket));
    out[bucket] = await runInDurableObject(stub, (_, state) => dump(state));
  }
  return out;
}
