/** What a client may not send: what of it ends the connection, and what one stream [H64]. */

import { describe, expect, test } from "vitest";
import {
  CODE,
  END_HEADERS,
  PADDED,
  PREFACE,
  RawClient,
  SETTINGS,
  TYPE,
  begin,
  bytesOf,
  concat,
  frame,
  goneWith,
  opened,
  post,
  request,
  resets,
} from "../support/http2-frames.ts";

describe("what breaks a connection [H64]", () => {
  const zeros = (length: number): Uint8Array => new Uint8Array(length);
  test.each([
    ["DATA on stream 0", frame(TYPE.data, 0, 0, [1]), CODE.protocol],
    ["DATA on a stream that was not opened", frame(TYPE.data, 0, 5, [1]), CODE.protocol],
    ["more padding than DATA", concat(begin(1), frame(TYPE.data, PADDED, 1, [2, 0])), CODE.protocol],
    ["no padding at all", concat(begin(1), frame(TYPE.data, PADDED, 1)), CODE.size],
    ["HEADERS on stream 0", frame(TYPE.headers, END_HEADERS, 0, post()), CODE.protocol],
    ["HEADERS on an even stream", frame(TYPE.headers, END_HEADERS, 2, post()), CODE.protocol],
    ["HEADERS with half a priority", frame(TYPE.headers, 0x25, 1, zeros(4)), CODE.size],
    ["HEADERS on a lower stream", concat(request(5), request(3)), CODE.closed],
    ["PRIORITY on stream 0", frame(TYPE.priority, 0, 0, zeros(5)), CODE.protocol],
    ["RST_STREAM on stream 0", frame(TYPE.reset, 0, 0, zeros(4)), CODE.protocol],
    ["RST_STREAM on a stream that was not opened", frame(TYPE.reset, 0, 1, zeros(4)), CODE.protocol],
    ["RST_STREAM cut short", concat(begin(1), frame(TYPE.reset, 0, 1, zeros(3))), CODE.size],
    ["SETTINGS on a stream", frame(TYPE.settings, 0, 1), CODE.protocol],
    ["SETTINGS cut short", frame(TYPE.settings, 0, 0, zeros(5)), CODE.size],
    ["an acknowledgement with settings", frame(TYPE.settings, 1, 0, zeros(6)), CODE.size],
    ["ENABLE_PUSH of 2", frame(TYPE.settings, 0, 0, [0, 2, 0, 0, 0, 2]), CODE.protocol],
    ["an initial window of 2^31", frame(TYPE.settings, 0, 0, [0, 4, 0x80, 0, 0, 0]), CODE.flow],
    ["a frame size of 16,383", frame(TYPE.settings, 0, 0, [0, 5, 0, 0, 0x3f, 0xff]), CODE.protocol],
    ["a frame size of 2^24", frame(TYPE.settings, 0, 0, [0, 5, 1, 0, 0, 0]), CODE.protocol],
    ["PUSH_PROMISE", frame(TYPE.push, END_HEADERS, 1, zeros(4)), CODE.protocol],
    ["PING on a stream", frame(TYPE.ping, 0, 1, zeros(8)), CODE.protocol],
    ["PING cut short", frame(TYPE.ping, 0, 0, zeros(7)), CODE.size],
    ["GOAWAY on a stream", frame(TYPE.goAway, 0, 1, zeros(8)), CODE.protocol],
    ["GOAWAY cut short", frame(TYPE.goAway, 0, 0, zeros(7)), CODE.size],
    ["WINDOW_UPDATE cut short", frame(TYPE.update, 0, 0, zeros(3)), CODE.size],
    ["WINDOW_UPDATE by nothing", frame(TYPE.update, 0, 0, zeros(4)), CODE.protocol],
    ["WINDOW_UPDATE past 2^31 - 1", frame(TYPE.update, 0, 0, [0x7f, 0xff, 0xff, 0xff]), CODE.flow],
    ["WINDOW_UPDATE of a stream that was not opened", frame(TYPE.update, 0, 1, [0, 0, 0, 1]), CODE.protocol],
  ])("%s", (_, bytes, code) => {
    const client = opened();
    const came = client.send(bytes);
    expect(goneWith(came.frames)).toBe(code);
    expect(came.events.at(-1)).toEqual({ kind: "closed" });
    expect(client.server.ended).toBe(true);
    const words = came.frames.find(({ type }) => type === TYPE.goAway)?.payload.subarray(8) ?? [];
    expect(String.fromCharCode(...words)).toBe(client.server.fault);
    expect(client.send(request(7))).toEqual({ events: [], frames: [] });
  });

  test.each([
    ["another preface", bytesOf("GET / HTTP/1.1\r\n\r\n")],
    ["a first frame that is not SETTINGS", concat(PREFACE, frame(TYPE.ping, 0, 0, new Uint8Array(8)))],
    ["a first frame that acknowledges", concat(PREFACE, frame(TYPE.settings, 1, 0))],
    ["an unknown first frame", concat(PREFACE, frame(0x77, 0, 0))],
  ])("%s", (_, bytes) => {
    expect(goneWith(new RawClient().send(bytes).frames)).toBe(CODE.protocol);
  });

  test("and nothing else does: a preface and SETTINGS are answered", () => {
    const { events, frames } = new RawClient().send(PREFACE, SETTINGS);
    expect(events).toEqual([]);
    expect(frames.map(({ type, flags }) => [type, flags])).toEqual([
      [TYPE.settings, 0],
      [TYPE.update, 0],
      [TYPE.settings, 1],
    ]);
  });
});

describe("what breaks a stream", () => {
  test.each([
    ["DATA after its end", frame(TYPE.data, 0, 1, [1]), CODE.closed],
    ["HEADERS after its end", request(1), CODE.closed],
    ["PRIORITY of a wrong length", frame(TYPE.priority, 0, 1, [1]), CODE.size],
    ["WINDOW_UPDATE by nothing", frame(TYPE.update, 0, 1, [0, 0, 0, 0]), CODE.protocol],
    ["WINDOW_UPDATE past 2^31 - 1", frame(TYPE.update, 0, 1, [0x7f, 0xff, 0xff, 0xff]), CODE.flow],
  ])("%s, and it is forgotten", (_, bytes, code) => {
    const came = opened().send(request(1), bytes, request(3));
    expect(resets(came.frames)).toEqual([[1, code]]);
    expect(came.events.map(({ kind }) => kind)).toEqual(["request", "reset", "request"]);
  });
});
