/**
 * Moves bytes between a raw TCP connection and a WebSocket until either side ends. A side that ends has what was sent before: then the other is ended too.
 * Neither direction holds bytes without end: a client that does not read what it is sent is cut off.
 */

import type { RawConnection } from "./raw-tcp.ts";

/** Bytes that may wait for a client that does not read: more than is ever on its way to one that does. */
const MAX_WAITING = 16 * 1024 * 1024;
/** Milliseconds within which a close has to be answered. */
const CLOSING_MS = 10_000;
const NORMAL = 1000;
const TRY_AGAIN = 1013;

/** From the client. Ends once the client has, or the connection was lost. */
async function upward({ reader }: RawConnection, webSocket: WebSocket, rest: Uint8Array): Promise<void> {
  if (rest.length > 0) webSocket.send(rest);
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    webSocket.send(value);
  }
}

/** To the client. Ends once the WebSocket has, and everything is written. */
function downward({ writer }: RawConnection, webSocket: WebSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    let waiting = 0;
    let last: Promise<void> = Promise.resolve();
    webSocket.addEventListener("message", ({ data }) => {
      if (typeof data === "string") return reject(new Error("a message of text"));
      const bytes = new Uint8Array(data as ArrayBuffer);
      waiting += bytes.length;
      if (waiting > MAX_WAITING) return reject(new Error("the client does not read"));
      last = writer.write(bytes).then(() => {
        waiting -= bytes.length;
      });
      last.catch(reject);
    });
    webSocket.addEventListener("close", () => {
      last.then(resolve, reject);
    });
    webSocket.addEventListener("error", () => {
      last.then(resolve, reject);
    });
  });
}

function close(webSocket: WebSocket, code: number): void {
  try {
    webSocket.close(code);
  } catch {
    // It is closed.
  }
}

/** Rejects after a while: the other side has been told to end. */
function closingTime(): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error("the WebSocket does not close")), CLOSING_MS);
  });
}

/** Carries a connection whose first bytes are `rest`. Rejects where it broke. */
export async function pumpSocket(connection: RawConnection, webSocket: WebSocket, rest: Uint8Array): Promise<void> {
  webSocket.binaryType = "arraybuffer";
  const down = downward(connection, webSocket);
  webSocket.accept();
  try {
    await Promise.race([down, upward(connection, webSocket, rest)]);
    // The client's end is told by a close, which the other side answers once it has sent all that it has.
    close(webSocket, NORMAL);
    await Promise.race([down, closingTime()]);
  } catch (error) {
    close(webSocket, TRY_AGAIN);
    throw error;
  }
}
