/** The bridge: what it carries, what it refuses, and what it outlives [Z27]. */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { runBridge, type BridgeOptions } from "../../src/node/bridge.ts";
import { checkKey } from "../../src/node/bridge-key.ts";
import { dial } from "../../src/node/bridge-tunnel.ts";
import { eventually } from "../support/eventually.ts";
import { NativeConnection, TcpClient, upgradeHead } from "../support/native-connection.ts";
import { FLOOD_BYTES, NoiseEcho, anotherKey } from "../support/noise-echo.ts";
import { NoiseInitiator } from "../support/noise-initiator.ts";

/** Milliseconds for a test that moves much, on a machine with other work. */
const PATIENCE_MS = 30_000;

let control: NoiseEcho;
let bridge: RunningBridge;

interface RunningBridge {
  readonly port: number;
  readonly lines: readonly string[];
  /** Tells it to stop, and waits until it has. */
  stop(): Promise<void>;
  readonly ended: Promise<void>;
}

function start(options: Partial<BridgeOptions> = {}): {
  running: Promise<RunningBridge>;
  ended: Promise<void>;
  lines: string[];
} {
  const stop = new AbortController();
  const lines: string[] = [];
  const { promise: address, resolve } = Promise.withResolvers<AddressInfo>();
  const all = { url: control.url, controlKey: control.controlKey, host: "127.0.0.1", port: 0, maxConnections: 1000 };
  const ended = runBridge({ ...all, log: (line) => lines.push(line), listening: resolve, ...options }, stop.signal);
  const running = address.then(({ port }) => ({
    port,
    lines,
    ended,
    stop: () => {
      stop.abort();
      return ended;
    },
  }));
  return { running, ended, lines };
}

const get = (path: string, ...fields: readonly string[]): string =>
  [`GET ${path} HTTP/1.1`, "Host: bridge.test", ...fields, "", ""].join("\r\n");

async function answerTo(text: string): Promise<string> {
  const client = new TcpClient(bridge.port);
  client.send(text);
  return client.rest();
}

beforeEach(async () => {
  control = new NoiseEcho();
  await control.start();
  bridge = await start().running;
});

afterEach(async () => {
  await bridge.stop();
  await control.kill();
});

describe("a client's connection", () => {
  test("is carried both ways, record by record", async () => {
    const client = await NativeConnection.open(bridge.port, control.controlKey);
    client.say("hello");
    expect(await client.hear()).toBe("hello");
    client.say("x".repeat(20_000));
    let heard = "";
    while (heard.length < 20_000) heard += await client.hear();
    expect(heard).toBe("x".repeat(20_000));
    client.tcp.socket.end();
  });

  test("that says its first word with the upgrade is not cut short", async () => {
    const initiator = await NoiseInitiator.start(control.controlKey);
    const client = new TcpClient(bridge.port);
    const whole = upgradeHead(initiator.handshake);
    client.send(whole.slice(0, 100));
    client.send(whole.slice(100));
    expect(await client.head()).toBe(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: tailscale-control-protocol\r\nConnection: upgrade\r\n\r\n",
    );
    const noise = await initiator.finish(await client.take(51));
    client.send(noise.seal(new Uint8Array(5)));
    expect(noise.receive(await client.take(24))).toEqual(new Uint8Array(5));
    client.socket.end();
  });

  test("ends at both sides where the client ends it, and where the control plane does, after the last word", async () => {
    const client = await NativeConnection.open(bridge.port, control.controlKey);
    client.say("last");
    client.tcp.socket.end();
    expect(await client.hear()).toBe("last");
    expect(await client.tcp.rest()).toBe("");
    await eventually(() => expect(control.connections).toBe(0));
    const other = await NativeConnection.open(bridge.port, control.controlKey);
    other.say("bye");
    expect(await other.hear()).toBe("farewell");
    expect(await other.tcp.rest()).toBe("");
  });

  test(
    "of a client that does not read takes no more from the control plane than fits on the way",
    { timeout: PATIENCE_MS },
    async () => {
      const client = await NativeConnection.open(bridge.port, control.controlKey);
      client.tcp.socket.pause();
      client.say("flood 1024");
      await eventually(async () => {
        const before = control.waiting;
        await sleep(200);
        expect(before).toBeGreaterThan(0);
        expect(control.waiting).toBe(before);
      });
      // What the system's buffers hold besides is less than that.
      expect(control.waiting).toBeGreaterThan(4 * 1024 * 1024);
      client.tcp.socket.resume();
      let left = 1024 * FLOOD_BYTES;
      while (left > 0) left -= (await client.record()).length;
      expect(left).toBe(0);
      client.tcp.socket.destroy();
    },
  );

  test("two hundred at a time, each its own", { timeout: PATIENCE_MS }, async () => {
    const clients = await Promise.all(
      Array.from({ length: 200 }, () => NativeConnection.open(bridge.port, control.controlKey)),
    );
    clients.forEach((client, i) => client.say(`client ${i}`));
    expect(await Promise.all(clients.map((client) => client.hear()))).toEqual(clients.map((_, i) => `client ${i}`));
    for (const { tcp } of clients) tcp.socket.end();
  });
});

