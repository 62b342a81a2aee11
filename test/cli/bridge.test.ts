/** `tailward bridge`: what it takes, what it warns of, and the program itself, started and stopped as a service is. */

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free-port.ts";
import { NativeConnection } from "../support/native-connection.ts";
import { NoiseEcho, anotherKey } from "../support/noise-echo.ts";
import { tailward, type Ran } from "./support.ts";

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const KEY = anotherKey();
const control = new NoiseEcho();

beforeAll(() => control.start());
afterAll(() => control.kill());

const bridge = (...args: readonly string[]): Promise<Ran> => tailward(null, ["bridge", ...args]);

describe("its arguments", () => {
  test("are shown, and what it trusts", async () => {
    const { code, out } = await bridge("--help");
    expect(code).toBe(0);
    expect(out).toMatch(/--url <url>[^]*--control-key <key>[^]*--listen <address>[^]*tailscale up --login-server=/);
  });

  test.each<[string, readonly string[], number, RegExp]>([
    ["no control plane", ["--control-key", KEY], 1, /--url/],
    ["no key", ["--url", "https://c.test"], 1, /--control-key/],
    ["a URL with a path", ["--url", "https://c.test/x", "--control-key", KEY], 2, /must be of the form/],
    ["a key that is none", ["--url", "https://c.test", "--control-key", "mkey:12"], 2, /publicKey .* at \/key/],
    ["a private key", ["--url", "https://c.test", "--control-key", KEY.replace("mkey", "privkey")], 2, /mkey:/],
    [
      "an address without a port",
      ["--url", "https://c.test", "--control-key", KEY, "--listen", "127.0.0.1"],
      2,
      /--listen/,
    ],
    [
      "a port past the last",
      ["--url", "https://c.test", "--control-key", KEY, "--listen", "[::1]:65536"],
      2,
      /--listen/,
    ],
    ["no connections", ["--url", "https://c.test", "--control-key", KEY, "--max-connections", "0"], 2, /at least 1/],
  ])("with %s are refused in one line", async (_, args, code, err) => {
    const ran = await bridge(...args);
    expect([ran.code, ran.err.trimEnd().split("\n")]).toEqual([code, [expect.stringMatching(err)]]);
  });

  test("another key of the control plane ends it, which says what that means", async () => {
    const { code, err } = await bridge("--url", control.url.origin, "--control-key", KEY, "--listen", "127.0.0.1:0");
    expect(code).toBe(1);
    expect(err).toContain(`has another key, ${control.controlKey}; if its key was changed on purpose`);
  });

  test("an address that is taken ends it", async () => {
    const listen = control.url.host;
    const { code, err } = await bridge(
      "--url",
      control.url.origin,
      "--control-key",
      control.controlKey,
      "--listen",
      listen,
    );
    expect([code, err]).toEqual([1, expect.stringMatching(/cannot listen on 127\.0\.0\.1:\d+.*give another --listen/)]);
  });

  test("that leave clients to a network without TLS are warned of", async () => {
    const { err } = await bridge("--url", "http://192.0.2.1", "--control-key", "mkey:12", "--listen", "0.0.0.0:0");
    expect(err).not.toContain("warning");
    const stop = AbortSignal.timeout(50);
    const args = ["bridge", "--url", "http://192.0.2.1", "--control-key", KEY, "--listen", "0.0.0.0:0"];
    expect((await tailward(null, args, { signal: stop })).err).toMatch(
      /warning: without https[^]*warning: clients that join/,
    );
  });
});

test("the program carries clients until it is told to stop, and then ends well, with them", async () => {
  const port = await freePort();
  const args = [
    "bridge",
    "--url",
    control.url.origin,
    "--control-key",
    control.controlKey,
    "--listen",
    `127.0.0.1:${port}`,
  ];
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ["ignore", "ignore", "pipe"] });
  let err = "";
  child.stderr.on("data", (piece) => (err += String(piece)));
  const ended = new Promise((resolve) => child.once("exit", (code, signal) => resolve({ code, signal })));
  await eventually(() => expect(err).toContain(`listens on 127.0.0.1:${port} for ${control.url.origin}`));
  const client = await NativeConnection.open(port, control.controlKey);
  client.say("hello");
  expect(await client.hear()).toBe("hello");
  child.kill("SIGTERM");
  expect(await client.tcp.rest()).toBe("");
  expect(await ended).toEqual({ code: 0, signal: null });
  expect(err).toContain("stops: 1 connections are ended");
});
