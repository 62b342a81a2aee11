/**
 * A browser, as far as signing in asks for one: it keeps cookies by host, follows redirects, and sends forms with the headers by which a real one says whose page
 * sent them. The Worker is asked itself, and whatever else there is as the Worker asks it: the real provider of identities.
 */

import { exports } from "cloudflare:workers";
import { encodeHex } from "../../../src/tka/index.ts";
import { ORIGIN, randomBytes } from "./signed-request.ts";

export interface Shown {
  readonly url: URL;
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
}

interface Sent {
  readonly method?: "GET" | "POST";
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const MOST_REDIRECTS = 12;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307]);

export class Browser {
  /** Asks the Worker. */
  readonly #worker: (request: Request) => Response | Promise<Response>;
  /** Of its own, so that what others do is not counted against it. */
  readonly #address = `2001:db8:${encodeHex(randomBytes(8))}`;
  /** By host: cookies as `Set-Cookie` gave them, by name. */
  readonly #cookies = new Map<string, Map<string, string>>();

  constructor(
    worker: (request: Request) => Response | Promise<Response> = (request) => exports.default.fetch(request),
  ) {
    this.#worker = worker;
  }

  /** The cookies of a host. */
  cookies(host: string): Map<string, string> {
    const kept = this.#cookies.get(host) ?? new Map<string, string>();
    this.#cookies.set(host, kept);
    return kept;
  }

  #keep(host: string, headers: Headers): void {
    for (const line of headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (/max-age=0|expires=thu, 01 jan 1970/i.test(line) || value === "") this.cookies(host).delete(name);
      else this.cookies(host).set(name, value);
    }
  }

  /** One request, and no more. */
  async ask(url: URL, { method = "GET", body, headers = {} }: Sent = {}): Promise<Response> {
    const cookie = [...this.cookies(url.host)].map(([name, value]) => `${name}=${value}`).join("; ");
    const request = new Request(url, {
      method,
      redirect: "manual",
      headers: { "cf-connecting-ip": this.#address, ...(cookie === "" ? {} : { cookie }), ...headers },
      ...(body === undefined ? {} : { body }),
    });
    const response = await (url.origin === ORIGIN ? this.#worker(request) : fetch(request));
    this.#keep(url.host, response.headers);
    return response;
  }

  /** Goes to a page, by whatever redirects. */
  async go(to: string | URL, sent: Sent = {}): Promise<Shown> {
    let [url, next] = [new URL(to, ORIGIN), sent];
    for (let i = 0; i < MOST_REDIRECTS; i++) {
      const response = await this.ask(url, next);
      const text = await response.text();
      if (!REDIRECTS.has(response.status)) return { url, status: response.status, text, headers: response.headers };
      [url, next] = [new URL(response.headers.get("location") ?? "", url), {}];
    }
    throw new Error(`redirected for ever, to ${url.href}`);
  }

  /** Sends a form of a page of the same origin. */
  submit(from: URL, action: string, fields: Readonly<Record<string, string>>): Promise<Shown> {
    const headers = {
      origin: from.origin,
      "sec-fetch-site": "same-origin",
      "content-type": "application/x-www-form-urlencoded",
    };
    const body = new URLSearchParams(fields).toString();
    return this.go(new URL(action, from), { method: "POST", body, headers });
  }

  /** Signs in at the provider with that login, from its page on; gives the page of ours that this ends at. */
  async signInAt(page: Shown, login: string): Promise<Shown> {
    let at = page;
    while (at.url.origin !== ORIGIN) {
      const action = /<form[^>]* action="([^"]+)"/.exec(at.text)?.[1];
      const prompt = /name="prompt" value="(\w+)"/.exec(at.text)?.[1];
      if (action === undefined || prompt === undefined) throw new Error(`no form at ${at.url.href}: ${at.text}`);
      at = await this.submit(at.url, action, { prompt, login, password: "x" });
    }
    return at;
  }

  /** Signs in by the provider, and gives the page that it ends at. */
  async signIn(login: string, back = "/sign-in"): Promise<Shown> {
    return this.signInAt(await this.go(`/sign-in/oidc?back=${encodeURIComponent(back)}`), login);
  }

  /** Asks the admin API as a page of ours does. */
  async api(method: "GET" | "POST", path: string, body?: object): Promise<Response> {
    const headers = { origin: ORIGIN, "sec-fetch-site": "same-origin", "content-type": "application/json" };
    return this.ask(new URL(path, ORIGIN), { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) });
  }
}
