/** A node that asks as a Tailscale client does whose Noise connection has proven its machine: the same routes, without a signature. */

import { env } from "cloudflare:workers";
import { Hono } from "hono";
import {
  TKA_PATHS,
  jsonReplacer,
  registerResponse,
  type RegisterResponse,
  type TkaRpc,
} from "../../../src/protocol/index.ts";
import { newRequestId } from "../../../src/durable/log.ts";
import { nodeKeyFromRaw, type NodeKey } from "../../../src/tka/index.ts";
import type { AppTypes } from "../../../src/worker/app-types.ts";
import type { WorkerEnv } from "../../../src/worker/env.ts";
import { refuseNatively } from "../../../src/worker/nodes/native-refusals.ts";
import { nodeApi } from "../../../src/worker/nodes/node-api.ts";
import { ORIGIN, randomBytes } from "./signed-request.ts";
import { TestNode, accepted, answerOf, type Answer, type Fields } from "./test-node.ts";

/** The capability version of v1.102.5. */
const VERSION = 142;

/** An answer with its text, as a client shows it. */
export interface NativeAnswer extends Answer {
  readonly text: string;
}

export class NativeClient extends TestNode {
  readonly #app = new Hono<AppTypes>();
  /** Variables of the Worker that take the place of those that it has. */
  vars: Partial<WorkerEnv> = {};

  constructor(hostname: string) {
    super(hostname);
    this.#app.use(async (c, next) => {
      c.set("caller", { machineKey: this.machineKey, proof: "noise", request: newRequestId() });
      await next();
    });
    this.#app.use(refuseNatively);
    this.#app.route("/", nodeApi);
  }

  async ask(method: string, path: string, fields: Fields = {}): Promise<NativeAnswer> {
    const response = await this.fetch(method, path, fields);
    const text = await response.clone().text();
    return { ...(await answerOf(response)), text };
  }

  async fetch(method: string, path: string, fields: Fields = {}): Promise<Response> {
    const body = JSON.stringify({ Version: VERSION, NodeKey: this.nodeKey, ...fields }, jsonReplacer);
    const init = method === "GET" ? { method } : { method, body };
    return this.#app.request(`${ORIGIN}${path}`, init, { ...env, ...this.vars });
  }

  override post(path: string, fields: Fields): Promise<NativeAnswer> {
    return this.ask("POST", path, fields);
  }

  override tka(rpc: TkaRpc, fields: Fields = {}): Promise<NativeAnswer> {
    return this.post(TKA_PATHS[rpc], fields);
  }

  /** Takes a new node key, and gives the old one. */
  newKey(): NodeKey {
    const old = this.nodeKey;
    this.nodeKey = nodeKeyFromRaw(randomBytes(32));
    return old;
  }

  /** The registration's answer; fails where that is not a 200. */
  async registered(authKey = "", fields: Fields = {}): Promise<RegisterResponse> {
    return accepted(await this.register(authKey, fields), registerResponse);
  }
}
