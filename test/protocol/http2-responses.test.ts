/** Responses, windows, queues and the end of a connection: [H59], [H60]. */

import { describe, expect, test } from "vitest";
import { HpackDecoder } from "../../src/protocol/hpack-decoder.ts";
import { Http2Error } from "../../src/protocol/index.ts";
import {
  CODE,
  TYPE,
  begin,
  frame,
  goneWith,
  opened,
  request,
  resets,
  setting,
  u32,
  type RawClient,
  type RawFrame,
} from "../support/http2-frames.ts";

const WINDOW = 65_535;

/** A client with open streams, a request on each. */
function asking(...streams: readonly number[]): RawClient {
  const client = opened();
  client.send(...streams.map((stream) => request(stream)));
  return client;
}

function dataOf(frames: readonly RawFrame[]): [stream: number, octets: number, flags: number][] {
  return frames
    .filter(({ type }) => type === TYPE.data)
    .map(({ stream, payload, flags }) => [stream, payload.length, flags]);
}

const update = (stream: number, by: number): Uint8Array => frame(TYPE.update, 0, stream, u32(by));

describe("a response", () => {
  test("is a head, and DATA that ends the stream", () => {
    const client = asking(1);
    expect(client.server.unanswered).toEqual([1]);
    expect(
      client.server.respond(
        1,
        201,
        [
          ["x-one", "1"],
          ["connection", "close"],
        ],
        Uint8Array.of(5, 6),
        true,
      ),
    ).toBe(true);
    const [head, data] = client.take();
    expect([head?.type, head?.flags, head?.stream]).toEqual([TYPE.headers, 4, 1]);
    expect(new HpackDecoder().decode(head?.payload ?? new Uint8Array(0), { size: 1000, count: 10 })).toEqual([
      [":status", "201"],
      ["x-one", "1"],
    ]);
    expect(data).toEqual({ type: TYPE.data, flags: 1, stream: 1, payload: Uint8Array.of(5, 6) });
    expect(client.server.unanswered).toEqual([]);
  });

  test("without a body is a head alone", () => {
    const client = asking(1, 3);
    client.server.respond(1, 204, [], null, true);
    client.server.respond(3, 204, [], new Uint8Array(0), true);
    expect(client.take().map(({ type, flags }) => [type, flags])).toEqual([
      [TYPE.headers, 5],
      [TYPE.headers, 5],
    ]);
  });

  test("may go on for ever, and end later", () => {
    const client = asking(1);
    client.server.respond(1, 200, [], null, false);
    client.server.write(1, new Uint8Array(3), false);
    client.server.write(1, new Uint8Array(0), false);
    client.server.write(1, new Uint8Array(0), true);
    expect(dataOf(client.take())).toEqual([
      [1, 3, 0],
      [1, 0, 1],
    ]);
    expect(client.server.write(1, new Uint8Array(1), false)).toBe(false);
  });

  test("with a head larger than a frame goes on in CONTINUATION", () => {
    const client = asking(1);
    client.server.respond(1, 200, [["x-long", "x".repeat(40_000)]], null, true);
    expect(client.take().map(({ type, flags, payload }) => [type, flags, payload.length])).toEqual([
      [TYPE.headers, 1, 16_384],
      [TYPE.continuation, 0, 16_384],
      [TYPE.continuation, 4, 7246],
    ]);
  });

  test("on a stream that is gone is refused, one too many or a bad one throws", () => {
    const client = asking(1, 3);
    client.send(frame(TYPE.reset, 0, 1, u32(8)));
    expect(client.server.respond(1, 200, [], null, true)).toBe(false);
    expect(client.server.write(5, new Uint8Array(1), true)).toBe(false);
    expect(() => client.server.write(3, new Uint8Array(1), true)).toThrow(Http2Error);
    expect(() => client.server.respond(3, 200, [["X-Upper", "1"]], null, true)).toThrow(Http2Error);
    expect(() => client.server.respond(3, 200, [["x", "1\r\n2"]], null, true)).toThrow(Http2Error);
    expect(() => client.server.respond(3, 101, [], null, true)).toThrow(Http2Error);
    client.server.respond(3, 200, [], null, false);
    expect(() => client.server.respond(3, 200, [], null, true)).toThrow(Http2Error);
    client.send(begin(5));
    expect(() => client.server.respond(5, 200, [], null, true)).toThrow(Http2Error);
  });
});

