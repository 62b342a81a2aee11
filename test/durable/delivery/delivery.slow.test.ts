/** News on its way from a tailnet's object: nothing that happens to it on the way loses any [W10][W11]. */

import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import { NodeSessions, Queues, TailnetAuthority } from "../../../src/durable/index.ts";
import type { MapResponse } from "../../../src/protocol/index.ts";
import { authorityOf, join, makeAuthKey, makeTailnet } from "../../support/workerd/control.ts";
import { alarmIn, cutQueues, deliver, ring, ringTwice, sent } from "../../support/workerd/courier.ts";
import { EQUAL, d1, pending, rebuild, settled } from "../../support/workerd/record.ts";
import { TestNode } from "../../support/workerd/test-node.ts";
import { eventually } from "../../support/eventually.ts";

const FINDS_NOTHING = expect.objectContaining(EQUAL) as unknown;
const SECOND = 1000;
const MINUTE = 60 * SECOND;

afterEach(() => {
  vi.restoreAllMocks();
});

/** A tailnet of one event whose messages have arrived. */
async function quietTailnet(): Promise<string> {
  const tailnet = await makeTailnet();
  await settled(tailnet);
  return tailnet;
}

describe("the alarm [W11]", () => {
  test("is set while anything is pending, and an idle tailnet has none", async () => {
    const held = cutQueues();
    const tailnet = await makeTailnet();
    await sent(tailnet, held);
    expect(await alarmIn(tailnet)).toBeGreaterThan(25 * SECOND);
    expect(await alarmIn(tailnet)).toBeLessThanOrEqual(30 * SECOND);
    await deliver("record", held.record);
    await deliver("sessions", held.sessions);
    expect(await pending(tailnet)).toEqual({ record: [], sessions: 1, seq: 1 });
    expect(await ring(tailnet, 31 * SECOND)).toBe(true);
    expect(await alarmIn(tailnet)).toBeNull();
    expect([held.record.length, held.sessions.length]).toEqual([1, 1]);
  });

  test("sends again what was dropped, after ever longer waits, and soon again once anything arrives", async () => {
    const held = cutQueues();
    const tailnet = await makeTailnet();
    await sent(tailnet, held);
    const waits: number[] = [];
    let now = 0;
    for (let i = 0; i < 7; i++) {
      now += 11 * MINUTE;
      await ring(tailnet, now);
      waits.push(Math.round(((await alarmIn(tailnet)) ?? 0) / SECOND - now / SECOND));
    }
    expect(waits).toEqual([60, 120, 240, 480, 600, 600, 600]);
    expect([held.record.length, held.sessions.length]).toEqual([8, 8]);
    await makeAuthKey(tailnet);
    await deliver("record", held.record.slice(0, 1));
    await ring(tailnet, now + 11 * MINUTE);
    expect(Math.round(((await alarmIn(tailnet)) ?? 0) / SECOND - now / SECOND - 11 * 60)).toBe(60);
  });

  test("brings all of it to D1 and to the sessions objects, though every message was dropped", async () => {
    const tailnet = await quietTailnet();
    cutQueues();
    await join(tailnet, new TestNode("alice"), new TestNode("bob"));
    const { record, seq } = await pending(tailnet);
    expect([record[0], record.at(-1)]).toEqual([2, seq]);
    vi.restoreAllMocks();
    await ringTwice(tailnet);
    await settled(tailnet);
    expect(await rebuild(tailnet)).toEqual(FINDS_NOTHING);
  });

  test("sends more than a queue takes at once", async () => {
    const held = cutQueues();
    const tailnet = await makeTailnet();
    for (let i = 0; i < 25; i++) await Promise.all(Array.from({ length: 10 }, () => makeAuthKey(tailnet)));
    await sent(tailnet, held);
    held.record.length = 0;
    await evictDurableObject(authorityOf(tailnet));
    await ring(tailnet, 31 * SECOND);
    expect(held.record.map(({ seq }) => seq)).toEqual(Array.from({ length: 251 }, (_, i) => i + 1));
  });

  test("is set again where its work throws", async () => {
    cutQueues();
    const tailnet = await makeTailnet();
    vi.spyOn(console, "error").mockReturnValue();
    vi.spyOn(Queues.prototype, "send").mockImplementation(() => {
      throw new Error("made to fail");
    });
    await ring(tailnet, 31 * SECOND);
    expect(await alarmIn(tailnet)).toBeGreaterThan(0);
  });

  test("is set by the first act that finds something pending and none set", async () => {
    cutQueues();
    const tailnet = await makeTailnet();
    await runInDurableObject(authorityOf(tailnet), (_, { storage }) => storage.deleteAlarm());
    await evictDurableObject(authorityOf(tailnet));
    expect(await alarmIn(tailnet)).toBeNull();
    expect((await authorityOf(tailnet).newsAt([], -1)).ok).toBe(true);
    expect(await alarmIn(tailnet)).toBeGreaterThan(0);
  });

  test("of an earlier instance is not put off by what comes later", async () => {
    const held = cutQueues();
    const tailnet = await makeTailnet();
    const soon = Date.now() + 5 * SECOND;
    await runInDurableObject(authorityOf(tailnet), (_, { storage }) => storage.setAlarm(soon));
    await evictDurableObject(authorityOf(tailnet));
    await makeAuthKey(tailnet);
    expect(await alarmIn(tailnet)).toBeLessThanOrEqual(5 * SECOND);
    await sent(tailnet, held);
  });

  test("that begins an instance does its work", async () => {
    const held = cutQueues();
    const tailnet = await makeTailnet();
    await sent(tailnet, held);
    let now = 0;
    for (let count = 2; count < 6; count++) {
      now += 11 * MINUTE;
      await evictDurableObject(authorityOf(tailnet));
      expect(await ring(tailnet, now)).toBe(true);
      expect([held.record.length, held.sessions.length]).toEqual([count, count]);
    }
  });
});

