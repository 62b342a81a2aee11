/** The objects: the only way into this folder. */

export type { Actor, By, EventKind, Origin, StoredEvent, Target } from "./events.ts";
export type { AuthKeyInfo, AuthKeyOptions } from "./auth-keys.ts";
export { Directory, TAILNETS_BUCKET, bucketOf, type TailnetEntry } from "./directory.ts";
export type { ObjectsEnv } from "./env.ts";
export { NodeSessions } from "./node-sessions.ts";
export { Queues } from "./delivery.ts";
export type { Caller } from "./nonces.ts";
export type { Lane, Pointer } from "./outbox.ts";
export { randomId } from "./random-id.ts";
export type { RecordPage, RecordedNews, RecordedNode, RecordedTailnet } from "./record.ts";
export { SESSIONS_SHARD } from "./sessions-shard.ts";
export { TailnetAuthority, type LockExport } from "./tailnet-authority.ts";
