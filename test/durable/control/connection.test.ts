/** One connection frame by frame [X9] [X10] [X11]: gone on with from what was saved between any two, and its nonces. */

import { afterEach, describe, expect, test, vi } from "vitest";
import { MOST_SAVED, NOTHING_SAVED } from "../../../src/durable/control/saved.ts";
import { noiseCrypto } from "../../../src/durable/control/native-noise.ts";
import { concatBytes, encodeHex, encodeUtf8 } from "../../../src/tka/index.ts";
import { ControlPair } from "../../support/workerd/control-pair.ts";
import {
  ACK,
  END_HEADERS,
  END_STREAM,
  PREFACE,
  SETTINGS,
  SETTINGS_ACK,
  TYPE,
  block,
  bytesOf,
  frame,
  u32,
  type RawFrame,
} from "../../support/http2-frames.ts";

const fields = (path: string): Uint8Array =>
  block([":method", "POST"], [":scheme", "https"], [":path", path], [":authority", "x"]);
/** A field that goes into the dynamic table, and one that points at it. */
const INTO_TABLE = Uint8Array.of(0x40, 4, ...bytesOf("kept"), 5, ...bytesOf("value"));
const FROM_TABLE = Uint8Array.of(0x80 | 62);

function asked(id: number, path: string, more = new Uint8Array(0)): Uint8Array {
  return frame(TYPE.headers, END_HEADERS | END_STREAM, id, concatBytes(fields(path), more));
}

const TELL = "tell";
/** What a client sends, a frame at a time; between some, it is told something. */
const CONVERSATION: readonly (Uint8Array | typeof TELL)[] = [
  concatBytes(PREFACE, SETTINGS),
  asked(1, "/one", INTO_TABLE),
  asked(3, "/map", FROM_TABLE),
  TELL,
  SETTINGS_ACK,
  asked(5, "/two"),
  TELL,
  frame(TYPE.ping, 0, 0, new Uint8Array(8).fill(3)),
  frame(TYPE.headers, END_HEADERS, 7, fields("/three")),
  frame(TYPE.data, 0, 7, encodeUtf8("first half")),
  TELL,
  frame(TYPE.data, END_STREAM, 7, encodeUtf8("second half")),
  frame(TYPE.update, 0, 3, u32(1000)),
  frame(TYPE.update, 0, 0, u32(1000)),
  asked(9, "/map"),
  TELL,
  frame(TYPE.reset, 0, 3, u32(8)),
  TELL,
  asked(11, "/four"),
];
const NEWS = new Uint8Array(5000).fill(9);

/** Plays it, restoring the server before the steps of these numbers wherever it can be; gives what the client has read, and how often it was. */
async function played(restored: (step: number) => boolean): Promise<{ read: RawFrame[]; times: number; most: number }> {
  const pair = await ControlPair.open();
  const read: RawFrame[] = [];
  let [times, most] = [0, 0];
  for (const [step, part] of CONVERSATION.entries()) {
    if (restored(step) && pair.restore()) times++;
    if (part === TELL) pair.tell(NEWS);
    else pair.hear(part);
    most = Math.max(most, pair.wire.saved.length);
    read.push(...pair.frames());
  }
  return { read, times, most };
}