describe("what is no client's connection", () => {
  test("the key is answered as it was given, whatever the control plane says", async () => {
    control.saidKey = anotherKey();
    const answer = await answerTo(get("/key?v=142"));
    expect(JSON.parse(answer.split("\r\n\r\n")[1] ?? "")).toEqual({
      legacyPublicKey: `mkey:${"0".repeat(64)}`,
      publicKey: control.controlKey,
    });
  });

  test("a page goes through, and its answer's fields; a redirect is the client's", async () => {
    const answer = await answerTo(get("/login/abc?x=1", "Accept: text/plain"));
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*x-page: yes\r\n[^]*\r\n\r\n5\r\npage \r\n0\r\n\r\n$/);
    expect(await answerTo(get("/moved"))).toContain("location: https://elsewhere.test/");
    expect(control.asked.slice(-2)).toEqual(["GET /login/abc?x=1 ", "GET /moved "]);
  });

  test("a body goes through in pieces, and not a byte more", async () => {
    const client = new TcpClient(bridge.port);
    client.send("POST /form HTTP/1.1\r\nHost: b\r\nContent-Length: 6\r\n\r\nabc");
    client.send(`def${get("/smuggled")}`);
    expect(await client.rest()).toContain("page abcdef");
    expect(control.asked.slice(1)).toEqual(["POST /form abcdef"]);
  });

  test("a path cannot name another host", async () => {
    await answerTo(get("//elsewhere.test/x"));
    await answerTo(get("/@elsewhere.test/x"));
    expect(control.asked.slice(1)).toEqual(["GET //elsewhere.test/x ", "GET /@elsewhere.test/x "]);
  });

  test.each([
    ["two lengths", "POST /x HTTP/1.1\r\nHost: b\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400],
    ["an encoding", "POST /x HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501],
    ["a bare line feed", "GET /x HTTP/1.1\nHost: b\r\n\r\n", 400],
    ["a head without end", `GET /x HTTP/1.1\r\nA: ${"b".repeat(20_000)}`, 431],
    ["a handshake of another size", upgradeHead("A".repeat(140)), 400],
  ])("%s is refused here, and goes no further", async (_, text, status) => {
    expect(await answerTo(text)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(control.asked).toHaveLength(1);
    expect(control.connections).toBe(0);
  });

  test("silence is answered by silence", async () => {
    const client = new TcpClient(bridge.port);
    client.socket.end();
    expect(await client.rest()).toBe("");
  });
});

describe("the control plane's key [Z27]", () => {
  test("another one is refused before anybody is served", async () => {
    const given = anotherKey();
    const { ended } = start({ controlKey: given });
    await expect(ended).rejects.toMatchObject({
      code: "bad_argument",
      message: expect.stringContaining(control.controlKey) as string,
    });
  });

  test("a client that was told another key gets nowhere, whatever the bridge carries", async () => {
    await expect(NativeConnection.open(bridge.port, anotherKey())).rejects.toThrow("401");
  });

  test("a control plane that sends elsewhere for it, or for a connection, is not followed", async () => {
    const sender = createServer((_, response) =>
      response.writeHead(307, { location: new URL("/key", control.url).href }).end(),
    );
    sender.on("upgrade", (request, socket) =>
      socket.end(
        `HTTP/1.1 307 Elsewhere\r\nLocation: ${new URL(request.url ?? "/", control.url).href}\r\nContent-Length: 0\r\n\r\n`,
      ),
    );
    await new Promise<void>((resolve) => sender.listen(0, "127.0.0.1", resolve));
    const url = new URL(`http://127.0.0.1:${(sender.address() as AddressInfo).port}`);
    const stop = new AbortController();
    const lines: string[] = [];
    const checked = checkKey(url, control.controlKey, stop.signal, (line) => lines.push(line));
    await eventually(() => expect(lines[0]).toMatch(/cannot be reached; trying again$/));
    stop.abort();
    await expect(checked).rejects.toThrow();

    const initiator = await NoiseInitiator.start(control.controlKey);
    await expect(dial(url, initiator.handshake, new AbortController().signal)).rejects.toThrow();
    expect(control.connections).toBe(0);
    sender.close();
  });

  test("is asked for again while the control plane is away", async () => {
    await control.kill();
    const { running, lines } = start();
    await eventually(() => expect(lines[0]).toMatch(/cannot be reached; trying again$/));
    await control.start();
    await (await running).stop();
  });
});

describe("whoever keeps others waiting", () => {
  /** Lets time pass, in steps between which the network is heard, until `what` has happened. */
  async function pass<T>(what: Promise<T>, stepMs: number): Promise<T> {
    let isDone = false;
    const done = (): void => void (isDone = true);
    what.then(done, done);
    while (!isDone) {
      await sleep(20);
      vi.advanceTimersByTime(stepMs);
    }
    return what;
  }

  afterEach(() => void vi.useRealTimers());

  test.each([
    ["its head", "GET /key HTTP/1.1\r\nHost: b\r\n"],
    ["its body", "POST /x HTTP/1.1\r\nHost: b\r\nContent-Length: 9\r\n\r\nhalf"],
  ])("with the rest of %s is told so, and let go", async (_, text) => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const client = new TcpClient(bridge.port);
    client.send(text);
    expect(await pass(client.rest(), 1000)).toMatch(/^HTTP\/1\.1 408 /);
  });

  test("as a client with reading what it is sent is cut off, at both sides", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const client = await NativeConnection.open(bridge.port, control.controlKey);
    client.tcp.socket.pause();
    client.say("flood 1024");
    await pass(
      eventually(() => expect(control.connections).toBe(0)),
      10_000,
    );
    client.tcp.socket.destroy();
  });

  test("as a control plane with answering pings is left, and its clients are told", async () => {
    control.answersPings = false;
    await control.kill();
    await control.start();
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const client = await NativeConnection.open(bridge.port, control.controlKey);
    expect(await pass(client.tcp.rest(), 10_000)).toBe("");
  });

  test("not at all, and silent for long, is kept", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const client = await NativeConnection.open(bridge.port, control.controlKey);
    for (let i = 0; i < 20; i++) await pass(sleep(5), 10_000);
    client.say("still here");
    expect(await client.hear()).toBe("still here");
    client.tcp.socket.end();
  });
});

