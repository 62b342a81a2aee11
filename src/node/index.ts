/** The agent: the only way into this folder. */

export { runAgent, type AgentOptions } from "./agent-process.ts";
export { nodeStatus, type AgentStatus, type NodeStatus, type PeerStatus } from "./agent-status.ts";
export { AGENT_ERROR_CODES, AgentError, type AgentErrorCode } from "./errors.ts";
export { FileChonk } from "./file-chonk.ts";
export { LocalClient, type InitialKey } from "./local-client.ts";
export { NOT_TRUSTED } from "./lock-acts.ts";
export { nodeKdf, nodeVerifier, random, signerFromSeed } from "./native-crypto.ts";
export { printable } from "./printable.ts";
export { stateDirectoryPath, type Environment } from "./state-directory.ts";
