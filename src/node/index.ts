/** The agent: the only way into this folder. */

export { runAgent, type AgentOptions } from "./agent-process.ts";
export type { AgentStatus, PeerStatus } from "./agent-status.ts";
export { runBridge, type BridgeOptions } from "./bridge.ts";
export { AgentError, type AgentErrorCode } from "./errors.ts";
export { FileChonk } from "./file-chonk.ts";
export { parseControlUrl } from "./https-client.ts";
export { readLimited } from "./limited-body.ts";
export { LocalClient, type KeyToTrust, type NodeToSign, type RecoveryDraft } from "./local-client.ts";
export { nodeKdf, nodeVerifier, random, signerFromSeed } from "./native-crypto.ts";
export { OfflineSigner, type OfflineLock } from "./offline-signer.ts";
export { printable } from "./printable.ts";
export { shellQuoted } from "./shell-quoted.ts";
export { stateDirectoryPath, type Environment } from "./state-directory.ts";
