/** Floods: each is let through as far as an honest client could come, and cut off after [H57], [H66]. */

import { describe, expect, test } from "vitest";
import {
  CODE,
  TYPE,
  begin,
  block,
  frame,
  goneWith,
  opened,
  request,
  resets,
  setting,
  type RawClient,
} from "../support/http2-frames.ts";

const ZEROS = new Uint8Array(8);

/** Sends frames until the connection is gone: how many came through. */
function floods(client: RawClient, next: (count: number) => Uint8Array): number {
  for (let count = 1; count < 100_000; count++) {
    const { frames, events } = client.send(next(count));
    const code = goneWith(frames);
    if (code === null) continue;
    expect(code).toBe(CODE.calm);
    expect(events.at(-1)).toEqual({ kind: "closed" });
    return count - 1;
  }
  throw new Error("nothing stops it");
}

const stream = (count: number): number => 2 * count - 1;

describe("a flood of", () => {
  test("PINGs is answered a while [H66]", () => {
    const client = opened();
    expect(client.send(frame(TYPE.ping, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8])).frames).toEqual([
      { type: TYPE.ping, flags: 1, stream: 0, payload: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) },
    ]);
    expect(floods(client, () => frame(TYPE.ping, 0, 0, ZEROS))).toBeLessThanOrEqual(2000);
  });

  test("PINGs costs what it costs though time has gone on: a second earns 50, once", () => {
    const client = opened();
    for (let count = 1; count <= 1000; count++) client.send(frame(TYPE.ping, 0, 0, ZEROS));
    client.now += 1000;
    // Two frames of SETTINGS went before.
    expect(floods(client, () => frame(TYPE.ping, 0, 0, ZEROS))).toBe(2000 - 2 - 1000 + 50);
  });

  test("answers to no PING of ours", () => {
    expect(floods(opened(), () => frame(TYPE.ping, 1, 0, ZEROS))).toBeLessThanOrEqual(2000);
  });

  test("SETTINGS", () => {
    expect(floods(opened(), () => frame(TYPE.settings, 0, 0))).toBeLessThanOrEqual(200);
  });

  test("SETTINGS in one frame changes the window once each, and costs as much", () => {
    const many = Array.from({ length: 2730 }, (_, at) => setting(4, at)).flat();
    expect(floods(opened(), () => frame(TYPE.settings, 0, 0, many))).toBeLessThanOrEqual(200);
  });

  test("acknowledgements", () => {
    expect(floods(opened(), () => frame(TYPE.settings, 1, 0))).toBeLessThanOrEqual(2000);
  });

  test("requests that are reset at once", () => {
    const client = opened();
    const through = floods(client, (count) =>
      Uint8Array.from([...request(stream(count)), ...frame(TYPE.reset, 0, stream(count), [0, 0, 0, 8])]),
    );
    expect(through).toBeGreaterThan(90);
    expect(through).toBeLessThanOrEqual(120);
  });

  test("resets of a stream that has ended, each of which costs no more than a frame", () => {
    const client = opened();
    client.send(request(1));
    client.server.respond(1, 200, [], null, true);
    client.take();
    const through = floods(client, () => frame(TYPE.reset, 0, 1, [0, 0, 0, 8]));
    expect(through).toBeGreaterThan(1900);
    expect(through).toBeLessThanOrEqual(2000);
  });

  test("requests that make us reset them", () => {
    const overflow = [0x7f, 0xff, 0xff, 0xff];
    const byWindow = floods(opened(), (count) =>
      Uint8Array.from([...request(stream(count)), ...frame(TYPE.update, 0, stream(count), overflow)]),
    );
    expect(byWindow).toBeLessThanOrEqual(120);
    expect(floods(opened(), (count) => request(stream(count), ["upgrade", "x"]))).toBeLessThanOrEqual(100);
    expect(floods(opened(), (count) => frame(TYPE.headers, 5, stream(count), block([":path", "/"])))).toBeLessThan(101);
  });

  test("requests past the streams that may be open", () => {
    const client = opened();
    expect(floods(client, (count) => begin(stream(count)))).toBeLessThanOrEqual(200);
  });

  test("requests that we answer ourselves", () => {
    const connect = block([":method", "CONNECT"], [":authority", "a"]);
    expect(floods(opened(), (count) => frame(TYPE.headers, 5, stream(count), connect))).toBeLessThanOrEqual(100);
  });

  test("DATA that is empty, or next to it", () => {
    const empty = opened();
    empty.send(begin(1));
    expect(floods(empty, () => frame(TYPE.data, 0, 1))).toBeLessThanOrEqual(2000);
    const tiny = opened();
    tiny.send(begin(1));
    expect(floods(tiny, () => frame(TYPE.data, 0, 1, [1]))).toBeLessThanOrEqual(2000);
    const padded = opened();
    padded.send(begin(1));
    expect(floods(padded, () => frame(TYPE.data, 8, 1, [255, ...new Uint8Array(255)]))).toBeLessThanOrEqual(2000);
  });

  test("DATA on a stream that has ended", () => {
    const client = opened();
    client.send(begin(1, ["upgrade", "x"]));
    expect(floods(client, () => frame(TYPE.data, 1, 1, [1]))).toBeLessThanOrEqual(2000);
  });

  test("WINDOW_UPDATEs", () => {
    expect(floods(opened(), () => frame(TYPE.update, 0, 0, [0, 0, 0, 1]))).toBeLessThanOrEqual(2000);
  });

  test("WINDOW_UPDATEs that let a response trickle out", () => {
    const client = opened();
    client.send(frame(TYPE.settings, 0, 0, setting(4, 0)), request(1));
    client.server.respond(1, 200, [], new Uint8Array(1_000_000), true);
    client.take();
    expect(floods(client, () => frame(TYPE.update, 0, 1, [0, 0, 0, 1]))).toBeLessThanOrEqual(2000);
  });

  test("PRIORITY and unknown frames, which are passed over [H66]", () => {
    const client = opened();
    const passed = client.send(
      frame(TYPE.priority, 0, 9, [0, 0, 0, 9, 1]),
      frame(0x77, 0xff, 3, ZEROS),
      frame(0x10, 0, 0),
    );
    expect(passed).toEqual({ events: [], frames: [] });
    expect(floods(opened(), () => frame(TYPE.priority, 0, 9, [0, 0, 0, 0, 1]))).toBeLessThanOrEqual(2000);
    expect(floods(opened(), () => frame(0x77, 0, 0))).toBeLessThanOrEqual(2000);
  });
});

