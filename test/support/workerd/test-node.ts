/** A node as the tests play it: its three keys, and the questions that it asks the control plane over signed HTTPS. */

import { exports } from "cloudflare:workers";
import {
  CAPABILITY_VERSION,
  MAP_PATH,
  MAP_SUBPROTOCOL,
  REGISTER_PATH,
  TKA_PATHS,
  jsonReplacer,
  machineKeyOf,
  mapResponse,
  mapSocketPath,
  type MachineKey,
  type MapResponse,
  type Shape,
  type TkaRpc,
} from "../../../src/protocol/index.ts";
import { formatLockKeyJson, nodeKeyFromRaw, type NodeKey, type Signer } from "../../../src/tka/index.ts";
import { fastSigner } from "../host-crypto.ts";
import { MapSocket } from "./map-socket.ts";
import { MapStream, oneFrame } from "./map-stream.ts";
import { randomBytes, signedRequest, type Tampering } from "./signed-request.ts";

const FRAMES = "application/octet-stream";

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
  const text = new TextDecoder().decode(await response.arrayBuffer());
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

  /** Asks for one map; a framed one is given as its JSON. */
  async poll(fields: Fields = {}, tampering: Tampering = {}): Promise<Answer> {
    const response = await exports.default.fetch(this.#mapRequest(fields, tampering));
    return response.headers.get("content-type") === FRAMES ? oneFrame(response) : answerOf(response);
  }

  /** The full map, as a node gets it that begins a session. */
  async map(): Promise<MapResponse> {
    return accepted(await this.poll(), mapResponse);
  }

  #mapRequest(fields: Fields, tampering: Tampering = {}): Request {
    const body = JSON.stringify({ Version: CAPABILITY_VERSION, NodeKey: this.nodeKey, ...fields }, jsonReplacer);
    return signedRequest(MAP_PATH, new TextEncoder().encode(body), this.requestKey, tampering);
  }

  /** Opens a stream of maps. Throws what the control plane refuses. */
  async stream(fields: Fields = {}): Promise<MapStream> {
    const request = this.#mapRequest({ Stream: true, KeepAlive: true, ...fields });
    const response = await exports.default.fetch(request);
    if (!response.ok || response.body === null) throw new Error(`refused: ${JSON.stringify(await answerOf(response))}`);
    return new MapStream(response.body, fields["Compress"] === "zstd");
  }

  /** Goes on in the session of `last`, by a stream. */
  streamAfter({ MapSessionHandle, Seq: MapSessionSeq }: MapResponse): Promise<MapStream> {
    return this.stream({ MapSessionHandle, MapSessionSeq });
  }

  /** What is new since `last`, which is waited for. */
  async mapAfter(last: MapResponse): Promise<MapResponse> {
    const stream = await this.streamAfter(last);
    for (;;) {
      const response = await stream.next();
      const { Node, Peers, PeersChanged, PeersRemoved, TKAInfo } = response;
      if ([Node, Peers, PeersChanged, PeersRemoved, TKAInfo].every((field) => field === null)) continue;
      await stream.close();
      return response;
    }
  }

  /** The answer to the upgrade of a socket. */
  upgrade(headers: Readonly<Record<string, string>> = {}, tampering: Tampering = {}): Promise<Response> {
    const request = signedRequest(mapSocketPath(this.nodeKey), new Uint8Array(0), this.requestKey, {
      method: "GET",
      ...tampering,
    });
    const all = { upgrade: "websocket", "sec-websocket-protocol": MAP_SUBPROTOCOL, ...headers };
    for (const [name, value] of Object.entries(all)) request.headers.set(name, value);
    return exports.default.fetch(request);
  }

  /** Opens a socket; nothing is said on it yet. Throws what the control plane refuses. */
  async socket(headers: Readonly<Record<string, string>> = {}): Promise<MapSocket> {
    const response = await this.upgrade(headers);
    if (response.webSocket === null) throw new Error(`refused: ${JSON.stringify(await answerOf(response))}`);
    return new MapSocket(response.webSocket, this.nodeKey);
  }

  /** Opens a socket and a session on it, or goes on in one. */
  async listen(fields: Fields = {}): Promise<MapSocket> {
    const socket = await this.socket();
    socket.say(fields);
    return socket;
  }
}
