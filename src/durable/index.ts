/** The objects: the only way into this folder. */

export type { Actor, By, EventKind, Origin, StoredEvent, Target } from "./events.ts";
export { advanceSessions } from "./advance-sessions.ts";
export type { AuthKeyInfo, AuthKeyOptions } from "./auth-keys.ts";
export {
  ACCESS_SECONDS,
  type ClientOptions,
  type CredentialInfo,
  type Granted,
  type KeyInfo,
  type TokenOptions,
} from "./credential-acts.ts";
export type { ProvenCredential } from "./proven-credential.ts";
export type { UserChange, UserInfo } from "./user-acts.ts";
export { MAP_TICKET_HEADER, type MapTicket, type NodeApiProps } from "./control-requests.ts";
export { connectionRequest, placeOf, type ConnectionPlace, type ConnectionTicket } from "./control-ticket.ts";
export { CONTACT_KINDS, type ContactKind, type Contacts } from "./contacts.ts";
export type { DnsPatch } from "./dns-acts.ts";
export type { DnsSettings } from "./dns-settings.ts";
export { derpMapOf } from "./derp-map.ts";
export type { DeviceChange, DeviceInfo, DeviceLock } from "./devices.ts";
export { Directory, LOGINS_BUCKET, TAILNETS_BUCKET, bucketOf, type TailnetEntry } from "./directory.ts";
export type { ObjectsEnv } from "./env.ts";
export type { KeyDetail } from "./lock-standing.ts";
export type { LogHead } from "./log-head.ts";
export type { StreamBatch, StreamInfo, StreamPointer, StreamResult } from "./log-stream-acts.ts";
export { STREAM_COMPRESSIONS, STREAM_DESTINATIONS, type StreamSettings } from "./log-streams.ts";
export type { LockReport, ReportedNode } from "./lock-report.ts";
export type { LoginInfo } from "./logins.ts";
export { SESSION_IDLE_MS, SESSION_MS, type PersonSession } from "./person-sessions.ts";
export type { SignedInUser } from "./sign-in.ts";
export { ROLE_NAMES } from "./roles.ts";
export { SIGN_IN_LINK_MS, type LinkProof } from "./sign-in-links.ts";
export { isPeopleBucket, peopleBucket, peopleBucketNumber, type SignInProof } from "./sign-in-proof.ts";
export { noiseCrypto } from "./native-noise.ts";
export { NodeSessions } from "./node-sessions.ts";
export { Queues } from "./delivery.ts";
export { isNative, type Caller, type SignedProof } from "./nonces.ts";
export type { Lane, Pointer } from "./outbox.ts";
export { randomId, randomText } from "./random-id.ts";
export type { PolicyFile } from "./policy-files.ts";
export { failureText } from "./policy-acts.ts";
export type { RecordPage, RecordedNews, RecordedNode, RecordedTailnet } from "./record.ts";
export { isLogout } from "./registration.ts";
export type { Settings, SettingsPatch } from "./settings.ts";
export type { Share } from "./shares.ts";
export { inRequest, log, newRequestId, type Level } from "./log.ts";
export type { LockKey, LogPage, LoggedAum, RetiredChain } from "./lock-log.ts";
export type { SignedNode } from "./lock-sign.ts";
export type { LockExport } from "./lock-export.ts";
export { TailnetAuthority } from "./tailnet-authority.ts";
export { ticketRequest, type Admitted, type StreamWish } from "./session-ticket.ts";
export { shardOf, type SessionKind } from "./session-layout.ts";
export { controlKeyOf } from "./control-key.ts";
export type { RewindTo, Rewound } from "./rewind.ts";
export type { Watched } from "./watched.ts";
export type { NewLogin } from "./waiting-logins.ts";
export { zstdFrames } from "./zstd-frames.ts";
export type { WebhookInfo, WebhookReplay } from "./webhook-acts.ts";
export type { WebhookAttempt, WebhookPointer, WebhookResult, WebhookSettled } from "./webhook-attempts.ts";
export { ownerLogin } from "./user-profiles.ts";
