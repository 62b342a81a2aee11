/** What a raw TCP connection holds of what its client does not read, and how both sides end. */

import { expect, test } from "vitest";
import { pumpSocket } from "../../../src/worker/nodes/raw-tcp-pump.ts";

interface Ends {
  /** The control plane's end of the WebSocket. */
  readonly far: WebSocket;
  readonly closed: Promise<number>;
  readonly pumped: Promise<void>;
  /** What the client is sent, and what it sends. */
  readonly toClient: ReadableStreamDefaultReader<Uint8Array>;
  readonly fromClient: WritableStreamDefaultWriter<Uint8Array>;
}

function pump(rest = new Uint8Array(0)): Ends {
  const [down, up] = [new IdentityTransformStream(), new IdentityTransformStream()];
  const { 0: near, 1: far } = new WebSocketPair();
  far.binaryType = "arraybuffer";
  far.accept();
  const closed = new Promise<number>((resolve) => {
    far.addEventListener("close", ({ code }) => {
      far.close();
      resolve(code);
    });
  });
  const connection = {
    reader: up.readable.getReader(),
    writer: (down.writable as WritableStream<Uint8Array>).getWriter(),
  };
  const pumped = pumpSocket(connection, near, rest);
  pumped.catch(() => undefined);
  const toClient = down.readable.getReader();
  return { far, closed, pumped, toClient, fromClient: (up.writable as WritableStream<Uint8Array>).getWriter() };
}

test("a client that does not read is cut off before what waits for it has no end", async () => {
  const { far, closed, pumped } = pump();
  for (let i = 0; i < 17; i++) far.send(new Uint8Array(1024 * 1024));
  await expect(pumped).rejects.toThrow("does not read");
  expect(await closed).toBe(1013);
});

test("one that reads late gets all of it", async () => {
  const { far, pumped, toClient } = pump();
  for (let i = 0; i < 15; i++) far.send(new Uint8Array(1024 * 1024));
  far.close(1000);
  let length = 0;
  while (length < 15 * 1024 * 1024) length += (await toClient.read()).value?.length ?? 0;
  await pumped;
});

test("what came with the upgrade goes first, and the client's end ends both", async () => {
  const { far, closed, pumped, fromClient } = pump(Uint8Array.of(1, 2));
  const heard: number[] = [];
  far.addEventListener("message", ({ data }) => void heard.push(...new Uint8Array(data as ArrayBuffer)));
  await fromClient.write(Uint8Array.of(3));
  await fromClient.close();
  await pumped;
  expect([heard, await closed]).toEqual([[1, 2, 3], 1000]);
});

test("text is nothing that the control protocol says", async () => {
  const { far, closed, pumped } = pump();
  far.send("text");
  await expect(pumped).rejects.toThrow("text");
  expect(await closed).toBe(1013);
});
