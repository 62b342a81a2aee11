/** Properties of the HTTP/2 core over random clients, with pinned seeds: [H64], [H65], and that no piece of bytes is special. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Http2Server, type Http2Event } from "../../src/protocol/index.ts";
import {
  NOW,
  PREFACE,
  SETTINGS,
  block,
  bytesOf,
  concat,
  frame,
  goneWith,
  post,
  readFrames,
  setting,
  u32,
} from "../support/http2-frames.ts";

const INTERNAL_ERROR = 2;

/** What happens to a connection: bytes of the client's, or an act of ours. */
type Act =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "frames"; readonly frames: readonly Placed[]; readonly wait: number }
  | { readonly kind: "respond" | "write"; readonly length: number; readonly end: boolean }
  | { readonly kind: "reset" | "ping" | "goAway" };

const payload = fc.uint8Array({ maxLength: 40 });
const flags = fc.constantFrom(0, 0, 1, 4, 5, 8, 9, 12, 13, 0x20, 0x25, 0x2d, 0xff);
const indexed = (name: string, value: string): Uint8Array =>
  concat([0x40, name.length], bytesOf(name), [value.length], bytesOf(value));

const GOOD = [
  post(),
  concat(post(), indexed("x-one", "1")),
  concat(post(), indexed("x-two", "2")),
  concat([0x20], post()),
];

/** Header blocks good and bad, some with an entry of a table that may be empty. */
const blocks = fc.oneof(
  fc.constantFrom(...GOOD, post(["content-length", "4"]), concat(post(), [0xbe]), block(["x-late", "1"])),
  payload,
);

/** A frame on a stream that is chosen when it is sent: one that is not yet open, or one of those that were opened. */
interface Placed {
  readonly type: number;
  readonly flags: number;
  readonly payload: Uint8Array;
  readonly on: "connection" | "new" | number;
}

const on = fc.nat({ max: 12 });
const placed = (
  type: number,
  bits: fc.Arbitrary<number>,
  bytes: fc.Arbitrary<Uint8Array>,
  where: fc.Arbitrary<Placed["on"]>,
) => fc.record({ type: fc.constant(type), flags: bits, payload: bytes, on: where });
const numbers = (...some: number[]): fc.Arbitrary<Uint8Array> =>
  fc.constantFrom(...some).map((value) => Uint8Array.from(u32(value)));
const none = fc.constant(0);

const anyFrame: fc.Arbitrary<Placed> = fc.oneof(
  { weight: 8, arbitrary: placed(1, fc.constantFrom(5, 5, 4), fc.constantFrom(...GOOD), fc.constant("new")) },
  { weight: 1, arbitrary: placed(1, flags, blocks, fc.constant("new")) },
  { weight: 1, arbitrary: placed(1, flags, blocks, on) },
  { weight: 3, arbitrary: placed(0, fc.constantFrom(0, 1), payload, on) },
  { weight: 1, arbitrary: placed(0, flags, payload, on) },
  { weight: 1, arbitrary: placed(9, flags, blocks, on) },
  { weight: 2, arbitrary: placed(8, none, numbers(1, 1000, 100_000), fc.constant("connection")) },
  { weight: 2, arbitrary: placed(8, none, numbers(0, 1, 1000, 100_000, 0x7fff_ffff), on) },
  { weight: 2, arbitrary: placed(3, none, numbers(8), on) },
  {
    weight: 2,
    arbitrary: placed(
      4,
      none,
      fc.nat({ max: 70_000 }).map((size) => Uint8Array.from(setting(4, size))),
      fc.constant("connection"),
    ),
  },
  { weight: 1, arbitrary: placed(4, fc.constant(1), fc.constant(new Uint8Array(0)), fc.constant("connection")) },
  {
    weight: 1,
    arbitrary: placed(6, fc.constantFrom(0, 1), fc.constant(bytesOf("\0\0\0\x005678")), fc.constant("connection")),
  },
  { weight: 1, arbitrary: fc.nat({ max: 12 }).chain((type) => placed(type, flags, payload, on)) },
);

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant("frames"),
      frames: fc.array(anyFrame, { maxLength: 4 }),
      wait: fc.nat({ max: 5000 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constantFrom("respond", "write"),
      length: fc.oneof(fc.nat({ max: 12 }), fc.nat({ max: 90_000 })),
      end: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("reset", "ping", "ping", "ping", "goAway") }) },
);

const opening: Act = { kind: "bytes", bytes: concat(PREFACE, SETTINGS) };

const ASKS: Act = { kind: "frames", frames: [{ type: 1, flags: 5, payload: post(), on: "new" }], wait: 0 };

/** A life of a connection. Most begin well. */
const life = fc
  .tuple(fc.nat({ max: 9 }), fc.array(act, { maxLength: 12, size: "max" }))
  .map(([ill, acts]): Act[] => (ill === 0 ? acts : [opening, ASKS, ...acts]));

/** How a life is lived: in pieces of at most so many octets, and with sleep wherever the connection rests. */
interface Manner {
  readonly pieces: number;
  readonly sleeps: boolean;
}

/** All that can be seen of a life. */
interface Seen {
  readonly events: readonly Http2Event[];
  readonly sent: Uint8Array;
  readonly ended: boolean;
}

