/**
 * The node's end of the HTTPS transport: one signed POST a question. Answers are attacker-controlled: they are cut off at a size before
 * they are parsed, and read by the protocol's shapes.
 */

import {
  MAP_PATH,
  REGISTER_PATH,
  ShapeError,
  TKA_PATHS,
  affectedSigsResponse,
  bootstrapResponse,
  emptyResponse,
  initBeginResponse,
  jsonReplacer,
  parseJson,
  registerResponse,
  syncOfferResponse,
  syncSendResponse,
  type AffectedSigsResponse,
  type BootstrapResponse,
  type InitBeginResponse,
  type RegisterResponse,
  type Shape,
  type SyncOfferResponse,
  type SyncSendResponse,
} from "../protocol/index.ts";
import type { Signer } from "../tka/index.ts";
import { AgentError, ControlRefusal, ControlUnreachable, parsedRefusal } from "./errors.ts";
import { readLimited } from "./limited-body.ts";
import type { MapChannel } from "./map-channel.ts";
import { MapConnector } from "./map-connector.ts";
import { signedHeaders } from "./request-signer.ts";

/** Milliseconds to wait for an answer: a held poll is answered well before. */
const TIMEOUT_MS = 120_000;
/** Bytes of the answer to a registration: a signature and some words. */
const MAX_REGISTER_BYTES = 1024 * 1024;
/** Bytes of an answer about the lock: the signatures or AUMs of a large tailnet. */
const MAX_TKA_BYTES = 64 * 1024 * 1024;
/** Bytes of a refusal. */
const MAX_REFUSAL_BYTES = 64 * 1024;

/** What is sent: fields by the names of the protocol's shapes. Bytes may stand in it. */
export type RequestBody = Readonly<Record<string, unknown>>;

/** The control plane, as the rest of the agent knows it. Every method throws ControlUnreachable, ControlRefusal, or `bad_answer`. */
export interface ControlClient {
  register(body: RequestBody, signal?: AbortSignal): Promise<RegisterResponse>;
  /** Opens the node's map by a map request: responses come until it ends. */
  openMap(hello: RequestBody, signal: AbortSignal): Promise<MapChannel>;
  bootstrap(body: RequestBody): Promise<BootstrapResponse>;
  syncOffer(body: RequestBody): Promise<SyncOfferResponse>;
  syncSend(body: RequestBody): Promise<SyncSendResponse>;
  initBegin(body: RequestBody): Promise<InitBeginResponse>;
  initFinish(body: RequestBody): Promise<void>;
  sign(body: RequestBody): Promise<void>;
  affectedSigs(body: RequestBody): Promise<AffectedSigsResponse>;
  disable(body: RequestBody): Promise<void>;
}

/** Parses the URL of a control plane. Throws `bad_argument`. */
export function parseControlUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  const bare = url !== null && url.pathname === "/" && url.search === "" && url.hash === "" && url.username === "";
  if (!bare || (url.protocol !== "https:" && url.protocol !== "http:"))
    throw new AgentError(
      "bad_argument",
      "the control URL must be of the form https://host[:port], with nothing after it",
    );
  return url;
}

async function refusalOf(response: Response): Promise<AgentError> {
  const body = await readLimited(response, MAX_REFUSAL_BYTES);
  const refusal = parsedRefusal(body);
  const busy = response.status >= 500 || response.status === 429 || refusal?.code === "try_again";
  if (busy) return new ControlUnreachable(`the control plane is not able to answer (${response.status})`);
  if (refusal !== null) return new ControlRefusal(refusal);
  return new AgentError("bad_answer", `the control plane answered ${response.status}`, "check the control URL");
}

export class HttpsClient implements ControlClient {
  readonly #url: URL;
  readonly #signer: Signer;
  readonly #maps: MapConnector;

