/** Requests, right and wrong, frame by frame: [H56], [H58], [H61], [H62], [H63]. */

import { describe, expect, test } from "vitest";
import {
  CODE,
  END_HEADERS,
  END_STREAM,
  PADDED,
  PREFACE,
  RawClient,
  SETTINGS,
  SETTINGS_ACK,
  TYPE,
  begin,
  block,
  bytesOf,
  concat,
  frame,
  goneWith,
  opened,
  post,
  request,
  resets,
  type Came,
} from "../support/http2-frames.ts";

const MIB = 1024 * 1024;

function data(stream: number, text: string, end = true): Uint8Array {
  return frame(TYPE.data, end ? END_STREAM : 0, stream, bytesOf(text));
}

/** The bodies of the requests that were told. */
function bodies({ events }: Came): string[] {
  return events.flatMap((event) => (event.kind === "request" ? [String.fromCharCode(...event.request.body)] : []));
}

describe("a request", () => {
  test("is told whole: head and body [H61]", () => {
    const client = opened();
    expect(client.send(begin(1, ["x-one", "1"], ["cookie", "a"], ["x-one", "2"], ["cookie", "b"])).events).toEqual([]);
    expect(client.send(data(1, "he", false)).events).toEqual([]);
    expect(client.send(data(1, "llo")).events).toEqual([
      {
        kind: "request",
        request: {
          stream: 1,
          method: "POST",
          path: "/p",
          authority: "control",
          headers: new Map([
            ["x-one", "1, 2"],
            ["cookie", "a; b"],
          ]),
          body: bytesOf("hello"),
        },
      },
    ]);
  });

  test("may have its length said, no body, padding, priority and trailers", () => {
    const padded = concat([3], bytesOf("abc"), [0, 0, 0]);
    expect(bodies(opened().send(begin(1, ["content-length", "3"]), data(1, "abc")))).toEqual(["abc"]);
    expect(bodies(opened().send(request(1, ["content-length", "0"])))).toEqual([""]);
    expect(bodies(opened().send(begin(1), frame(TYPE.data, PADDED | END_STREAM, 1, padded)))).toEqual(["abc"]);
    const dependent = concat([0, 0, 0, 0, 16], post());
    expect(bodies(opened().send(frame(TYPE.headers, 0x25, 1, dependent)))).toEqual([""]);
    const trailers = frame(TYPE.headers, END_HEADERS | END_STREAM, 1, block(["x-late", "1"]));
    expect(bodies(opened().send(begin(1), data(1, "abc", false), trailers))).toEqual(["abc"]);
  });

  test("is told to go on where it asks first", () => {
    const { frames } = opened().send(begin(1, ["expect", "100-continue"]));
    expect(frames.map(({ type, flags, stream }) => ({ type, flags, stream }))).toEqual([
      { type: TYPE.headers, flags: END_HEADERS, stream: 1 },
    ]);
  });

  test.each([
    ["an upper-case name", ["X-One", "1"]],
    ["a space in a name", ["x one", "1"]],
    ["an empty name", ["", "1"]],
    ["a line feed in a value", ["x-one", "1\n2"]],
    ["a NUL in a value", ["x-one", "1\u00002"]],
    ["a space before a value", ["x-one", " 1"]],
    ["a tab after a value", ["x-one", "1\t"]],
    ["connection", ["connection", "close"]],
    ["transfer-encoding", ["transfer-encoding", "chunked"]],
    ["upgrade", ["upgrade", "websocket"]],
    ["keep-alive", ["keep-alive", "5"]],
    ["proxy-connection", ["proxy-connection", "close"]],
    ["te with more than trailers", ["te", "gzip"]],
    ["a pseudo-header field after a field", [":path", "/q"]],
    ["a host that is not the authority", ["host", "other"]],
    ["a length that is none", ["content-length", "-1"]],
    ["a length of nothing", ["content-length", ""]],
    ["a length with no body", ["content-length", "4"]],
  ] as const)("with %s is malformed [H58]", (_, field) => {
    const came = opened().send(request(1, ["x-first", "1"], field));
    expect(came.events).toEqual([]);
    expect(resets(came.frames)).toEqual([[1, CODE.protocol]]);
  });

  test.each([
    [
      "no method",
      [
        [":scheme", "https"],
        [":path", "/"],
      ],
    ],
    [
      "no scheme",
      [
        [":method", "GET"],
        [":path", "/"],
      ],
    ],
    [
      "no path",
      [
        [":method", "GET"],
        [":scheme", "https"],
      ],
    ],
    [
      "an empty path",
      [
        [":method", "GET"],
        [":scheme", "https"],
        [":path", ""],
      ],
    ],
    [
      "a path without its slash",
      [
        [":method", "GET"],
        [":scheme", "https"],
        [":path", "p"],
      ],
    ],
    [
      "a space in its path",
      [
        [":method", "GET"],
        [":scheme", "https"],
        [":path", "/ p"],
      ],
    ],
    [
      "a star of another method's",
      [
        [":method", "GET"],
        [":scheme", "https"],
        [":path", "*"],
      ],
    ],
    [
      "a method twice",
      [
        [":method", "GET"],
        [":method", "GET"],
        [":scheme", "https"],
        [":path", "/"],
      ],
    ],
    [
      "a pseudo-header field of a response",
      [
        [":method", "GET"],
        [":scheme", "https"],
        [":path", "/"],
        [":status", "1"],
      ],
    ],
    [
      "an unknown pseudo-header field",
      [
        [":method", "GET"],
        [":scheme", "https"],
        [":path", "/"],
        [":protocol", "x"],
      ],
    ],
    [
      "a user in its authority",
      [
        [":method", "GET"],
        [":scheme", "https"],
        [":path", "/"],
        [":authority", "a@b"],
      ],
    ],
    [
      "a CONNECT with a path",
      [
        [":method", "CONNECT"],
        [":path", "/"],
        [":authority", "a"],
      ],
    ],
  ] as const)("with %s is malformed [H58]", (_, fields) => {
    const came = opened().send(frame(TYPE.headers, END_HEADERS | END_STREAM, 1, block(...fields)));
    expect(came.events).toEqual([]);
    expect(resets(came.frames)).toEqual([[1, CODE.protocol]]);
  });

  test("of another length than it said is malformed [H61]", () => {
    expect(resets(opened().send(begin(1, ["content-length", "4"]), data(1, "abc")).frames)).toEqual([
      [1, CODE.protocol],
    ]);
    const long = opened().send(begin(1, ["content-length", "2"]), data(1, "abc", false));
    expect(resets(long.frames)).toEqual([[1, CODE.protocol]]);
    const twice = opened().send(begin(1, ["content-length", "4"], ["content-length", "3"]), data(1, "abc"));
    expect(resets(twice.frames)[0]).toEqual([1, CODE.protocol]);
    const same = opened().send(begin(1, ["content-length", "3"], ["content-length", "3"]), data(1, "abc"));
    expect(bodies(same)).toEqual(["abc"]);
  });

  test("with bad trailers is malformed, and so are trailers that end nothing", () => {
    const pseudo = frame(TYPE.headers, END_HEADERS | END_STREAM, 1, block([":path", "/"]));
    expect(resets(opened().send(begin(1), pseudo).frames)).toEqual([[1, CODE.protocol]]);
    const open = frame(TYPE.headers, END_HEADERS, 1, block(["x-late", "1"]));
    expect(resets(opened().send(begin(1), open).frames)).toEqual([[1, CODE.protocol]]);
  });

  test("to CONNECT is answered 501 by the core itself", () => {
    const connect = block([":method", "CONNECT"], [":authority", "a:1"]);
    const came = opened().send(frame(TYPE.headers, END_HEADERS, 1, connect));
    expect(came.events).toEqual([]);
    expect(came.frames.map(({ type }) => type)).toEqual([TYPE.headers, TYPE.reset]);
    expect(resets(came.frames)).toEqual([[1, CODE.none]]);
  });
});

