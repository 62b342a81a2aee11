/** A daemon's local API: HTTP over its socket. Cheaper than a command, for what is looked at over and over. */

import { request } from "node:http";

const TIMEOUT_MS = 30_000;

/** The answer's body. Throws where the daemon does not answer, or not well. */
export function askLocalApi(socket: string, method: string, path: string, body = ""): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { host: "local-tailscaled.sock", "content-length": Buffer.byteLength(body) };
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