/** Each record's key and nonce, of all that is sealed until mocks are restored. */
function watchNonces(): Set<string> {
  const used = new Set<string>();
  const seal = noiseCrypto.seal.bind(noiseCrypto);
  vi.spyOn(noiseCrypto, "seal").mockImplementation((key, nonce, ...rest) => {
    const use = `${encodeHex(key)} ${encodeHex(nonce)}`;
    expect(used.has(use)).toBe(false);
    used.add(use);
    return seal(key, nonce, ...rest);
  });
  return used;
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe("a connection that is gone on with from what was saved", () => {
  test("says between any two frames what it would have said, and no nonce comes twice [X9][X10]", async () => {
    const used = watchNonces();
    const { read } = await played(() => false);
    expect(read.length).toBeGreaterThan(15);
    for (let step = 0; step < CONVERSATION.length; step++) {
      const once = await played((at) => at === step);
      expect(once.read).toEqual(read);
    }
    const always = await played(() => true);
    expect(always.read).toEqual(read);
    // All but those that stand between the parts of a request.
    expect(always.times).toBe(CONVERSATION.length - 3);
    expect(always.most).toBeLessThan(MOST_SAVED);
    expect(used.size).toBeGreaterThan(500);
  });

  test("is not, while a request is in flight, a request or a record has come in part, or bytes cannot go out [X11]", async () => {
    const cannot = async (until: (pair: ControlPair) => void): Promise<boolean> => {
      const pair = await ControlPair.open();
      pair.hear(concatBytes(PREFACE, SETTINGS, SETTINGS_ACK, asked(1, "/map")));
      expect(pair.restore()).toBe(true);
      until(pair);
      return !pair.restore() && pair.wire.saved.length === NOTHING_SAVED.length;
    };
    const states = [
      cannot((pair) => {
        pair.server.begins(3);
        pair.server.flush();
      }),
      cannot((pair) => void pair.hear(frame(TYPE.headers, END_HEADERS, 3, fields("/x")))),
      cannot((pair) => void pair.hear(frame(TYPE.headers, 0, 3, fields("/x")))),
      cannot((pair) => void pair.hear(Uint8Array.of(0, 0))),
      cannot((pair) => {
        pair.server.receive(pair.client.seal(new Uint8Array(3)).subarray(0, 5), 0);
        pair.server.flush();
      }),
      cannot((pair) => {
        pair.tell(new Uint8Array(100_000));
      }),
    ];
    expect(await Promise.all(states)).toEqual(states.map(() => true));
  });
});

describe("a step that fails in the middle [X9]", () => {
  test.each(["failsToSave", "failsToSend"] as const)(
    "where it %s, ends the connection: nothing is sealed again",
    async (how) => {
      const pair = await ControlPair.open();
      pair.hear(concatBytes(PREFACE, SETTINGS, SETTINGS_ACK, asked(1, "/map")));
      pair.frames();
      const used = watchNonces();
      pair.wire[how] = true;
      expect(() => {
        pair.tell(NEWS);
      }).toThrow(/^not s/);
      pair.wire[how] = false;
      const sealed = used.size;
      pair.tell(NEWS);
      pair.server.flush();
      expect([pair.server.isOver, used.size, pair.wire.sent.length]).toEqual([true, sealed, 0]);
    },
  );

  test("where the object is lost once it was saved and before it was sent, its client notices, and no nonce has come twice", async () => {
    const used = watchNonces();
    const pair = await ControlPair.open();
    pair.hear(concatBytes(PREFACE, SETTINGS, SETTINGS_ACK, asked(1, "/map")));
    pair.frames();
    pair.tell(NEWS);
    pair.wire.sent.splice(0);
    expect(pair.restore()).toBe(true);
    pair.tell(NEWS);
    expect(() => pair.frames()).toThrow(/does not open/);
    expect(used.size).toBeGreaterThan(3);
  });
});

describe("a client's signs", () => {
  test("count only by the number that the server drew, and only once", async () => {
    const pair = await ControlPair.open();
    pair.hear(concatBytes(PREFACE, SETTINGS, frame(TYPE.update, 0, 0, u32(1_000_000)), SETTINGS_ACK, asked(1, "/map")));
    pair.hear(frame(TYPE.update, 0, 1, u32(1_000_000)));
    pair.frames();
    pair.tell(new Uint8Array(200_000));
    const ping = pair.frames().find(({ type, flags }) => type === TYPE.ping && (flags & ACK) === 0);
    const [stream] = pair.server.streams.values();
    const before = stream?.underWay ?? 0;
    expect(before).toBeGreaterThan(100_000);
    pair.hear(frame(TYPE.ping, ACK, 0, new Uint8Array(8)));
    expect(stream?.underWay).toBe(before);
    pair.hear(frame(TYPE.ping, ACK, 0, ping?.payload));
    expect(stream?.underWay).toBe(0);
    expect(pair.server.facts.ping).toBeNull();
  });
});
