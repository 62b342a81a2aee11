/** What may be asked of a running agent on its socket. */

import { ShapeError, parseJson, type Shape } from "../protocol/index.ts";
import { KEY_25519, aumHash, decodeAum, encodeAum, type Aum, type Key } from "../tka/index.ts";
import type { ActContext } from "./act-context.ts";
import type { Agent } from "./agent.ts";
import { AgentError, ControlUnreachable } from "./errors.ts";
import {
  MAX_LOG,
  addBody,
  beginBody,
  disableBody,
  finishBody,
  recoveryBody,
  removeBody,
  revokeBody,
  signBody,
  wrapBody,
} from "./local-shapes.ts";
import { beginInit, finishInit, type BegunInit } from "./lock-init-acts.ts";
import { addKeys, removeKeys } from "./lock-modify-acts.ts";
import { disableLock } from "./lock-off-acts.ts";
import { beginRevocation, cosignRecovery, finishRecovery, type Recovery } from "./lock-revoke-acts.ts";
import { signNode, wrapKey } from "./lock-sign-acts.ts";

/** Milliseconds for which a finished init waits for the agent to hear of its own lock, so that the next command knows of it. */
const LOCK_KNOWN_MS = 10_000;

function bodyOf<T>(json: string, shape: Shape<T>): T {
  try {
    return parseJson(json, shape, "request");
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw new AgentError("bad_argument", error.message);
  }
}

/** Keys to trust, with their votes. */
function trusted(keys: readonly { readonly publicKey: Uint8Array; readonly votes: bigint }[]): Key[] {
  return keys.map(({ publicKey, votes }) => ({ kind: KEY_25519, votes, publicKey, meta: null }));
}

function recoveryOf(body: string): Aum {
  return decodeAum(bodyOf(body, recoveryBody).recovery);
}

function recoveryJson({ recovery, counts }: Recovery): object {
  return { recovery: encodeAum(recovery), counts };
}

type Handler = (body: string, query: URLSearchParams) => unknown;

/** The routes of one agent, with the init that it has begun. */
export class LocalRoutes {
  readonly #agent: Agent;
  #begun: BegunInit | null = null;
  readonly #handlers: ReadonlyMap<string, Handler>;

