/** Puts an agent together from its state directory and runs it, socket and all, until it is told to stop. */

import { rmSync } from "node:fs";
import { join } from "node:path";
import { Agent } from "./agent.ts";
import { lockDirectory } from "./directory-lock.ts";
import { AgentError } from "./errors.ts";
import { FileChonk } from "./file-chonk.ts";
import { HttpsClient, parseControlUrl } from "./https-client.ts";
import { replaceNodeKey } from "./joining.ts";
import { KeyStore } from "./key-store.ts";
import { LocalLock } from "./local-lock.ts";
import { LocalRoutes } from "./local-routes.ts";
import { reserveSocket, serveLocally } from "./local-server.ts";
import { nodeKdf, nodeVerifier, signerFromSeed } from "./native-crypto.ts";
import { openStateDirectory } from "./state-directory.ts";
import { TkaError } from "../tka/index.ts";

export interface AgentOptions {
  readonly directory: string;
  /** Null for the one used before. */
  readonly url: string | null;
  readonly authKey: string | null;
  readonly hostname: string | null;
  /** Takes a new node key before the start: as a key that has run out does. */
  readonly forceReauth: boolean;
  readonly log: (line: string) => void;
}

function chooseUrl(store: KeyStore, given: string | null): URL {
  const known = store.state.controlUrl;
  if (given === null && known === null)
    throw new AgentError("bad_argument", "no control plane was named", "add --url URL: `npm start` prints it");
  const url = parseControlUrl(given ?? known ?? "");
  if (store.state.joined && known !== null && known !== url.origin)
    throw new AgentError(
      "bad_argument",
      `this node belongs to ${known}`,
      "use another --state-dir for another control plane",
    );
  if (known !== url.origin) store.update({ controlUrl: url.origin });
  return url;
}

function openChain(directory: string): FileChonk {
  try {
    return FileChonk.open(join(directory, "tka", "chain.log"));
  } catch (error) {
    if (!(error instanceof TkaError)) throw error;
    throw new AgentError("state_corrupt", error.message, `put back a good copy of ${join(directory, "tka")}`);
  }
}

/** Runs until `signal` aborts. Throws AgentError where the agent cannot start, or cannot go on. */
export async function runAgent(options: AgentOptions, signal: AbortSignal): Promise<void> {
  const { directory } = options;
  openStateDirectory(directory);
  const release = lockDirectory(directory);
  try {
    await runAlone(options, signal);
  } finally {
    release();
  }
}

/** The same, where no other agent is on the directory. */
async function runAlone(options: AgentOptions, signal: AbortSignal): Promise<void> {
  const { directory, authKey, hostname, log } = options;
  const socket = await reserveSocket(directory);
  const store = KeyStore.open(directory);
  const url = chooseUrl(store, options.url);
  const chonk = openChain(directory);
  try {
    const lock = new LocalLock({ chonk, verifier: nodeVerifier, kdf: nodeKdf, now: () => Date.now() });
    if (options.forceReauth && store.state.joined) replaceNodeKey({ store, lock });
    const client = new HttpsClient(url, signerFromSeed(store.state.requestKey));
    const agent = new Agent({ client, store, lock, authKey, hostname, controlUrl: url.origin, log });
    const server = await serveLocally(socket, new LocalRoutes(agent));
    try {
      await agent.run(signal);
    } finally {
      await server.close();
      rmSync(socket, { force: true });
    }
  } finally {
    chonk.close();
  }
}
