/** The command line's end of the agent's socket. */

import { existsSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import {
  ShapeError,
  jsonReplacer,
  nullable,
  optional,
  parseJson,
  record,
  text,
  type Shape,
} from "../protocol/index.ts";
import { decodeAum, sealAum, type AumHash, type NodeKey, type SealedAum } from "../tka/index.ts";
import { agentStatus, type AgentStatus } from "./agent-status.ts";
import { AGENT_ERROR_CODES, AgentError, type AgentErrorCode } from "./errors.ts";
import { readRequest } from "./limited-body.ts";
import { socketPath } from "./local-server.ts";
import { beginAnswer, headAnswer, logAnswer, nothing, recoveryAnswer, wrapAnswer } from "./local-shapes.ts";
import { shellQuoted } from "./shell-quoted.ts";

const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
const CODES: ReadonlySet<string> = new Set(AGENT_ERROR_CODES);

const refusal = record({ code: text, message: text, hint: optional(nullable(text)) });

interface RawAnswer {
  readonly status: number;
  readonly body: string;
}

/** A key that is to be trusted. */
export interface KeyToTrust {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly votes: bigint;
}

/** A node that an init is going to sign. */
export interface NodeToSign {
  /** As the control plane says: attacker-controlled. */
  readonly name: string;
  readonly nodeKey: NodeKey;
  /** 32 bytes, or empty for none. */
  readonly rotationKey: Uint8Array;
}

/** A recovery on its way from one signing node to the next. */
export interface RecoveryDraft {
  /** The encoded AUM. */
  readonly recovery: Uint8Array;
  /** True if with the signatures that it has, it would count. */
  readonly counts: boolean;
}

function keysJson(keys: readonly KeyToTrust[]): object[] {
  return keys.map(({ publicKey, votes }) => ({ publicKey, votes: String(votes) }));
}

/** The agent that runs on a state directory. Methods throw AgentError: `agent_not_running`, or what the agent says. */
export class LocalClient {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  #send(method: string, path: string, body: object | null): Promise<RawAnswer> {
    return new Promise((resolve, reject) => {
      const outgoing = request({ socketPath: socketPath(this.#directory), method, path }, (response) => {
        readRequest(response, MAX_ANSWER_BYTES).then(
          (answer) => resolve({ status: response.statusCode ?? 0, body: answer }),
          reject,
        );
      });
      outgoing.once("error", (error: NodeJS.ErrnoException) => reject(this.#unreachable(error)));
      outgoing.end(body === null ? undefined : JSON.stringify(body, jsonReplacer));
    });
  }

  #unreachable(error: NodeJS.ErrnoException): AgentError {
    const isForbidden = error.code === "EACCES" || error.code === "EPERM";
    if (isForbidden) return new AgentError("agent_not_running", `the agent of ${this.#directory} is another user's`);
    // A node that is in a tailnet knows where.
    const joining = existsSync(join(this.#directory, "node.json")) ? "" : " --url URL --auth-key file:PATH";
    return new AgentError(
      "agent_not_running",
      `no agent is running on ${this.#directory}`,
      `start it with: tailward --state-dir ${shellQuoted(this.#directory)} agent${joining}`,
    );
  }

  async #ask<T>(method: string, path: string, shape: Shape<T>, body: object | null = null): Promise<T> {
    const answer = await this.#send(method, path, body);
    try {
      if (answer.status === 200) return parseJson(answer.body, shape, "answer");
      const { code, message, hint } = parseJson(answer.body, refusal, "answer");
      throw new AgentError(CODES.has(code) ? (code as AgentErrorCode) : "internal", message, hint);
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
      throw new AgentError("bad_answer", `the agent's answer cannot be read: ${error.message}`);
    }
  }

  status(): Promise<AgentStatus> {
    return this.#ask("GET", "/status", agentStatus);
  }

  /** The newest updates of the chain, the newest first. */
  async log(limit: number): Promise<SealedAum[]> {
    const { updates } = await this.#ask("GET", `/log?limit=${limit}`, logAnswer);
    return updates.map((encoded) => sealAum(decodeAum(encoded)));
  }

  /** First act of an init: gives its ID, and the nodes that are going to be signed. `support`: the finish will bring a support secret. */
  async beginInit(
    keys: readonly KeyToTrust[],
    disablementValues: readonly Uint8Array[],
    support: boolean,
  ): Promise<{ readonly id: string; readonly nodes: readonly NodeToSign[] }> {
    const body = { keys: keysJson(keys), disablementValues, support };
    return this.#ask("POST", "/lock/init/begin", beginAnswer, body);
  }

  /** Second act: the lock is on when this returns. `supportDisablement` may be empty. */
  async finishInit(id: string, supportDisablement: Uint8Array): Promise<void> {
    await this.#ask("POST", "/lock/init/finish", nothing, { id, supportDisablement });
  }

  /** Signs a node key; `rotationKey` is 32 bytes, or empty for none. */
  async sign(nodeKey: NodeKey, rotationKey: Uint8Array): Promise<void> {
    await this.#ask("POST", "/lock/sign", nothing, { nodeKey, rotationKey });
  }

  /** Signs an auth key. Gives it in its wrapped form, a secret. */
  async wrapAuthKey(authKey: string): Promise<string> {
    return (await this.#ask("POST", "/lock/wrap-auth-key", wrapAnswer, { authKey })).wrapped;
  }

  /** Trusts keys. */
  async addKeys(keys: readonly KeyToTrust[]): Promise<void> {
    await this.#ask("POST", "/lock/add", nothing, { keys: keysJson(keys) });
  }

  /** Ends the trust in keys (32 bytes each); with `reSign`, what rests on them is signed by this node first. */
  async removeKeys(keys: readonly Uint8Array[], reSign: boolean): Promise<void> {
    await this.#ask("POST", "/lock/remove", nothing, { keys, reSign });
  }

  /** Makes a recovery without `keys` (32 bytes each), signed by this node; where it forks off is found, or given. */
  revokeKeys(keys: readonly Uint8Array[], forkFrom: AumHash | null): Promise<RecoveryDraft> {
    return this.#ask("POST", "/lock/revoke", recoveryAnswer, { keys, forkFrom });
  }

  /** Adds this node's signature to a recovery. */
  cosignRecovery(recovery: Uint8Array): Promise<RecoveryDraft> {
    return this.#ask("POST", "/lock/revoke/cosign", recoveryAnswer, { recovery });
  }

  /** Sends a recovery. Gives the head that counts then. */
  async finishRecovery(recovery: Uint8Array): Promise<string> {
    return (await this.#ask("POST", "/lock/revoke/finish", headAnswer, { recovery })).head;
  }

  /** Spends a disablement secret: the lock is off for the whole tailnet. */
  async disable(secret: Uint8Array): Promise<void> {
    await this.#ask("POST", "/lock/disable", nothing, { secret });
  }

  /** Turns the lock off on this node alone. */
  async localDisable(): Promise<void> {
    await this.#ask("POST", "/lock/local-disable", nothing, {});
  }

  /** Ends the node's key, and the agent. */
  async logOut(): Promise<void> {
    await this.#ask("POST", "/logout", nothing, {});
  }
}
