/** A node as the tests play it: its three keys, and the questions that it asks the control plane over signed HTTPS. */

import { exports } from "cloudflare:workers";
import {
  CAPABILITY_VERSION,
  MAP_PATH,
  REGISTER_PATH,
  TKA_PATHS,
  jsonReplacer,
  machineKeyOf,
  mapResponse,
  type MachineKey,
  type MapResponse,
  type Shape,
  type TkaRpc,
} from "../../../src/protocol/index.ts";
import { formatLockKeyJson, nodeKeyFromRaw, type NodeKey, type Signer } from "../../../src/tka/index.ts";
import { fastSigner } from "../host-crypto.ts";
import { randomBytes, signedRequest, type Tampering } from "./signed-request.ts";

/** An answer of the Worker: its status, and its body where that is a JSON object. */
export interface Answer {
  readonly status: number;
  readonly json: Readonly<Record<string, unknown>>;
  /** The body where that is a JSON list. */
  readonly list: readonly unknown[];
  readonly headers: Headers;
}

export type Fields = Readonly<Record<string, unknown>>;

export async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  let json: unknown = null;
  try {
    json = JSON.parse(text);
  } catch {
    // A body of another kind: a test that looks into it finds nothing.
  }
  const isObject = typeof json === "object" && json !== null && !Array.isArray(json);
  const list = Array.isArray(json) ? (json as unknown[]) : [];
  return { status: response.status, json: isObject ? (json as Fields) : {}, list, headers: response.headers };
}

/** The answer of the Worker under test. */
export async function fetchWorker(request: Request): Promise<Answer> {
  return answerOf(await exports.default.fetch(request));
}

/** The statuses of several answers, in order of size. */
export function statusesOf(answers: readonly Answer[]): number[] {
  return answers.map(({ status }) => status).sort((a, b) => a - b);
}

/** The answer's body in that shape; fails where the request was refused. */
export function accepted<T>(answer: Answer, shape: Shape<T>): T {
  if (answer.status !== 200) throw new Error(`refused: ${answer.status} ${JSON.stringify(answer.json)}`);
  return shape(answer.json, "answer");
}

/** A 32-byte private key that is drawn anew each time, so that tests share no node. */
function newSigner(): Signer & { readonly seed: Uint8Array } {
  const seed = randomBytes(32);
  return { ...fastSigner(seed), seed };
}

export class TestNode {
  readonly hostname: string;
  readonly requestKey = newSigner();
  readonly lockKey = newSigner();
  readonly machineKey: MachineKey = machineKeyOf(this.requestKey.publicKey);
  nodeKey: NodeKey = nodeKeyFromRaw(randomBytes(32));

  constructor(hostname: string) {
    this.hostname = hostname;
  }

  /** Asks with the given bytes as body. */
  send(path: string, body: Uint8Array, tampering: Tampering = {}): Promise<Answer> {
    return fetchWorker(signedRequest(path, body, this.requestKey, tampering));
  }

  /** Asks with a JSON body: the node's key and version, then `fields`. */
  post(path: string, fields: Fields, tampering: Tampering = {}): Promise<Answer> {
    const body = JSON.stringify({ Version: CAPABILITY_VERSION, NodeKey: this.nodeKey, ...fields }, jsonReplacer);
    return this.send(path, new TextEncoder().encode(body), tampering);
  }

  tka(rpc: TkaRpc, fields: Fields = {}, tampering: Tampering = {}): Promise<Answer> {
    return this.post(TKA_PATHS[rpc], fields, tampering);
  }

  register(authKey: string, fields: Fields = {}): Promise<Answer> {
    return this.post(REGISTER_PATH, {
      NLKey: formatLockKeyJson(this.lockKey.publicKey),
      Auth: { AuthKey: authKey },
      Hostinfo: { Hostname: this.hostname, OS: "linux", IPNVersion: "test" },
      ...fields,
    });
  }

  poll(fields: Fields = {}, tampering: Tampering = {}): Promise<Answer> {
    return this.post(MAP_PATH, fields, tampering);
  }

  /** The full map, as a node gets it that begins a session. */
  async map(): Promise<MapResponse> {
    return accepted(await this.poll(), mapResponse);
  }

  /** What is new since `last`, which is waited for. */
  async mapAfter({ MapSessionHandle, Seq: MapSessionSeq }: MapResponse): Promise<MapResponse> {
    return accepted(await this.poll({ MapSessionHandle, MapSessionSeq }), mapResponse);
  }
}
