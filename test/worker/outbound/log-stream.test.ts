/** The log, streamed to a collector: what it gets, in which order, and how often [W23][W30]. */

import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { STREAM_LIMITS } from "../../../src/durable/audit/stream-batches.ts";
import { AuditVerifier, parseAuditHead } from "../../../src/protocol/index.ts";
import { encodeHex } from "../../../src/tka/index.ts";
import { compressed } from "../../../src/worker/outbound/log-stream-body.ts";
import { later } from "../../support/workerd/clock.ts";
import { admin, authorityOf, dump, join, makeTailnet } from "../../support/workerd/control.ts";
import { forThisTest } from "../../support/workerd/for-this-test.ts";
import { Receiver } from "../../support/workerd/hooks.ts";
import { refused } from "../../support/workerd/refused.ts";
import { valueOf } from "../../support/workerd/sharing.ts";
import { TestNode, type Fields } from "../../support/workerd/test-node.ts";
import {
  arrived,
  failed,
  path,
  put,
  records,
  row,
  status,
  streamed,
  TOKEN,
} from "../../support/workerd/log-streams.ts";

const DAY_MS = 24 * 60 * 60_000;

describe("a collector", () => {
  test("is sent all from its own setting on, in order, each line with its hash, and the head [W23]", async () => {
    const { tailnet, receiver } = await streamed();
    await join(tailnet, new TestNode("alice"), new TestNode("bob"));
    const received = await arrived(tailnet, receiver);
    const sent = records(received);
    expect(sent[0]).toMatchObject({ kind: "stream.set", action: "UPDATE", target: { property: "LOGSTREAM_ENDPOINT" } });
    const { head } = valueOf(await authorityOf(tailnet).logHead());
    expect(sent.at(-1)?.hash).toBe(head.hash);
    const verifier = new AuditVerifier();
    for (const [i, record] of sent.entries()) verifier.take(record, String(i));
    const heads = received.map(({ headers }) => parseAuditHead(headers["tailward-log-head"] ?? ""));
    expect(heads).not.toContain(null);
    // Its first event names the head before it, so that nothing is missing there either.
    expect(verifier.finish(heads.filter((one) => one !== null))).toMatchObject({ problems: [], notes: [] });
    expect(received[0]?.headers).toMatchObject({
      authorization: `Bearer ${TOKEN}`,
      "content-type": "application/x-ndjson",
    });
  });

  test("of Splunk's gets events in the form of its own, at its usual path", async () => {
    const [tailnet, receiver] = [await makeTailnet(), new Receiver()];
    const url = `https://${receiver.host}`;
    expect((await put(tailnet, receiver, { destinationType: "splunk", url })).status).toBe(200);
    const [first] = await arrived(tailnet, receiver);
    expect(first).toMatchObject({ path: "/services/collector/event", headers: { authorization: `Splunk ${TOKEN}` } });
    const event = JSON.parse(first?.body.split("\n")[0] ?? "") as Fields;
    expect(event).toMatchObject({
      source: "tailward",
      sourcetype: "tailward:audit",
      event: { kind: "stream.set", sequence: 2 },
      fields: { kind: "stream.set", sequence: 2 },
    });
    expect(event["time"]).toBeCloseTo(Date.now() / 1000, -2);
  });

  test("that is away is tried again, misses nothing, and is sent what it may have had again [W23]", async () => {
    const { tailnet, receiver } = await streamed();
    await arrived(tailnet, receiver);
    await receiver.behave({ status: 503 });
    await join(tailnet, new TestNode("alice"));
    expect(await failed(tailnet, 1)).toMatchObject({ lastError: "answered 503" });
    await receiver.behave({ status: 200 });
    await join(tailnet, new TestNode("bob"));
    // Not before its time.
    expect(await status(tailnet)).toMatchObject({ numFailedRequests: 1, failingSince: expect.any(String) as string });
    await later(20_000, async () => {
      await runDurableObjectAlarm(authorityOf(tailnet));
      const sent = records(await arrived(tailnet, receiver)).map(({ sequence }) => sequence);
      const again = sent.filter((sequence, i) => sent.indexOf(sequence) !== i);
      expect(again.length).toBeGreaterThan(0);
      expect([...new Set(sent)]).toEqual(Array.from({ length: new Set(sent).size }, (_, i) => i + 2));
      expect(await status(tailnet)).not.toHaveProperty("failingSince");
    });
  });

  test("that fails for a day is told of by one event, and tried on [W23]", async () => {
    const [tailnet, receiver] = [await makeTailnet(), new Receiver()];
    await receiver.behave({ status: 500 });
    await put(tailnet, receiver);
    await failed(tailnet, 1);
    for (const [i, ms] of [DAY_MS + 1000, 2 * DAY_MS].entries())
      await later(ms, async () => {
        await runDurableObjectAlarm(authorityOf(tailnet));
        await failed(tailnet, i + 2);
      });
    const events = await runInDurableObject(authorityOf(tailnet), (_, { storage }) =>
      storage.sql.exec<{ kind: string }>("SELECT kind FROM events ORDER BY seq").toArray(),
    );
    expect(events.map(({ kind }) => kind)).toEqual(["tailnet.created", "stream.set", "stream.failing"]);
  });

  test("of whose batch the pointer is lost is sent it again, after the object was away too [W23]", async () => {
    const { tailnet, receiver } = await streamed();
    await arrived(tailnet, receiver);
    await runInDurableObject(authorityOf(tailnet), (_, { storage }) => {
      storage.sql.exec(
        "UPDATE log_streams SET sent = sent - 1, batch = batch + 1, started = 0, taken = ?",
        Date.now() + STREAM_LIMITS.batchMs,
      );
    });
    await evictDurableObject(authorityOf(tailnet));
    const before = (await receiver.received()).length;
    await later(STREAM_LIMITS.batchMs + 1000, async () => {
      await runDurableObjectAlarm(authorityOf(tailnet));
      expect((await arrived(tailnet, receiver)).length).toBe(before + 1);
    });
  });

  test("with whose batch the consumer dies has failed, and is tried ever more rarely [W23]", async () => {
    const { tailnet, receiver } = await streamed();
    await arrived(tailnet, receiver);
    const before = (await receiver.received()).length;
    await runInDurableObject(authorityOf(tailnet), (_, { storage }) => {
      storage.sql.exec("UPDATE log_streams SET sent = sent - 1, batch = batch + 1, started = 1, taken = ?", Date.now());
    });
    await runDurableObjectAlarm(authorityOf(tailnet));
    await authorityOf(tailnet).summary();
    const failing = await failed(tailnet, 1);
    expect(failing).toMatchObject({ lastError: expect.stringContaining("did not come to its end") as string });
    expect((await receiver.received()).length).toBe(before);
    await later(20_000, async () => {
      await runDurableObjectAlarm(authorityOf(tailnet));
      expect((await arrived(tailnet, receiver)).length).toBe(before + 1);
    });
  });

  test("is asked once for a message that comes twice, or late", async () => {
    const { tailnet, receiver } = await streamed();
    const before = (await arrived(tailnet, receiver)).length;
    const { id: stream } = await row(tailnet);
    for (const batch of [1, 1, 99]) await env.LOG_STREAM_QUEUE.send({ tailnet, stream, batch });
    await env.LOG_STREAM_QUEUE.send({ tailnet, stream: "snothing", batch: 1 });
    await env.LOG_STREAM_QUEUE.send({ nonsense: true } as never);
    await join(tailnet, new TestNode("alice"));
    const sent = records((await arrived(tailnet, receiver)).slice(before)).map(({ sequence }) => sequence);
    expect(sent).toEqual([...new Set(sent)]);
  });

  test("gets a large backlog in batches", async () => {
    const { tailnet, receiver } = await streamed();
    await arrived(tailnet, receiver);
    forThisTest(STREAM_LIMITS, { events: 3 });
    const before = (await receiver.received()).length;
    await join(tailnet, ...["a", "b", "c", "d", "e"].map((name) => new TestNode(name)));
    const batches = (await arrived(tailnet, receiver)).slice(before).map((each) => records([each]).length);
    expect(Math.max(...batches)).toBe(3);
    // One that is larger than a batch goes alone.
    forThisTest(STREAM_LIMITS, { characters: 10 });
    await join(tailnet, ...["f", "g", "h"].map((name) => new TestNode(name)));
    const single = (await arrived(tailnet, receiver))
      .slice(before + batches.length)
      .map((each) => records([each]).length);
    expect(new Set(single)).toEqual(new Set([1]));
  });
});

