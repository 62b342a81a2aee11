/** Connections saved and restored: [H65], [H67]. */

import { describe, expect, test } from "vitest";
import { Http2Server } from "../../src/protocol/index.ts";
import {
  PREFACE,
  RawClient,
  SETTINGS,
  SETTINGS_ACK,
  TYPE,
  begin,
  bytesOf,
  concat,
  frame,
  opened,
  request,
  u32,
} from "../support/http2-frames.ts";

function asleep(client: RawClient): Uint8Array {
  const saved = client.server.save();
  client.server = Http2Server.restore(saved);
  return saved;
}

describe("a saved connection [H65]", () => {
  test("is these bytes, in version 1", () => {
    const client = opened();
    client.send(request(1), request(5));
    client.server.respond(1, 200, [], new Uint8Array(100), false);
    client.server.write(1, new Uint8Array(0), false);
    client.take();
    expect([...client.server.save()]).toEqual([
      1, // version
      0b0100111, // spoken, acknowledged, settled, preface
      0xd0,
      0x0f, // points of the budget: 2,000
      0x80,
      0xbc,
      0xd9,
      0xf2,
      0x9e,
      0x34, // its time
      5, // the last stream
      0, // octets since our window was filled
      0xff,
      0xff,
      0x03, // the initial window: 65,535
      0xb6,
      0xfe,
      0x07, // the connection's: 65,435, twice
      2, // streams
      3,
      0xb6,
      0xfe,
      0x07, // 1, responded, its window
      8,
      0xfe,
      0xff,
      0x07, // 5, not yet
    ]);
  });

  test("is small: 4 KB with 100 streams and a full table", () => {
    const client = new RawClient();
    client.send(PREFACE, SETTINGS, ...Array.from({ length: 100 }, (_, at) => request(2 * at + 1)));
    expect(asleep(client).length).toBeLessThan(600);
    expect(client.server.unanswered).toHaveLength(100);
  });

  test("goes on with its table until our SETTINGS are acknowledged", () => {
    const client = new RawClient();
    const head = [0x83, 0x87, 0x84, 0x40, 1, 0x61, 1, 0x62];
    client.send(PREFACE, SETTINGS, frame(TYPE.headers, 5, 1, head));
    asleep(client);
    const [event] = client.send(frame(TYPE.headers, 5, 3, [0x83, 0x87, 0x84, 0xbe])).events;
    expect(event?.kind === "request" && event.request.headers.get("a")).toBe("b");
    client.send(SETTINGS_ACK);
    asleep(client);
    expect(client.send(frame(TYPE.headers, 5, 5, [0x83, 0x87, 0x84, 0xbe])).events).toEqual([{ kind: "closed" }]);
  });

  test("goes on with its GOAWAY, its windows and its budget", () => {
    const client = opened();
    client.send(request(1));
    client.server.respond(1, 200, [], new Uint8Array(60_000), false);
    client.server.goAway();
    client.take();
    asleep(client);
    expect(client.server.room(1)).toBe(5535);
    expect(client.send(request(3)).events).toEqual([]);
    for (let count = 0; count < 1000; count++) {
      client.send(frame(TYPE.ping, 0, 0, new Uint8Array(8)));
      asleep(client);
    }
    const rest = Array.from({ length: 1100 }, () => frame(TYPE.ping, 0, 0, new Uint8Array(8)));
    expect(client.send(...rest).events).toEqual([{ kind: "closed" }]);
  });

  test("before its first octet begins as a new one", () => {
    const client = new RawClient();
    client.take();
    asleep(client);
    expect(client.send(PREFACE, SETTINGS).frames.map(({ type }) => type)).toEqual([TYPE.settings]);
    expect(client.send(request(1)).events).toHaveLength(1);
  });

  test.each([
    ["half a preface", PREFACE.subarray(0, 10)],
    ["half a frame", concat(PREFACE, SETTINGS, [0])],
    ["half a header block", concat(PREFACE, SETTINGS, frame(TYPE.headers, 0, 1))],
    ["half a request", concat(PREFACE, SETTINGS, begin(1))],
    ["its end behind it", concat(PREFACE, SETTINGS, frame(TYPE.push, 0, 0))],
  ])("is not one with %s", (_, bytes) => {
    const client = new RawClient();
    client.send(bytes);
    expect(client.server.idle).toBe(false);
    expect(() => client.server.save()).toThrow(expect.objectContaining({ code: "not_idle" }));
  });

  test("is not one with bytes to take", () => {
    const client = opened();
    client.server.ping(1);
    expect(client.server.idle).toBe(false);
    client.take();
    expect(client.server.idle).toBe(true);
  });

  test("is not one with bytes that wait for a window", () => {
    const client = opened();
    client.send(request(1));
    client.server.respond(1, 200, [], new Uint8Array(65_536), false);
    expect(client.server.idle).toBe(false);
    client.take();
    expect(client.server.idle).toBe(false);
    client.send(frame(TYPE.update, 0, 0, u32(1)), frame(TYPE.update, 0, 1, u32(1)));
    expect(client.server.idle).toBe(true);
  });
});

describe("what is no saved connection [H67]", () => {
  test.each([
    ["nothing", new Uint8Array(0)],
    ["another version", concat([2], opened().server.save().subarray(1))],
  ])("%s is another version's", (_, saved) => {
    expect(() => Http2Server.restore(saved)).toThrow(expect.objectContaining({ code: "unknown_version" }));
  });

  test("cut short, too long or out of range is refused", () => {
    const saved = opened().server.save();
    for (let length = 1; length < saved.length; length++)
      expect(() => Http2Server.restore(saved.subarray(0, length))).toThrow(
        expect.objectContaining({ code: "bad_saved_state" }),
      );
    for (const bad of [concat(saved, [0]), concat([1, 7], new Uint8Array(9).fill(0xff)), concat([1], bytesOf("text"))])
      expect(() => Http2Server.restore(bad)).toThrow(expect.objectContaining({ code: "bad_saved_state" }));
  });
});