class Life {
  #server = new Http2Server();
  readonly #manner: Manner;
  #now = NOW;
  readonly #events: Http2Event[] = [];
  readonly #sent: Uint8Array[] = [];
  /** Streams whose requests were told: true once they have a head. */
  readonly #told = new Map<number, boolean>();
  /** Streams that the client has opened. */
  #asked = 0;
  slept = 0;

  constructor(manner: Manner) {
    this.#manner = manner;
  }

  live(acts: readonly Act[]): Seen {
    for (const one of acts) {
      this.#do(one);
      this.#settle();
    }
    return { events: this.#events, sent: concat(...this.#sent), ended: this.#server.ended };
  }

  #settle(): void {
    this.#sent.push(this.#server.take());
    if (!this.#manner.sleeps || !this.#server.idle) return;
    this.#server = Http2Server.restore(this.#server.save());
    this.slept++;
  }

  #do(one: Act): void {
    const [stream = 1] = [...this.#told].filter(([, head]) => head === (one.kind === "write")).map(([id]) => id);
    switch (one.kind) {
      case "bytes":
        return this.#receive(one.bytes);
      case "frames":
        this.#now += one.wait;
        return this.#receive(concat(...one.frames.map((placed) => this.#place(placed))));
      case "respond":
      case "write":
        if (!this.#told.has(stream) || this.#told.get(stream) !== (one.kind === "write")) return;
        if (one.kind === "respond") this.#server.respond(stream, 200, [], new Uint8Array(one.length), one.end);
        else this.#server.write(stream, new Uint8Array(one.length), one.end);
        if (one.end) this.#told.delete(stream);
        else this.#told.set(stream, true);
        return;
      case "reset":
        this.#server.reset(stream, 8);
        this.#told.delete(stream);
        return;
      case "ping":
        return this.#server.ping(7);
      case "goAway":
        return this.#server.goAway();
    }
  }

  #receive(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += this.#manner.pieces) {
      this.#tell(this.#server.receive(bytes.slice(at, at + this.#manner.pieces), this.#now));
      this.#settle();
    }
  }

  #place({ type, flags: bits, payload: bytes, on: where }: Placed): Uint8Array {
    if (where === "connection") return frame(type, bits, 0, bytes);
    const at = where === "new" ? this.#asked++ : where % Math.max(1, this.#asked);
    return frame(type, bits, 2 * at + 1, bytes);
  }

  #tell(events: readonly Http2Event[]): void {
    for (const event of events) {
      this.#events.push(event);
      if (event.kind === "request") this.#told.set(event.request.stream, false);
      else if (event.kind === "reset") this.#told.delete(event.stream);
      else if (event.kind === "closed") this.#told.clear();
    }
  }
}

const WHOLE: Manner = { pieces: Infinity, sleeps: false };

describe("a life of a connection", () => {
  test("is the same whatever the pieces in which its bytes come", () => {
    fc.assert(
      fc.property(life, fc.integer({ min: 1, max: 30 }), (acts, pieces) => {
        expect(new Life({ pieces, sleeps: false }).live(acts)).toEqual(new Life(WHOLE).live(acts));
      }),
      { seed: 1, numRuns: 400 },
    );
  });

  test("is the same with a sleep between any two frames [H65]", () => {
    let slept = 0;
    fc.assert(
      fc.property(life, fc.constantFrom(1, 9, 30, Infinity), (acts, pieces) => {
        const sleeper = new Life({ pieces, sleeps: true });
        expect(sleeper.live(acts)).toEqual(new Life(WHOLE).live(acts));
        slept += sleeper.slept;
      }),
      { seed: 2, numRuns: 400 },
    );
    expect(slept).toBeGreaterThan(1000);
  });

  test("is never ended by a fault of ours [H64]", () => {
    let requests = 0;
    fc.assert(
      fc.property(life, (acts) => {
        const { events, sent, ended } = new Life(WHOLE).live(acts);
        const code = goneWith(readFrames(sent));
        expect(code).not.toBe(INTERNAL_ERROR);
        requests += events.filter(({ kind }) => kind === "request").length;
        if (events.some(({ kind }) => kind === "closed")) expect(ended).toBe(true);
      }),
      { seed: 3, numRuns: 1000 },
    );
    expect(requests).toBeGreaterThan(1000);
  });
});

test("any bytes throw nothing, after the preface and without it [H64]", () => {
  fc.assert(
    fc.property(fc.boolean(), fc.uint8Array({ maxLength: 400 }), (opened, bytes) => {
      const server = new Http2Server();
      server.receive(opened ? concat(PREFACE, SETTINGS, bytes) : bytes, NOW);
      expect(goneWith(readFrames(server.take()))).not.toBe(INTERNAL_ERROR);
    }),
    { seed: 4, numRuns: 1000 },
  );
});

test("any saved bytes are a connection or refused with a code [H67]", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      try {
        Http2Server.restore(concat([1], bytes));
      } catch (error) {
        expect(error).toMatchObject({ name: "Http2Error", code: "bad_saved_state" });
      }
    }),
    { seed: 5, numRuns: 1000 },
  );
});
