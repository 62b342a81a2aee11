/** Streams of the log that are changed, turned to another place, or taken away: what the place before hears of it [W26]. */

import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { expect, describe, test, vi } from "vitest";
import { parseAuditHead } from "../../../src/protocol/index.ts";
import { later } from "../../support/workerd/clock.ts";
import { admin, authorityOf, dump, join } from "../../support/workerd/control.ts";
import { Receiver } from "../../support/workerd/hooks.ts";
import {
  arrived,
  failed,
  forgotten,
  kinds,
  path,
  put,
  records,
  row,
  rows,
  settled,
  status,
  streamed,
  TOKEN,
} from "../../support/workerd/log-streams.ts";
import { eventually } from "../../support/eventually.ts";
import { refused } from "../../support/workerd/refused.ts";
import { BY_TEST, valueOf } from "../../support/workerd/sharing.ts";
import { TestNode } from "../../support/workerd/test-node.ts";

const DAY_MS = 24 * 60 * 60_000;

describe("a stream", () => {
  test("goes on from where it is when it is changed; its token goes to no other address", async () => {
    const { tailnet, receiver } = await streamed();
    await arrived(tailnet, receiver);
    const other = new Receiver();
    expect((await put(tailnet, other, { token: null })).json).toMatchObject({ hasToken: false });
    const sent = await arrived(tailnet, other);
    expect(kinds(sent)).toEqual(["stream.set"]);
    expect(sent[0]?.headers).not.toHaveProperty("authorization");
    // The place before it hears where it goes.
    await forgotten(tailnet);
    const last = (await receiver.received()).at(-1);
    expect(records(last === undefined ? [] : [last]).at(-1)).toMatchObject({
      kind: "stream.set",
      old: { url: `https://${receiver.host}` },
      new: { url: `https://${other.host}` },
    });
    // The same again changes nothing.
    const { head } = valueOf(await authorityOf(tailnet).logHead());
    expect((await put(tailnet, other, { token: null })).status).toBe(200);
    expect(valueOf(await authorityOf(tailnet).logHead()).head).toEqual(head);
    expect((await put(tailnet, other, { token: TOKEN })).json).toMatchObject({ hasToken: true });
    expect((await put(tailnet, other, { token: null, uploadPeriodMinutes: 5 })).json).toMatchObject({ hasToken: true });
  });

  test("that ends is told so with the head, and is unknown and forgotten from then on [W26]", async () => {
    const { tailnet, receiver } = await streamed({ uploadPeriodMinutes: 60 });
    await eventually(async () => {
      if ((await status(tailnet))["numTotalRequests"] === 0) throw new Error("nothing was sent");
    });
    // What happens now would be sent in an hour.
    await join(tailnet, new TestNode("alice"));
    expect((await admin("DELETE", path(tailnet))).status).toBe(200);
    const { head } = valueOf(await authorityOf(tailnet).logHead());
    await forgotten(tailnet);
    const received = await receiver.received();
    expect(kinds(received)).toEqual(["stream.set", "authkey.created", "node.joined", "stream.removed"]);
    expect(records(received).at(-1)?.hash).toBe(head.hash);
    expect(parseAuditHead(received.at(-1)?.headers["tailward-log-head"] ?? "")?.sequence).toBe(head.sequence);
    expect(received.at(-1)?.headers["authorization"]).toBe(`Bearer ${TOKEN}`);
    await join(tailnet, new TestNode("bob"));
    for (const rest of ["", "/status"]) refused(await admin("GET", path(tailnet, rest)), "unknown_log_stream");
    refused(await admin("DELETE", path(tailnet)), "unknown_log_stream");
    expect((await receiver.received()).length).toBe(received.length);
  });

  test("whose token is replaced by a wrong one is told so under the right one [W26]", async () => {
    const { tailnet, receiver } = await streamed();
    await arrived(tailnet, receiver);
    const before = (await receiver.received()).length;
    await put(tailnet, receiver, { token: "wrong" });
    await forgotten(tailnet);
    const sent = (await receiver.received()).slice(before);
    const told = sent.filter(({ headers }) => headers["authorization"] === `Bearer ${TOKEN}`);
    expect(kinds(told)).toEqual(["stream.set"]);
    // The same token again is no change.
    const { id } = await row(tailnet);
    await put(tailnet, receiver, { token: "wrong" });
    expect(await row(tailnet)).toMatchObject({ id });
  });

  test("that ends while its place is away is told within a day, and no longer [W26]", async () => {
    const warned = vi.spyOn(console, "warn").mockReturnValue();
    const { tailnet, receiver } = await streamed();
    await arrived(tailnet, receiver);
    const before = (await receiver.received()).length;
    await receiver.behave({ status: 503 });
    await join(tailnet, new TestNode("alice"));
    await failed(tailnet, 1);
    await admin("DELETE", path(tailnet));
    await receiver.count(before + 2);
    await settled(tailnet);
    // What happens from now on is nothing to it.
    await join(tailnet, new TestNode("bob"));
    await receiver.behave({ status: 200 });
    await later(60_000, async () => {
      await runDurableObjectAlarm(authorityOf(tailnet));
      await forgotten(tailnet);
    });
    expect(kinds(await receiver.received()).at(-1)).toBe("stream.removed");

    const lost = new Receiver();
    await lost.behave({ status: 503 });
    await put(tailnet, lost);
    await failed(tailnet, 1);
    await admin("DELETE", path(tailnet));
    await lost.count(2);
    await settled(tailnet);
    await later(DAY_MS + 60_000, async () => {
      await runDurableObjectAlarm(authorityOf(tailnet));
      await forgotten(tailnet);
    });
    const all = await runInDurableObject(authorityOf(tailnet), (_, state) =>
      JSON.stringify(dump(state)["log_streams"]),
    );
    expect(all).toBe("[]");
    expect(warned.mock.calls.join()).toContain("could not be told for a day");
    warned.mockRestore();
  });

  test("that is turned to another place misses nothing that the place before did not take", async () => {
    const { tailnet, receiver } = await streamed();
    await arrived(tailnet, receiver);
    await receiver.behave({ status: 503 });
    await join(tailnet, new TestNode("alice"));
    await failed(tailnet, 1);
    const other = new Receiver();
    await put(tailnet, other);
    expect(kinds(await arrived(tailnet, other))).toEqual(["authkey.created", "node.joined", "stream.set"]);
  });

  test("is another one for another user, and the same in another manner", async () => {
    const { tailnet, receiver } = await streamed();
    await arrived(tailnet, receiver);
    const { id } = await row(tailnet);
    await put(tailnet, receiver, { compressionFormat: "gzip" });
    expect(await row(tailnet)).toMatchObject({ id });
    await put(tailnet, receiver, { user: "carol" });
    expect((await row(tailnet)).id).not.toBe(id);
  });

  test("is changed only as whoever changes it has seen it", async () => {
    const { tailnet, receiver } = await streamed();
    const [authority, { id }] = [authorityOf(tailnet), await row(tailnet)];
    const before = valueOf(await authority.logStream());
    const manner = { compressionFormat: "gzip", uploadPeriodMinutes: 7 } as const;
    for (const refusal of [
      await authority.changeLogStream(BY_TEST, "sAnother", manner),
      await authority.setLogStream(BY_TEST, "sAnother", { ...before, id: "sNew" }),
      await authority.setLogStream(BY_TEST, null, { ...before, id: "sNew" }),
    ])
      expect(refusal).toMatchObject({ ok: false, error: { code: "try_again" } });
    expect(valueOf(await authority.logStream())).toMatchObject({ id, uploadPeriodMinutes: 0 });
    await arrived(tailnet, receiver);
  });

  test("that others take the place of, time and again, is told of its end; and another can be set [W26]", async () => {
    const { tailnet, receiver } = await streamed();
    await arrived(tailnet, receiver);
    await receiver.behave({ status: 503 });
    const { id } = await row(tailnet);
    const place = new Receiver();
    await place.behave({ status: 503 });
    await later(60_000, () => put(tailnet, place, { token: "first" }));
    for (let i = 0; i <= 9; i++) expect((await put(tailnet, place, { token: `token-${i}` })).status).toBe(200);
    expect((await admin("DELETE", path(tailnet))).status).toBe(200);
    const kept = await rows(tailnet);
    expect([kept.length, kept.some((each) => each["id"] === id)]).toEqual([8, true]);
  });

  test("of a tailnet that is deleted is told of that, and is forgotten [W26]", async () => {
    const { tailnet, receiver } = await streamed();
    await arrived(tailnet, receiver);
    expect((await admin("DELETE", `/api/v2/tailnet/${tailnet}`)).status).toBe(200);
    await forgotten(tailnet);
    expect(kinds(await receiver.received())).toContain("tailnet.deleted");
    expect(await rows(tailnet)).toEqual([]);
  });
});