describe("a queue that takes nothing", () => {
  test("neither fails an act nor holds it up", async () => {
    const tailnet = await quietTailnet();
    const warnings = vi.spyOn(console, "warn").mockReturnValue();
    vi.spyOn(Queues.prototype, "send").mockImplementation(() => new Promise(() => undefined));
    await join(tailnet, new TestNode("alice"));
    vi.spyOn(Queues.prototype, "send").mockRejectedValue(new Error("the queue is away"));
    const other = await makeTailnet();
    await join(other, new TestNode("alice"));
    await eventually(() => expect(warnings).toHaveBeenCalled());
    vi.restoreAllMocks();
    for (const each of [tailnet, other]) {
      await ringTwice(each);
      await settled(each);
      expect(await rebuild(each)).toEqual(FINDS_NOTHING);
    }
  });
});

describe("sessions hear of news", () => {
  /** Loses the first calls to sessions objects. */
  function loseAdvance(calls: number): void {
    vi.spyOn(console, "warn").mockReturnValue();
    const spy = vi.spyOn(NodeSessions.prototype, "advance");
    for (let i = 0; i < calls; i++) spy.mockRejectedValueOnce(new Error("made to be lost"));
  }

  /** A tailnet whose one node waits for news, and a way to make some, in one act. */
  async function waiting(): Promise<{ tailnet: string; news: Promise<MapResponse>; make: () => Promise<void> }> {
    const tailnet = await makeTailnet();
    const [alice, bob] = [new TestNode("alice"), new TestNode("bob")];
    await join(tailnet, alice);
    const key = await makeAuthKey(tailnet);
    await settled(tailnet);
    const news = alice.mapAfter(await alice.map());
    // The poll is on its way to where it waits.
    await new Promise((resolve) => setTimeout(resolve, 200));
    return { tailnet, news, make: async () => expect((await bob.register(key)).status).toBe(200) };
  }

  function hostnames({ PeersChanged }: MapResponse): string[] {
    return (PeersChanged ?? []).map(({ Hostinfo }) => Hostinfo?.Hostname ?? "");
  }

  test("by the direct call alone", async () => {
    const { news, make } = await waiting();
    cutQueues();
    await make();
    expect(hostnames(await news)).toEqual(["bob"]);
  });

  test("by the queue alone", async () => {
    const { news, make } = await waiting();
    loseAdvance(1);
    await make();
    expect(hostnames(await news)).toEqual(["bob"]);
  });

  test("and what the queue tells is not acknowledged before all have heard", async () => {
    const { tailnet, news, make } = await waiting();
    const held = cutQueues();
    loseAdvance(2);
    await make();
    const { seq } = await pending(tailnet);
    await sent(tailnet, held);
    const last = held.sessions.slice(-1);
    expect(await deliver("sessions", last)).toEqual({ acknowledged: 0, again: 1 });
    expect((await pending(tailnet)).sessions).toBeLessThan(seq);
    expect(await deliver("sessions", last)).toEqual({ acknowledged: 1, again: 0 });
    expect((await pending(tailnet)).sessions).toBe(seq);
    expect(hostnames(await news)).toEqual(["bob"]);
  });
});

describe("an object that stops anywhere on the way", () => {
  test("loses nothing, and nothing is there twice", async () => {
    const tailnet = await quietTailnet();
    const stub = authorityOf(tailnet);
    const held = cutQueues();
    await join(tailnet, new TestNode("alice"), new TestNode("bob"));
    await evictDurableObject(stub);
    vi.spyOn(TailnetAuthority.prototype, "acknowledge").mockResolvedValueOnce({
      ok: false,
      error: { code: "internal", message: "made to die in between" },
    });
    vi.spyOn(console, "warn").mockReturnValue();
    const count = held.record.length;
    expect(await deliver("record", held.record)).toEqual({ acknowledged: 0, again: count });
    await evictDurableObject(stub);
    expect((await pending(tailnet)).record).toHaveLength(count);
    expect(await deliver("record", held.record, 2)).toEqual({ acknowledged: count, again: 0 });
    await evictDurableObject(stub);
    expect((await pending(tailnet)).record).toEqual([]);
    expect(await d1("SELECT count(*) AS n FROM events WHERE tailnet_id = ?", tailnet)).toEqual([{ n: count + 1 }]);
    expect(await rebuild(tailnet)).toEqual(FINDS_NOTHING);
  });
});

describe("another epoch", () => {
  test("begins with an event, and old messages say nothing of it", async () => {
    const tailnet = await quietTailnet();
    const held = cutQueues();
    await join(tailnet, new TestNode("alice"));
    const old = [...held.record];
    const begun = await authorityOf(tailnet).beginEpoch({
      actor: { type: "USER", id: "owner", name: "Owner" },
      origin: "CONFIG_API",
      group: "",
    });
    if (!begun.ok) throw new Error(begun.error.message);
    expect(begun.value.epoch).not.toBe(old[0]?.epoch);
    const { record } = await pending(tailnet);
    expect(await deliver("record", old)).toEqual({ acknowledged: old.length, again: 0 });
    expect((await pending(tailnet)).record).toEqual(record);
    vi.restoreAllMocks();
    await ringTwice(tailnet);
    await settled(tailnet);
    expect(await rebuild(tailnet)).toEqual(FINDS_NOTHING);
  });
});