describe("what comes and goes", () => {
  test("the control plane: its clients are told at once, and come back through the same bridge", async () => {
    const client = await NativeConnection.open(bridge.port, control.controlKey);
    await control.kill();
    expect(await client.tcp.rest()).toBe("");
    await expect(NativeConnection.open(bridge.port, control.controlKey)).rejects.toThrow("502");
    expect(await answerTo(get("/login/x"))).toMatch(/^HTTP\/1\.1 502 /);
    expect(await answerTo(get("/key"))).toContain(control.controlKey);
    await control.start();
    const again = await NativeConnection.open(bridge.port, control.controlKey);
    again.say("back");
    expect(await again.hear()).toBe("back");
    expect(bridge.lines.slice(1)).toEqual([
      expect.stringMatching(/cannot be reached$/),
      expect.stringMatching(/is reached again$/),
    ]);
    again.tcp.socket.end();
  });

  test("the bridge: told to stop, it ends what it carries, and is free for the next", async () => {
    const clients = await Promise.all(
      Array.from({ length: 50 }, () => NativeConnection.open(bridge.port, control.controlKey)),
    );
    const { port } = bridge;
    await bridge.stop();
    expect(await Promise.all(clients.map(({ tcp }) => tcp.rest()))).toEqual(clients.map(() => ""));
    await eventually(() => expect(control.connections).toBe(0));
    bridge = await start({ port }).running;
    const back = await Promise.all(clients.map(() => NativeConnection.open(port, control.controlKey)));
    back.forEach((client) => client.say("again"));
    expect(await Promise.all(back.map((client) => client.hear()))).toEqual(back.map(() => "again"));
    for (const { tcp } of back) tcp.socket.destroy();
  });

  test("a client that leaves while it is dialled for leaves nothing behind", async () => {
    const initiator = await NoiseInitiator.start(control.controlKey);
    for (let i = 0; i < 20; i++) {
      const client = new TcpClient(bridge.port);
      client.send(upgradeHead(initiator.handshake));
      client.socket.once("connect", () => client.socket.destroy());
    }
    await eventually(() => expect(control.connections).toBe(0));
  });

  test("connections past the limit are closed, and those within go on", async () => {
    const small = await start({ maxConnections: 2 }).running;
    const within = [new TcpClient(small.port), new TcpClient(small.port)];
    await Promise.all(within.map(({ socket }) => new Promise((resolve) => socket.once("connect", resolve))));
    expect(await new TcpClient(small.port).rest()).toBe("");
    within[0]?.send(get("/key"));
    expect(await within[0]?.rest()).toContain(control.controlKey);
    within[1]?.socket.destroy();
    await small.stop();
  });

  test("nothing that it logs holds a handshake or a path", async () => {
    await NativeConnection.open(bridge.port, control.controlKey).then(({ tcp }) => tcp.socket.destroy());
    await answerTo(get("/login/secret"));
    await control.kill();
    await NativeConnection.open(bridge.port, control.controlKey).catch(() => undefined);
    await answerTo(get("/login/secret"));
    expect(bridge.lines.length).toBeGreaterThan(1);
    expect(bridge.lines.join("\n")).not.toMatch(/secret|login|Handshake|ts2021/i);
  });
});
