/** A lean HTTP client over kept connections, so that what is measured is the server. */

import { Agent, request } from "node:http";

export interface Reply {
  readonly status: number;
  readonly text: string;
}

export interface Ask {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
}

export class Http {
  readonly #base: URL;
  readonly #agent: Agent;

  constructor(base: URL, connections = 1) {
    this.#base = base;
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  ask({ method = "POST", path, headers = {}, body = "" }: Ask): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const { hostname, port } = this.#base;
      const length = { "content-length": String(Buffer.byteLength(body)) };
      const sent = request(
        { agent: this.#agent, hostname, port, method, path, headers: { ...headers, ...length } },
        (answer) => {
          const chunks: Buffer[] = [];
          answer.on("data", (chunk: Buffer) => chunks.push(chunk));
          answer.on("end", () => {
            resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString() });
          });
          answer.on("error", reject);
        },
      );
      sent.on("error", reject);
      sent.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** The reply's body. Throws where it is not a 200. */
export function expectOk({ status, text }: Reply, what: string): string {
  if (status !== 200) throw new Error(`bench: ${what} was answered ${status}: ${text.slice(0, 400)}`);
  return text;
}