describe("a stream", () => {
  test("is shown without its token, which is stored sealed alone and in no event [W30][W4]", async () => {
    const { tailnet, receiver } = await streamed({ user: "tailward", compressionFormat: "none" });
    const shown = (await admin("GET", path(tailnet))).json;
    expect(shown).toEqual({
      logType: "configuration",
      destinationType: "ndjson",
      url: receiver.url,
      user: "tailward",
      compressionFormat: "none",
      uploadPeriodMinutes: 0,
      hasToken: true,
    });
    const all = await runInDurableObject(authorityOf(tailnet), (_, state) => JSON.stringify(dump(state)));
    expect(all).not.toContain(TOKEN);
    const [first] = await arrived(tailnet, receiver);
    expect(first?.headers["authorization"]).toBe(`Basic ${btoa(`tailward:${TOKEN}`)}`);
  });

  test("has its address in no table and no event, whole [W35]", async () => {
    const [tailnet, receiver] = [await makeTailnet(), new Receiver()];
    const url = `https://${receiver.host}/collect/secret-of-the-address`;
    expect((await put(tailnet, receiver, { url })).json).toMatchObject({ url });
    expect((await admin("GET", path(tailnet))).json).toMatchObject({ url });
    await arrived(tailnet, receiver);
    const all = await runInDurableObject(authorityOf(tailnet), (_, state) => JSON.stringify(dump(state)));
    expect(all).toContain(receiver.host);
    expect(all).not.toContain("secret-of-the-address");
    expect(all).not.toContain(encodeHex(new TextEncoder().encode("secret-of-the-address")));
  });

  test("to a name that leads to a closed address is refused; one that cannot be looked up is taken, with a warning [W32]", async () => {
    const [tailnet, receiver] = [await makeTailnet(), new Receiver()];
    await receiver.behave({ addresses: ["93.184.216.34", "10.0.0.1"] });
    const answer = await put(tailnet, receiver);
    refused(answer, "malformed_request");
    expect(answer.json["message"]).toContain("leads to 10.0.0.1");
    await receiver.behave({ addresses: null });
    expect((await put(tailnet, receiver)).json).toMatchObject({
      warning: expect.stringContaining("could not be looked up") as string,
    });
  });

  test.each([
    { url: "http://collector.hooks.test/" },
    { url: "https://10.0.0.1/" },
    { url: "https://user:password@collector.hooks.test/" },
    { destinationType: "datadog" },
    { token: "a b" },
    { user: "a:b" },
    { compressionFormat: "lz4" },
    { uploadPeriodMinutes: -1 },
  ])("%o is refused", async (more) => {
    refused(await put(await makeTailnet(), new Receiver(), more), "malformed_request");
  });

  test("is compressed as it was asked for", () => {
    const settings = { destinationType: "ndjson", url: "", user: "", uploadPeriodMinutes: 0 } as const;
    const text = "é".repeat(1000);
    const bytes = (compressionFormat: "none" | "gzip" | "zstd") => compressed({ ...settings, compressionFormat }, text);
    expect(new TextDecoder().decode(bytes("none"))).toBe(text);
    expect(gunzipSync(bytes("gzip")).toString()).toBe(text);
    expect(zstdDecompressSync(bytes("zstd")).toString()).toBe(text);
    // A batch may be larger than what workerd's compressor takes at once.
    const random = encodeHex(crypto.getRandomValues(new Uint8Array(60_000)));
    expect(compressed({ ...settings, compressionFormat: "zstd" }, random.repeat(4)).length).toBeGreaterThan(60_000);
  });
});
