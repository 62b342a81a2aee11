/**
 * Tailscale's client for browsers, in a page of headless Chromium. It reaches the control plane by the Worker's own WebSocket, with no bridge: the
 * way that Cloudflare's front gives to all. It keeps its state in the page, and has no lock: others judge its key.
 */

import { createServer, type Server } from "node:http";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { chromium as launcher, type Browser, type Page } from "playwright-core";
import { LOADER, WASM, chromium } from "./browser-build.ts";

/** What the page knows of its node, as its client tells it. */
export interface BrowserNetmap {
  readonly self: { readonly name: string; readonly addresses: readonly string[]; readonly nodeKey: string };
  readonly peers: readonly {
    readonly name: string;
    readonly addresses: readonly string[];
    readonly online?: boolean;
  }[];
  readonly lockedOut: boolean;
}

interface Answer {
  readonly status: number;
  readonly text: () => Promise<string>;
}

/** The globals of the page. */
interface PageWorld {
  startClient(config: object): Promise<void>;
  ipn: { fetch(url: string): Promise<Answer> };
  state: string;
  netmap: string | null;
}

const SCRIPT = `
async function startClient(config) {
  const go = new Go();
  const { instance } = await WebAssembly.instantiateStreaming(fetch("/client.wasm"), go.importObject);
  void go.run(instance);
  while (typeof newIPN !== "function") await new Promise((resolve) => setTimeout(resolve, 20));
  globalThis.ipn = newIPN(config);
  ipn.run({
    notifyState: (state) => (globalThis.state = state),
    notifyNetMap: (netmap) => (globalThis.netmap = netmap),
    notifyBrowseToURL: (url) => console.log("browse to " + url),
    notifyPanicRecover: (why) => console.log("panic: " + why),
  });
  ipn.login();
}
globalThis.state = "";
globalThis.netmap = null;
`;
const HTML = `<!doctype html><meta charset="utf-8"><title>client</title><script src="/wasm_exec.js"></script><script>${SCRIPT}</script>`;

async function serve(): Promise<Server> {
  const files: Readonly<Record<string, readonly [string, () => string | Buffer]>> = {
    "/": ["text/html", () => HTML],
    "/wasm_exec.js": ["text/javascript", () => readFileSync(LOADER)],
    "/client.wasm": ["application/wasm", () => readFileSync(WASM)],
  };
  const server = createServer((request, response) => {
    const file = files[request.url ?? ""];
    response.writeHead(file === undefined ? 404 : 200, { "content-type": file?.[0] ?? "text/plain" });
    response.end(file?.[1]());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

export class BrowserClient {
  readonly #server: Server;
  readonly #browser: Browser;
  readonly #page: Page;
  readonly #lines: string[];

  private constructor(server: Server, browser: Browser, page: Page, lines: string[]) {
    this.#server = server;
    this.#browser = browser;
    this.#page = page;
    this.#lines = lines;
  }

  /** Opens the page, its client not started. Whoever opens it closes it. */
  static async open(): Promise<BrowserClient> {
    const executablePath = chromium();
    if (executablePath === null) throw new Error("there is no Chromium here");
    const server = await serve();
    // The relay's certificate is of its own making.
    const browser = await launcher.launch({ executablePath, args: ["--no-sandbox", "--ignore-certificate-errors"] });
    const page = await browser.newPage();
    const lines: string[] = [];
    page.on("console", (message) => lines.push(message.text()));
    page.on("pageerror", (error) => lines.push(`page: ${error.message}`));
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.waitForFunction("typeof Go === 'function'");
    return new BrowserClient(server, browser, page, lines);
  }

  /** Starts the client, which joins by the auth key. */
  async join(controlURL: string, authKey: string, hostname: string): Promise<void> {
    const config = { controlURL, authKey, hostname };
    await this.#page.evaluate((given) => (globalThis as unknown as PageWorld).startClient(given), config);
  }

  /** Its state, in the words of `ipn.State`. */
  state(): Promise<string> {
    return this.#page.evaluate(() => (globalThis as unknown as PageWorld).state);
  }

  /** What it was last told of the tailnet; null before that. */
  async netmap(): Promise<BrowserNetmap | null> {
    const text = await this.#page.evaluate(() => (globalThis as unknown as PageWorld).netmap);
    return text === null ? null : (JSON.parse(text) as BrowserNetmap);
  }

  /** Gets a page of a node over the tailnet. Rejects where it does not come. */
  get(url: string): Promise<string> {
    return this.#page.evaluate(async (from) => {
      const answer = await (globalThis as unknown as PageWorld).ipn.fetch(from);
      return answer.text();
    }, url);
  }

  /** What the page and its client have logged. */
  log(): string {
    return this.#lines.join("\n");
  }

  async close(): Promise<void> {
    await this.#browser.close();
    this.#server.close();
  }
}