  /** `signer` holds the node's request key. */
  constructor(url: URL, signer: Signer) {
    this.#url = url;
    this.#signer = signer;
    this.#maps = new MapConnector(url, signer, {
      open: (request, signal) => this.#openStream(request, signal),
      update: (request) => this.#ask(MAP_PATH, request, () => null, MAX_REFUSAL_BYTES),
    });
  }

  /** The answer to a request for a stream, once its head has come. */
  async #openStream(request: RequestBody, signal: AbortSignal): Promise<Response> {
    const timeout = new AbortController();
    const timer = setTimeout(() => {
      timeout.abort(new DOMException("no answer in time", "TimeoutError"));
    }, TIMEOUT_MS);
    try {
      const response = await this.#send(MAP_PATH, request, signal, timeout.signal);
      if (!response.ok) throw await refusalOf(response);
      return response;
    } finally {
      clearTimeout(timer);
    }
  }

  async #send(
    path: string,
    body: RequestBody,
    signal: AbortSignal | undefined,
    timeout = AbortSignal.timeout(TIMEOUT_MS),
  ): Promise<Response> {
    const url = new URL(path, this.#url);
    const payload = Buffer.from(JSON.stringify(body, jsonReplacer));
    try {
      return await fetch(url, {
        method: "POST",
        body: payload,
        headers: signedHeaders(url, payload, this.#signer, Date.now()),
        redirect: "error",
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      });
    } catch (error) {
      signal?.throwIfAborted();
      throw new ControlUnreachable(`the control plane at ${this.#url.origin} cannot be reached (${causeOf(error)})`);
    }
  }

  async #ask<T>(path: string, body: RequestBody, shape: Shape<T>, limit: number, signal?: AbortSignal): Promise<T> {
    const response = await this.#send(path, body, signal);
    if (!response.ok) throw await refusalOf(response);
    const text = await readLimited(response, limit);
    signal?.throwIfAborted();
    try {
      return parseJson(text, shape, path);
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
      throw new AgentError("bad_answer", `the control plane's answer cannot be read: ${error.message}`);
    }
  }

  register(body: RequestBody, signal?: AbortSignal): Promise<RegisterResponse> {
    return this.#ask(REGISTER_PATH, body, registerResponse, MAX_REGISTER_BYTES, signal);
  }

  openMap(hello: RequestBody, signal: AbortSignal): Promise<MapChannel> {
    return this.#maps.open(hello, signal);
  }

  bootstrap(body: RequestBody): Promise<BootstrapResponse> {
    return this.#ask(TKA_PATHS.bootstrap, body, bootstrapResponse, MAX_TKA_BYTES);
  }

  syncOffer(body: RequestBody): Promise<SyncOfferResponse> {
    return this.#ask(TKA_PATHS.syncOffer, body, syncOfferResponse, MAX_TKA_BYTES);
  }

  syncSend(body: RequestBody): Promise<SyncSendResponse> {
    return this.#ask(TKA_PATHS.syncSend, body, syncSendResponse, MAX_TKA_BYTES);
  }

  initBegin(body: RequestBody): Promise<InitBeginResponse> {
    return this.#ask(TKA_PATHS.initBegin, body, initBeginResponse, MAX_TKA_BYTES);
  }

  async initFinish(body: RequestBody): Promise<void> {
    await this.#ask(TKA_PATHS.initFinish, body, emptyResponse, MAX_TKA_BYTES);
  }

  async sign(body: RequestBody): Promise<void> {
    await this.#ask(TKA_PATHS.sign, body, emptyResponse, MAX_TKA_BYTES);
  }

  affectedSigs(body: RequestBody): Promise<AffectedSigsResponse> {
    return this.#ask(TKA_PATHS.affectedSigs, body, affectedSigsResponse, MAX_TKA_BYTES);
  }

  async disable(body: RequestBody): Promise<void> {
    await this.#ask(TKA_PATHS.disable, body, emptyResponse, MAX_TKA_BYTES);
  }
}

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown";
  const { cause } = error;
  const code = cause instanceof Error ? ((cause as NodeJS.ErrnoException).code ?? cause.message) : null;
  return code ?? (error.name === "TimeoutError" ? "no answer in time" : error.message);
}