describe("limits of a request", () => {
  test("100 streams, and a refusal that may be tried again for the next", () => {
    const client = opened();
    const streams = Array.from({ length: 101 }, (_, at) => 2 * at + 1);
    const came = client.send(...streams.map((stream) => begin(stream)));
    expect(resets(came.frames)).toEqual([[201, CODE.refused]]);
    expect(goneWith(client.send(data(1, "x")).frames)).toBeNull();
    client.server.respond(1, 200, [], null, true);
    client.take();
    expect(client.send(begin(203)).frames).toEqual([]);
  });

  test("16 KiB of fields, and 100 of them: 431, and the connection goes on", () => {
    const large = opened().send(request(1, ["x-large", "x".repeat(16_250)]), request(3));
    expect(large.frames.map(({ type, stream }) => [type, stream])).toEqual([[TYPE.headers, 1]]);
    expect(large.events).toHaveLength(1);
    const many = Array.from({ length: 97 }, (_, at) => [`x-${at}`, ""] as const);
    expect(opened().send(request(1, ...many)).events).toEqual([]);
    expect(opened().send(request(1, ...many.slice(1))).events).toHaveLength(1);
  });

  test("16 KiB of fields, however few octets name them in the table [H54]", () => {
    const client = new RawClient();
    client.send(PREFACE, SETTINGS);
    const large = concat([0x40, 1, 0x61, 0x7f, 0xa1, 0x1e], bytesOf("x".repeat(4000)));
    expect(client.send(frame(TYPE.headers, END_HEADERS | END_STREAM, 1, concat(post(), large))).events).toHaveLength(1);
    const bomb = new Uint8Array(16_000).fill(0xbe);
    const came = client.send(frame(TYPE.headers, END_HEADERS | END_STREAM, 3, concat(post(), bomb)), request(5));
    expect(came.frames.map(({ type, stream }) => [type, stream])).toEqual([[TYPE.headers, 3]]);
    expect(came.events).toHaveLength(1);
  });

  test("8 MiB of body: 413, told at once where the length is said [H61]", () => {
    const said = opened().send(begin(1, ["content-length", String(8 * MIB + 1)]));
    expect(said.frames.map(({ type }) => type)).toEqual([TYPE.headers, TYPE.reset]);
    const client = opened();
    client.send(begin(1));
    const piece = frame(TYPE.data, 0, 1, new Uint8Array(16_384));
    for (let sent = 0; sent < 8 * MIB; sent += 16_384) expect(resets(client.send(piece).frames)).toEqual([]);
    expect(client.server.buffered).toBe(8 * MIB);
    const past = client.send(piece);
    expect(past.frames.map(({ type }) => type)).toEqual([TYPE.headers, TYPE.reset]);
    expect(client.server.buffered).toBe(0);
    // What was still on its way costs no more than a frame.
    expect(resets(client.send(piece).frames)).toEqual([[1, CODE.closed]]);
  });

  test("a frame of 16,384 octets, judged by its header [H56]", () => {
    const header = frame(TYPE.data, 0, 1, new Uint8Array(16_385)).subarray(0, 9);
    expect(goneWith(opened().send(header).frames)).toBe(CODE.size);
  });

  test("no window: ours are filled again as they are used [H63]", () => {
    const client = opened();
    client.send(begin(1));
    const updates: number[] = [];
    const piece = frame(TYPE.data, 0, 1, new Uint8Array(16_384));
    for (let sent = 0; sent < MIB; sent += 16_384)
      for (const { type, stream } of client.send(piece).frames) if (type === TYPE.update) updates.push(stream);
    expect(updates).toEqual([0, 1, 0, 1]);
  });
});