  constructor(agent: Agent) {
    this.#agent = agent;
    this.#handlers = new Map<string, Handler>([
      ["GET /status", () => agent.status()],
      ["GET /log", (_body, query) => this.#log(query)],
      ["POST /lock/init/begin", (body) => this.#begin(body)],
      ["POST /lock/init/finish", (body) => this.#finish(body)],
      ["POST /lock/sign", (body) => this.#sign(body)],
      ["POST /lock/wrap-auth-key", (body) => this.#wrap(body)],
      ["POST /lock/add", (body) => this.#add(body)],
      ["POST /lock/remove", (body) => this.#remove(body)],
      ["POST /lock/revoke", (body) => this.#revoke(body)],
      ["POST /lock/revoke/cosign", (body) => recoveryJson(cosignRecovery(agent.actContext(), recoveryOf(body)))],
      ["POST /lock/revoke/finish", (body) => this.#finishRevocation(recoveryOf(body))],
      ["POST /lock/disable", (body) => this.#disable(body)],
      ["POST /lock/local-disable", () => this.#localDisable()],
      ["POST /logout", () => this.#logOut()],
    ]);
  }

  /** Answers one request. Throws AgentError or TkaError. */
  async answer(method: string, url: URL, body: string): Promise<unknown> {
    const handler = this.#handlers.get(`${method} ${url.pathname}`);
    if (handler === undefined) throw new AgentError("bad_argument", `the agent knows no ${method} ${url.pathname}`);
    return await handler(body, url.searchParams);
  }

  /** An act that changes the chain: alone, and whether it went through or met another, the chain is up to date when it is answered. */
  async #change<T>(act: (context: ActContext) => Promise<T>): Promise<T> {
    const agent = this.#agent;
    const context = agent.actContext();
    try {
      const done = await agent.exclusively(() => act(context));
      await agent.catchUp();
      return done;
    } catch (error) {
      if (!(error instanceof ControlUnreachable)) await agent.catchUp();
      throw error;
    }
  }

  #log(query: URLSearchParams): unknown {
    const limit = Number(query.get("limit") ?? MAX_LOG);
    if (!Number.isSafeInteger(limit)) throw new AgentError("bad_argument", "the limit is a number");
    return { updates: this.#agent.lock.log(Math.min(limit, MAX_LOG)).map(({ bytes: encoded }) => encoded) };
  }

  async #begin(body: string): Promise<unknown> {
    const { keys, disablementValues, support } = bodyOf(body, beginBody);
    const context = this.#agent.actContext();
    if (!this.#agent.offersLock())
      throw new AgentError("lock_unsupported", "the control plane does not offer tailnet lock to this node");
    // Where this one is refused, none is left to be finished.
    this.#begun = null;
    this.#begun = await beginInit(context, trusted(keys), disablementValues, support);
    const names = this.#agent.names();
    const nodes = this.#begun.nodes.map(({ NodePublic, RotationPubkey }) => ({
      name: names.get(NodePublic) ?? "",
      nodeKey: NodePublic,
      rotationKey: RotationPubkey,
    }));
    return { id: this.#begun.id, nodes };
  }

  async #finish(body: string): Promise<unknown> {
    const { id, supportDisablement } = bodyOf(body, finishBody);
    if (this.#begun?.id !== id)
      throw new AgentError(
        "no_pending_init",
        "another init was begun, or the agent was started anew",
        "run: tailward lock init again",
      );
    await finishInit(this.#agent.actContext(), this.#begun, supportDisablement);
    this.#begun = null;
    await this.#agent.lockKnown(LOCK_KNOWN_MS);
    return {};
  }

  async #sign(body: string): Promise<unknown> {
    const { nodeKey, rotationKey } = bodyOf(body, signBody);
    await signNode(this.#agent.actContext(), nodeKey, rotationKey.length === 0 ? null : rotationKey);
    return {};
  }

  async #wrap(body: string): Promise<unknown> {
    const { authKey } = bodyOf(body, wrapBody);
    const { stableId } = this.#agent.status().node;
    return { wrapped: await this.#change((context) => wrapKey(context, authKey, stableId, Date.now())) };
  }

  async #add(body: string): Promise<unknown> {
    const { keys } = bodyOf(body, addBody);
    await this.#change((context) => addKeys(context, trusted(keys)));
    return {};
  }

  async #remove(body: string): Promise<unknown> {
    const { keys, reSign } = bodyOf(body, removeBody);
    await this.#change((context) => removeKeys(context, keys, reSign));
    return {};
  }

  #revoke(body: string): unknown {
    const { keys, forkFrom } = bodyOf(body, revokeBody);
    return recoveryJson(beginRevocation(this.#agent.actContext(), keys, forkFrom));
  }

  async #finishRevocation(recovery: Aum): Promise<unknown> {
    const head = await this.#change((context) => finishRecovery(context, recovery));
    if (head !== aumHash(recovery) && !this.#agent.lock.isActive(aumHash(recovery)))
      throw new AgentError(
        "recovery_lost",
        `the recovery was taken, and does not count: the head is ${head}`,
        "more signing nodes must cosign it, then finish it again",
      );
    return { head: this.#agent.lock.authority?.head ?? head };
  }

  async #disable(body: string): Promise<unknown> {
    const { secret } = bodyOf(body, disableBody);
    await this.#agent.exclusively(() => disableLock(this.#agent.actContext(), secret));
    await this.#agent.catchUp({ Head: null, Disabled: true });
    return {};
  }

  async #localDisable(): Promise<unknown> {
    await this.#agent.ignoreLock();
    return {};
  }

  async #logOut(): Promise<unknown> {
    await this.#agent.logOut();
    return {};
  }
}