describe("windows [H59]", () => {
  test("of the stream and of the connection hold DATA back, and let it out again", () => {
    const client = asking(1);
    expect(client.server.room(1)).toBe(WINDOW);
    client.server.respond(1, 200, [], new Uint8Array(100_000), true);
    expect(dataOf(client.take()).map(([, octets]) => octets)).toEqual([16_384, 16_384, 16_384, 16_383]);
    expect([client.server.queued, client.server.room(1)]).toEqual([34_465, 0]);
    expect(client.send(update(1, 50_000)).frames).toEqual([]);
    expect(dataOf(client.send(update(0, 1)).frames)).toEqual([[1, 1, 0]]);
    expect(dataOf(client.send(update(0, 50_000)).frames)).toEqual([
      [1, 16_384, 0],
      [1, 16_384, 0],
      [1, 1696, 1],
    ]);
    expect(client.server.queued).toBe(0);
  });

  test("of every stream move with the initial one, below nothing too", () => {
    const client = asking(1);
    client.server.respond(1, 200, [], new Uint8Array(10), false);
    expect(dataOf(client.send(frame(TYPE.settings, 0, 0, setting(4, 5))).frames)).toEqual([[1, 10, 0]]);
    expect(client.server.room(1)).toBe(0);
    client.server.write(1, new Uint8Array(10), true);
    expect(dataOf(client.send(update(1, 5)).frames)).toEqual([]);
    expect(dataOf(client.send(update(1, 1)).frames)).toEqual([[1, 1, 0]]);
    const wider = client.send(frame(TYPE.settings, 0, 0, setting(4, 1000))).frames;
    expect(wider.map(({ type }) => type)).toEqual([TYPE.settings, TYPE.data]);
    expect(dataOf(wider)).toEqual([[1, 9, 1]]);
    client.send(request(3));
    expect(client.server.room(3)).toBe(1000);
  });

  test("may be as wide as 2^31 - 1, by SETTINGS no wider", () => {
    const client = asking(1);
    expect(goneWith(client.send(update(0, 0x7fff_ffff - WINDOW), update(1, 1000)).frames)).toBeNull();
    expect(goneWith(client.send(frame(TYPE.settings, 0, 0, setting(4, 0x7fff_ffff))).frames)).toBe(CODE.flow);
  });

  test("do not hold back the end of a stream, nor a head", () => {
    const client = asking(1, 3);
    client.server.respond(1, 200, [], new Uint8Array(WINDOW), false);
    client.server.write(1, new Uint8Array(0), true);
    client.server.respond(3, 200, [], null, true);
    const frames = client.take();
    expect(frames.slice(-2).map(({ type, stream, flags }) => [type, stream, flags])).toEqual([
      [TYPE.data, 1, 1],
      [TYPE.headers, 3, 5],
    ]);
  });

  test("give streams their turns [H60]", () => {
    const client = asking(1, 3, 5);
    client.send(update(1, 100_000), update(3, 100_000));
    client.server.respond(1, 200, [], new Uint8Array(WINDOW + 40_000), true);
    client.server.respond(3, 200, [], new Uint8Array(40_000), true);
    client.server.respond(5, 200, [], Uint8Array.of(1), true);
    client.take();
    expect(dataOf(client.send(update(0, 20_000)).frames)).toEqual([
      [1, 16_384, 0],
      [3, 3616, 0],
    ]);
    expect(dataOf(client.send(update(0, 20_000)).frames)).toEqual([
      [5, 1, 1],
      [1, 16_384, 0],
      [3, 3615, 0],
    ]);
  });

  test("leave at most 16 MiB waiting: a stream with more is reset [H59]", () => {
    const client = asking(1, 3, 5);
    expect(client.server.respond(1, 200, [], new Uint8Array(16 * 1024 * 1024), false)).toBe(true);
    expect(client.server.respond(3, 200, [], new Uint8Array(WINDOW), true)).toBe(true);
    expect(client.server.respond(5, 200, [], new Uint8Array(1), true)).toBe(false);
    expect(resets(client.take())).toEqual([[5, CODE.calm]]);
    expect(client.server.queued).toBe(16 * 1024 * 1024);
    client.server.reset(1, 8);
    expect(client.server.queued).toBe(WINDOW);
  });
});

describe("the end", () => {
  test("of a stream by the client is told once, and drops what waits", () => {
    const client = asking(1);
    client.server.respond(1, 200, [], new Uint8Array(100_000), true);
    const reset = frame(TYPE.reset, 0, 1, u32(8));
    expect(client.send(reset).events).toEqual([{ kind: "reset", stream: 1 }]);
    expect(client.send(reset).events).toEqual([]);
    expect(client.server.queued).toBe(0);
  });

  test("of a stream by us is told to the client, and to nobody else", () => {
    const client = asking(1);
    client.server.reset(1, 8);
    client.server.reset(1, 8);
    expect(resets(client.take())).toEqual([[1, 8]]);
    expect(client.send(update(1, 10))).toEqual({ events: [], frames: [] });
  });

  test("by our GOAWAY comes with the last stream, and new ones are not served", () => {
    const client = asking(1);
    client.server.goAway();
    client.server.goAway();
    expect(client.take().map(({ type, payload }) => [type, [...payload]])).toEqual([
      [TYPE.goAway, [0, 0, 0, 1, 0, 0, 0, 0]],
    ]);
    expect(client.send(request(3))).toEqual({ events: [], frames: [] });
    expect(client.server.ended).toBe(false);
    client.server.respond(1, 200, [], null, true);
    expect(client.server.ended).toBe(true);
    expect(client.send().events).toEqual([{ kind: "closed" }]);
    expect(client.send().events).toEqual([]);
  });

  test("by our GOAWAY comes at once where nothing is open", () => {
    const client = opened();
    client.server.goAway();
    expect(client.server.ended).toBe(true);
    expect(goneWith(client.take())).toBe(CODE.none);
  });

  test("by the client's GOAWAY comes with the last stream", () => {
    const client = asking(1);
    expect(client.send(frame(TYPE.goAway, 0, 0, new Uint8Array(8))).events).toEqual([]);
    client.server.respond(1, 200, [], new Uint8Array(WINDOW + 1), true);
    expect(client.server.ended).toBe(false);
    expect(client.send(update(1, 1), update(0, 1)).events).toEqual([{ kind: "closed" }]);
    expect(opened().send(frame(TYPE.goAway, 0, 0, new Uint8Array(8))).events).toEqual([{ kind: "closed" }]);
  });

  test("of a PING is its answer", () => {
    const client = opened();
    client.server.ping(Number.MAX_SAFE_INTEGER);
    const [ping] = client.take();
    expect([ping?.type, ping?.flags]).toEqual([TYPE.ping, 0]);
    const answer = frame(TYPE.ping, 1, 0, ping?.payload);
    expect(client.send(answer).events).toEqual([{ kind: "pong", data: Number.MAX_SAFE_INTEGER }]);
    expect(client.send(frame(TYPE.ping, 1, 0, new Uint8Array(8).fill(0xff))).events).toEqual([]);
  });
});