describe("an honest client is not taken for a flood", () => {
  test("with requests without end on one connection", () => {
    const client = opened();
    let answered = 0;
    for (let count = 1; count <= 3000; count++) {
      client.send(request(stream(count)));
      if (client.server.respond(stream(count), 200, [], Uint8Array.of(1), true)) answered++;
      client.take();
    }
    expect(answered).toBe(3000);
  });

  test("that answers each piece of its map with updates of both windows", () => {
    const client = opened();
    client.send(request(1));
    client.server.respond(1, 200, [], null, false);
    client.take();
    const update = [0, 0, 0, 100];
    for (let count = 1; count <= 3000; count++) {
      client.server.write(1, new Uint8Array(100), false);
      client.take();
      client.send(frame(TYPE.update, 0, 0, update), frame(TYPE.update, 0, 1, update));
    }
    expect(client.server.ended).toBe(false);
    expect(client.server.room(1)).toBe(65_535);
  });

  test("that pings once a second for an hour, and gives up a stream every five", () => {
    const client = opened();
    for (let count = 1; count <= 720; count++) {
      client.now += 5000;
      const five = Array.from({ length: 5 }, () => frame(TYPE.ping, 0, 0, ZEROS));
      const came = client.send(...five, request(stream(count)), frame(TYPE.reset, 0, stream(count), [0, 0, 0, 8]));
      expect(goneWith(came.frames)).toBeNull();
      expect(resets(came.frames)).toEqual([]);
    }
  });

  test("whose clock, ours that is, goes back", () => {
    const client = opened();
    for (let count = 1; count <= 1000; count++) {
      client.now -= 1000;
      client.send(frame(TYPE.ping, 0, 0, ZEROS));
    }
    client.now += 60_000;
    for (let count = 1; count <= 1900; count++)
      expect(client.send(frame(TYPE.ping, 0, 0, ZEROS)).frames).toHaveLength(1);
  });
});
