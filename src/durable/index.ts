/** The objects: the only way into this folder. */

export type { Actor, By, EventKind, Origin, StoredEvent, Target } from "./audit/events.ts";
export { advanceSessions } from "./sessions/advance.ts";
export type { AuthKeyInfo, AuthKeyOptions } from "./people/auth-keys.ts";
export {
  ACCESS_SECONDS,
  type ClientOptions,
  type CredentialInfo,
  type Granted,
  type KeyInfo,
  type TokenOptions,
} from "./people/credential-acts.ts";
export type { ProvenCredential } from "./people/proven-credential.ts";
export type { UserChange, UserInfo } from "./people/user-acts.ts";
export type { AcceptedInvite, ShownInvite, WantedInvite } from "./people/user-invite-acts.ts";
export type { UserInvite } from "./people/user-invites.ts";
export { MAP_TICKET_HEADER, type MapTicket, type NodeApiProps } from "./control/requests.ts";
export { connectionRequest, placeOf, type ConnectionPlace, type ConnectionTicket } from "./control/ticket.ts";
export { CONTACT_KINDS, type ContactKind, type Contacts } from "./settings/contacts.ts";
export type { DnsPatch } from "./settings/dns-acts.ts";
export type { DnsSettings } from "./settings/dns-settings.ts";
export { derpMapOf } from "./sessions/derp-map.ts";
export type { DeviceChange, DeviceInfo, DeviceLock, DevicePage } from "./nodes/devices.ts";
export { Directory, LOGINS_BUCKET, TAILNETS_BUCKET, bucketOf, type TailnetEntry } from "./directory/directory.ts";
export type { ObjectsEnv } from "./env.ts";
export type { KeyDetail } from "./lock/standing.ts";
export { requestArgument } from "./followed.ts";
export { openSecret, sealSecret, type SealedFor } from "./sealed.ts";
export type { LogHead } from "./audit/head.ts";
export type { StreamInfo } from "./audit/stream-acts.ts";
export type { StreamBatch, StreamPointer, StreamResult } from "./audit/stream-batches.ts";
export { STREAM_COMPRESSIONS, STREAM_DESTINATIONS, type NewStream, type StreamSettings } from "./audit/streams.ts";
export type { LockReport, ReportedNode } from "./lock/report.ts";
export type { LoginInfo } from "./nodes/logins.ts";
export { SESSION_IDLE_MS, SESSION_MS, type PersonSession } from "./directory/person-sessions.ts";
export type { SignedInUser } from "./people/sign-in.ts";
export { ROLE_NAMES } from "./people/roles.ts";
export { SIGN_IN_LINK_MS, type LinkProof } from "./directory/sign-in-links.ts";
export {
  isPeopleBucket,
  peopleBucket,
  peopleBucketNumber,
  type OidcProof,
  type SignInProof,
} from "./people/sign-in-proof.ts";
export { noiseCrypto } from "./control/native-noise.ts";
export { NodeSessions } from "./sessions/node-sessions.ts";
export { Queues } from "./delivery/delivery.ts";
export { isNative, type Caller, type SignedProof } from "./nodes/nonces.ts";
export type { Lane, Pointer } from "./delivery/outbox.ts";
export { randomId } from "./random-id.ts";
export { isSecretOf, newSecret } from "./secret.ts";
export { sha256 } from "./sha256.ts";
export type { PolicyFile } from "./settings/policy-files.ts";
export { failureText } from "./settings/policy-acts.ts";
export type { EventsPage, RecordPage, RecordedNews, RecordedNode, RecordedTailnet } from "./delivery/record.ts";
export { isLogout } from "./nodes/registration.ts";
export type { Settings, SettingsPatch } from "./settings/settings.ts";
export type { Share } from "./sharing/shares.ts";
export { inRequest, log, newRequestId, type Level } from "./log.ts";
export type { LockKey, LogPage, LoggedAum, RetiredChain } from "./lock/chain.ts";
export type { SignedNode } from "./lock/sign.ts";
export type { LockExport } from "./lock/export.ts";
export { TailnetAuthority } from "./authority/tailnet-authority.ts";
export { ticketRequest, type Admitted, type StreamWish } from "./sessions/ticket.ts";
export { shardOf, type SessionKind } from "./seating/layout.ts";
export { controlKeyOf } from "./control/key.ts";
export type { RewindTo, Rewound } from "./authority/rewind.ts";
export type { Watched } from "./delivery/watched.ts";
export type { NewLogin } from "./directory/waiting-logins.ts";
export { zstdFrames } from "./maps/zstd-frames.ts";
export type { WebhookInfo, WebhookReplay } from "./webhooks/acts.ts";
export type { WebhookAttempt, WebhookPointer, WebhookResult, WebhookSettled } from "./webhooks/attempts.ts";
export { ownerLogin } from "./people/user-profiles.ts";
