/** What may be asked of a running agent on its socket. Whoever can open the socket owns the node: the shapes guard against mistakes. */

import {
  ShapeError,
  boolean,
  bytes,
  list,
  parseJson,
  parsed,
  record,
  text,
  withDefault,
  type Shape,
} from "../protocol/index.ts";
import { KEY_25519, MAX_DISABLEMENT_VALUES, MAX_KEYS, parseNodeKey, type Key } from "../tka/index.ts";
import type { Agent } from "./agent.ts";
import { AgentError } from "./errors.ts";
import { beginInit, finishInit, signNode, wrapKey, type BegunInit } from "./lock-acts.ts";

/** The most updates that `/log` gives. */
const MAX_LOG = 2000;
/** Milliseconds for which a finished init waits for the agent to hear of its own lock, so that the next command knows of it. */
const LOCK_KNOWN_MS = 10_000;

const votes: Shape<bigint> = parsed((digits) => {
  if (!/^\d{1,19}$/.test(digits)) throw new Error("votes are a number");
  return BigInt(digits);
});

const beginBody = record({
  keys: list(record({ publicKey: bytes, votes }), MAX_KEYS),
  disablementValues: list(bytes, MAX_DISABLEMENT_VALUES),
  support: withDefault(boolean, false),
});
const finishBody = record({ id: text, supportDisablement: bytes });
const signBody = record({ nodeKey: parsed(parseNodeKey), rotationKey: bytes });
const wrapBody = record({ authKey: text });

/** What `POST /lock/init/begin` answers. */
export const beginAnswer = record({
  id: text,
  /** Those that are going to be signed; `rotationKey` is 32 bytes, or empty for none. */
  nodes: list(record({ name: text, nodeKey: parsed(parseNodeKey), rotationKey: bytes }), 20_000),
});
/** What `POST /lock/wrap-auth-key` answers. */
export const wrapAnswer = record({ wrapped: text });
/** What `GET /log` answers: encoded AUMs, the newest first. */
export const logAnswer = record({ updates: list(bytes, MAX_LOG) });

function bodyOf<T>(json: string, shape: Shape<T>): T {
  try {
    return parseJson(json, shape, "request");
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw new AgentError("bad_argument", error.message);
  }
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
    ]);
  }

  /** Answers one request. Throws AgentError or TkaError. */
  async answer(method: string, url: URL, body: string): Promise<unknown> {
    const handler = this.#handlers.get(`${method} ${url.pathname}`);
    if (handler === undefined) throw new AgentError("bad_argument", `the agent knows no ${method} ${url.pathname}`);
    return await handler(body, url.searchParams);
  }

  #log(query: URLSearchParams): unknown {
    const limit = Number(query.get("limit") ?? MAX_LOG);
    if (!Number.isSafeInteger(limit)) throw new AgentError("bad_argument", "the limit is a number");
    return { updates: this.#agent.lock.log(Math.min(limit, MAX_LOG)).map(({ bytes: encoded }) => encoded) };
  }

  async #begin(body: string): Promise<unknown> {
    const { keys, disablementValues, support } = bodyOf(body, beginBody);
    const trusted = keys.map(({ publicKey, votes: v }): Key => ({ kind: KEY_25519, votes: v, publicKey, meta: null }));
    const context = this.#agent.actContext();
    if (!this.#agent.offersLock())
      throw new AgentError("lock_unsupported", "the control plane does not offer tailnet lock to this node");
    // Where this one is refused, none is left to be finished.
    this.#begun = null;
    this.#begun = await beginInit(context, trusted, disablementValues, support);
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
    const agent = this.#agent;
    const { stableId } = agent.status().node;
    return { wrapped: await agent.exclusively(() => wrapKey(agent.actContext(), authKey, stableId, Date.now())) };
  }
}
