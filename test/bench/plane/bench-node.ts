/** A node as light as can be: keys, and requests that are signed before the clock runs. */

import { randomBytes } from "node:crypto";
import { signerFromSeed } from "../../../src/node/native-crypto.ts";
import { signedHeaders } from "../../../src/node/request-signer.ts";
import {
  CAPABILITY_VERSION,
  MAP_SUBPROTOCOL,
  REGISTER_PATH,
  TKA_PATHS,
  jsonReplacer,
  mapSocketPath,
  type TkaRpc,
} from "../../../src/protocol/index.ts";
import { formatLockKeyJson, nodeKeyFromRaw, type NodeKey, type Signer } from "../../../src/tka/index.ts";
import type { Seat } from "./crowd.ts";
import { expectOk, type Ask, type Http, type Reply } from "./http.ts";

export type Fields = Readonly<Record<string, unknown>>;

const fresh = (): Uint8Array => new Uint8Array(randomBytes(32));

/** Where a session of a node stands. */
export interface Session {
  readonly MapSessionHandle: string;
  readonly MapSessionSeq: number;
}

const NO_SESSION: Session = { MapSessionHandle: "", MapSessionSeq: 0 };

/** The control plane that a node asks: it may be started again elsewhere. */
export interface Where {
  readonly url: URL;
  readonly http: Http;
}

export class BenchNode {
  readonly hostname: string;
  readonly requestKey: Signer = signerFromSeed(fresh());
  readonly lockKey: Signer = signerFromSeed(fresh());
  nodeKey: NodeKey = nodeKeyFromRaw(fresh());
  readonly #plane: Where;

  constructor(hostname: string, plane: Where) {
    this.hostname = hostname;
    this.#plane = plane;
  }

  /** Where its control plane is. */
  get url(): URL {
    return this.#plane.url;
  }

  /** A signed request with the node's key and version, then `fields`; it is good for a minute. */
  signed(path: string, fields: Fields, base = this.#plane.url): Ask {
    const body = Buffer.from(
      JSON.stringify({ Version: CAPABILITY_VERSION, NodeKey: this.nodeKey, ...fields }, jsonReplacer),
    );
    const headers = signedHeaders(new URL(path, base), body, this.requestKey, Date.now());
    return { path, headers: Object.fromEntries(headers), body };
  }

  /** A socket for the node's map, which goes on in a session; or begins one, where there is none yet. */
  seat(session: Session = NO_SESSION): Seat {
    const url = new URL(mapSocketPath(this.nodeKey), this.#plane.url);
    const headers = signedHeaders(url, new Uint8Array(0), this.requestKey, Date.now(), "GET");
    const hello = { Version: CAPABILITY_VERSION, NodeKey: this.nodeKey, ...session };
    const socketUrl = new URL(url.href.replace(/^http/, "ws"));
    return {
      url: socketUrl,
      protocol: MAP_SUBPROTOCOL,
      headers: Object.fromEntries(headers),
      hello: JSON.stringify(hello),
    };
  }

  ask(ask: Ask): Promise<Reply> {
    return this.#plane.http.ask(ask);
  }

  async post(path: string, fields: Fields): Promise<unknown> {
    return JSON.parse(expectOk(await this.ask(this.signed(path, fields)), path));
  }

  tka(rpc: TkaRpc, fields: Fields = {}): Promise<unknown> {
    return this.post(TKA_PATHS[rpc], fields);
  }

  async register(authKey: string): Promise<void> {
    await this.post(REGISTER_PATH, {
      NLKey: formatLockKeyJson(this.lockKey.publicKey),
      Auth: { AuthKey: authKey },
      Hostinfo: { Hostname: this.hostname, OS: "linux", IPNVersion: "1.102.5" },
    });
  }
}
