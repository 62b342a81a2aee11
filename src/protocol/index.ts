/** The control protocol: the only way into this folder. Shapes of `/machine/*`, text forms, limits, and the words of the command line's JSON. */

export { formatAuthKey, parseAuthKey, type AuthKeyParts } from "./auth-key.ts";
export { EVENT_ACTIONS, EVENT_KINDS, actionOf, propertyOf, type AuditAction, type EventKind } from "./audit-kinds.ts";
export {
  auditHeadJson,
  formatAuditHead,
  headInDetail,
  parseAuditHead,
  type AuditHead,
  type AuditHeadJson,
} from "./audit-head.ts";
export {
  auditEventName,
  auditHash,
  auditPreimage,
  auditRecord,
  isConsistent,
  unverifiedAuditEvent,
  type AuditEvent,
  type AuditFields,
  type AuditRecord,
} from "./audit-record.ts";
export { AuditVerifier, type AuditProblem, type AuditProblemCode, type AuditVerdict } from "./audit-verify.ts";
export { decodeBase64, encodeBase64, encodeBase64Url } from "./base64.ts";
export { canonicalJson } from "./canonical-json.ts";
export { CAPABILITY_VERSION, LEAST_CAPABILITY_VERSION } from "./capability-version.ts";
export {
  AUDIT_LOG_PATH,
  FEATURE_QUERY_PATH,
  SSH_ACTION_PATH,
  UPDATE_HEALTH_PATH,
  WHOAMI_PATH,
  auditLogRequest,
  featureQueryRequest,
  type AuditLogRequest,
} from "./client-rpc.ts";
export {
  CONTROL_SUBPROTOCOL,
  HANDSHAKE_FIELD,
  KEY_PATH,
  TS2021_PATH,
  controlKeyResponse,
  controlPublicKey,
  parseControlKey,
  type ControlKeyResponse,
} from "./control-key.ts";
export { earlyPayload } from "./early-payload.ts";
export { CONTROL_ERROR_CODES, parseRefusal, type ControlErrorCode, type Outcome, type Refusal } from "./errors.ts";
export type { HpackField } from "./hpack-static-table.ts";
export { HTTP2_CODE } from "./http2-codes.ts";
export { HTTP2_ERROR_CODES, Http2Error, type Http2ErrorCode } from "./http2-error.ts";
export { Http2Server, type Http2Event } from "./http2-server.ts";
export type { Http2Request } from "./http2-requests.ts";
export { Http1Error, Http1HeadReader, MAX_HEAD_BYTES, type Http1Head } from "./http1-head.ts";
export {
  BODY_MS,
  HANDSHAKE_CHARS,
  HEAD_MS,
  SWITCHED,
  answerHead,
  chunk,
  connectionTarget,
  hasBody,
  nativeUpgradeOf,
  passedOn,
  plainAnswer,
} from "./http1-relay.ts";
export { readDerpMap } from "./derp-map.ts";
export { isAddress, isAddressPort, isPrefix } from "./endpoint-text.ts";
export { NO_HOSTINFO, hostinfo, type Hostinfo, type ShownHostinfo } from "./hostinfo.ts";
export * from "./limits.ts";
export {
  formatRequestKey,
  machineKeyFromRaw,
  machineKeyOf,
  parseMachineKey,
  parseRequestKey,
  type MachineKey,
} from "./machine-key.ts";
export { NoiseError, type NoiseCrypto, type NoiseErrorCode, type NoiseKeyPair } from "./noise-crypto.ts";
export { INITIATION_BYTES, openInitiation, type HandshakeAnswer, type OpenedInitiation } from "./noise-handshake.ts";
export { decodeNoiseState, encodeNoiseState, type NoiseState } from "./noise-state.ts";
export { MAX_RECORD_PLAINTEXT, NoiseTransport } from "./noise-transport.ts";
export { frame, frameLength, FRAME_HEADER_BYTES } from "./map-frame.ts";
export { encodeMapMessage, encodeMapNode, encodePeerChange, type MapMessage } from "./map-json.ts";
export { MAP_CLOSE, MAP_SUBPROTOCOL, mapSocketPath, type MapCloseReason } from "./map-socket.ts";
export {
  CAP_TAILNET_LOCK,
  MAP_PATH,
  READ_ONLY_STREAMS,
  discoKey,
  mapRequest,
  mapResponse,
  node,
  tkaInfo,
  type MapNode,
  type MapRequest,
  type MapResponse,
  type PeerChange,
  type TkaInfo,
  type UserProfile,
} from "./map.ts";
export {
  REGISTER_PATH,
  registerRequest,
  registerResponse,
  type RegisterRequest,
  type RegisterResponse,
} from "./register.ts";
export {
  CLOCK_SKEW_S,
  MAX_LIFETIME_S,
  NONCE_LENGTH,
  SIGNATURE_ALGORITHM,
  SIGNATURE_LABEL,
  SIGNATURE_LIFETIME_S,
  SIGNATURE_TAG,
  SIGNED_COMPONENTS,
  SIGNED_PARAMETERS,
  contentDigest,
} from "./request-signature.ts";
export { jsonLine } from "./json-line.ts";
export { formatCredential, parseCredential, type CredentialKind, type CredentialParts } from "./credential-text.ts";
export { ROLES, SCOPES, coversScope, isRole, isScope, type Role, type Scope } from "./roles.ts";
export {
  ShapeError,
  boolean,
  dictionary,
  bytes,
  integer,
  jsonReplacer,
  list,
  nullable,
  optional,
  parseJson,
  parsed,
  record,
  text,
  withDefault,
  type Shape,
  type ShapeOf,
} from "./shape.ts";
export { formatShareInvite, parseShareInvite, type ShareInviteParts } from "./share-invite.ts";
export {
  SUPPORT_ENC_BYTES,
  formatSupportKey,
  formatSupportPrivateKey,
  parseSupportKey,
  parseSupportPrivateKey,
  sealedSupport,
  supportBinding,
  type SealedSupport,
} from "./support-key.ts";
export * from "./tka-rpc.ts";
export { ZERO_TIME, timeJson } from "./go-time.ts";
export { encodeGoJson, goMap, goObject } from "./go-json.ts";
export { ID_PATTERNS, isShareId, isTailnetId, isUserId, parseInviteId, tailnetOfId } from "./ids.ts";
export { loginName } from "./login-name.ts";
export { formatUserInvite, parseUserInvite, type UserInviteParts } from "./user-invite.ts";
export { lockLogJson, lockStatusJson } from "./lock-json.ts";
export {
  lockStatus,
  lockStatusReplacer,
  type LockPeer,
  type LockStatus,
  type TrustedKeyStatus,
} from "./lock-status.ts";
export { nodeKeySignatureText } from "./signature-text.ts";
export {
  WEBHOOK_PROVIDERS,
  WEBHOOK_SUBSCRIPTIONS,
  isSubscribed,
  ownWebhookTypeOf,
  webhookTypesOf,
  type WebhookProvider,
  type WebhookSubscription,
  type WebhookType,
} from "./webhook-types.ts";
