/** A daemon's local API: HTTP over its socket. Cheaper than a command, for what is looked at over and over. */

import { request } from "node:http";

const TIMEOUT_MS = 30_000;
const HEADERS = { host: "local-tailscaled.sock" };
/** Go's `ipn.NotifyWatchEngineUpdates`. */
const ENGINE_UPDATES = 1;

/** The answer's body. Throws where the daemon does not answer, or not well. */
export function askLocalApi(socket: string, method: string, path: string, body = ""): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { ...HEADERS, "content-length": Buffer.byteLength(body) };
    const options = { socketPath: socket, method, path: `/localapi/v0/${path}`, headers, timeout: TIMEOUT_MS };
    const asked = request(options, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (part: string) => (text += part));
      answer.once("end", () => {
        if (answer.statusCode === 200) resolve(text);
        else reject(new Error(`${method} ${path} answered ${answer.statusCode ?? 0}: ${text}`));
      });
      answer.once("error", reject);
    });
    asked.once("timeout", () => asked.destroy(new Error(`${method} ${path} was not answered`)));
    asked.once("error", reject);
    asked.end(body);
  });
}

/**
 * Watches a daemon as an app's window does, until it ends: while it is watched, it looks at its own connections every two seconds. One that nobody
 * watches may miss its first relay, and say Starting for good though it is connected (docs/compatibility.md).
 */
export function watchDaemon(socket: string): void {
  const path = `/localapi/v0/watch-ipn-bus?mask=${ENGINE_UPDATES}`;
  const ignore = (): void => {};
  const watching = request({ socketPath: socket, path, headers: HEADERS }, (news) => news.on("error", ignore).resume());
  watching.once("error", ignore).end();
}