describe("a header block [H62]", () => {
  const fragment = (flags: number, bytes: Uint8Array): Uint8Array => frame(TYPE.continuation, flags, 1, bytes);

  test("may come in several frames", () => {
    const fields = post();
    const began = frame(TYPE.headers, END_STREAM, 1, fields.subarray(0, 3));
    const came = opened().send(began, fragment(0, fields.subarray(3, 5)), fragment(END_HEADERS, fields.subarray(5)));
    expect(came.events).toHaveLength(1);
  });

  test.each([
    ["a frame of another kind", frame(TYPE.ping, 0, 0, new Uint8Array(8))],
    ["an unknown frame", frame(0x77, 0, 0)],
    ["a CONTINUATION of another stream", frame(TYPE.continuation, END_HEADERS, 3)],
  ])("is broken by %s", (_, other) => {
    expect(goneWith(opened().send(frame(TYPE.headers, 0, 1, post()), other).frames)).toBe(CODE.protocol);
  });

  test("does not begin with CONTINUATION", () => {
    expect(goneWith(opened().send(fragment(END_HEADERS, post())).frames)).toBe(CODE.protocol);
  });

  test("is cut off after eight CONTINUATIONs, empty ones too", () => {
    const client = opened();
    client.send(frame(TYPE.headers, END_STREAM, 1, post()));
    const nothing = new Uint8Array(0);
    for (let count = 1; count <= 8; count++) expect(client.send(fragment(0, nothing)).frames).toEqual([]);
    expect(goneWith(client.send(fragment(0, nothing)).frames)).toBe(CODE.calm);
  });

  test("is cut off after 32 KiB", () => {
    const client = opened();
    client.send(frame(TYPE.headers, END_STREAM, 1));
    for (let count = 0; count < 2; count++) expect(client.send(fragment(0, new Uint8Array(16_384))).frames).toEqual([]);
    expect(goneWith(client.send(fragment(0, new Uint8Array(1))).frames)).toBe(CODE.calm);
  });

  test("points at no table once our SETTINGS are acknowledged", () => {
    const client = new RawClient();
    const indexed = concat([0x40, 1, 0x61, 1, 0x62]);
    const again = (stream: number): Uint8Array => frame(TYPE.headers, 5, stream, concat(post(), [0xbe]));
    client.send(PREFACE, SETTINGS, frame(TYPE.headers, 5, 1, concat(post(), indexed)));
    expect(client.send(again(3)).events).toHaveLength(1);
    expect(goneWith(client.send(SETTINGS_ACK, again(5)).frames)).toBe(CODE.compression);
  });

  test("that cannot be decoded ends the connection", () => {
    expect(goneWith(opened().send(frame(TYPE.headers, END_HEADERS | END_STREAM, 1, [0x80])).frames)).toBe(
      CODE.compression,
    );
  });
});
