/** What is sealed under an older storage key is sealed anew, and counted until it is [W36]. */

import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { boxStandings, sealSecret, type SealedFor } from "../../../src/durable/sealed.ts";
import { eventually } from "../../support/eventually.ts";
import { admin, authorityOf, makeTailnet } from "../../support/workerd/control.ts";
import { arrived } from "../../support/workerd/log-streams.ts";
import { settled } from "../../support/workerd/record.ts";
import { forThisTest } from "../../support/workerd/for-this-test.ts";
import { Receiver } from "../../support/workerd/hooks.ts";
import { isSignedBy, makeHook, on } from "../../support/workerd/webhooks.ts";

const USUAL = env.STORAGE_KEY ?? "";
const OLD = `storagekey:${"0d".repeat(32)}`;
const GONE = `storagekey:${"0e".repeat(32)}`;
const BOXES = `SELECT address AS box FROM webhooks UNION ALL SELECT box FROM webhook_secrets
  UNION ALL SELECT address FROM log_streams UNION ALL SELECT box FROM log_streams`;

beforeEach(() => {
  vi.spyOn(console, "warn").mockReturnValue();
});

afterEach(() => {
  vi.restoreAllMocks();
});

function boxes(tailnet: string): Promise<Uint8Array[]> {
  return runInDurableObject(authorityOf(tailnet), (_, { storage }) =>
    storage.sql
      .exec<{ box: ArrayBuffer }>(BOXES)
      .toArray()
      .map(({ box }) => new Uint8Array(box)),
  );
}

/** How the boxes of a tailnet stand to those keys. */
async function standings(tailnet: string, keys: string): Promise<string[]> {
  return (await boxes(tailnet)).map(boxStandings({ STORAGE_KEY: keys }));
}

async function sealing(tailnet: string): Promise<[number, number]> {
  const watched = await authorityOf(tailnet).watched();
  if (!watched.ok) throw new Error(watched.error.message);
  return [watched.value.sealedOlder, watched.value.sealedLost];
}

/** A tailnet with a webhook and a stream, made while the storage key was that one. */
async function sealedUnder(key: string) {
  forThisTest(env, { STORAGE_KEY: key });
  const [tailnet, collector] = [await makeTailnet(), new Receiver()];
  const hook = await makeHook(tailnet, []);
  const stream = { destinationType: "ndjson", url: collector.url, token: "token-of-the-collector" };
  expect((await admin("PUT", `/api/v2/tailnet/${tailnet}/logging/configuration/stream`, stream)).status).toBe(200);
  // Whatever else would wake the object later is over.
  await arrived(tailnet, collector);
  await settled(tailnet);
  return { tailnet, hook, collector };
}

test("an object that wakes with a newer key seals all anew, after which the old one can go", async () => {
  const { tailnet, hook, collector } = await sealedUnder(OLD);
  expect(await standings(tailnet, OLD)).toEqual(["newest", "newest", "newest", "newest"]);
  expect(await sealing(tailnet)).toEqual([0, 0]);
  forThisTest(env, { STORAGE_KEY: `${USUAL} ${OLD}` });
  await evictDurableObject(authorityOf(tailnet));
  // The first act tells how many there are, and is what has them sealed anew.
  expect(await sealing(tailnet)).toEqual([4, 0]);
  await eventually(async () => expect(await sealing(tailnet)).toEqual([0, 0]));
  forThisTest(env, { STORAGE_KEY: USUAL });
  await evictDurableObject(authorityOf(tailnet));
  expect(await standings(tailnet, USUAL)).toEqual(["newest", "newest", "newest", "newest"]);
  // They are what they were.
  await admin("POST", on(hook, "/test"));
  const [received] = await hook.receiver.count(1);
  expect(received !== undefined && isSignedBy(hook.secret, received)).toBe(true);
  const streamed = (await collector.count(2)).at(-1);
  expect(streamed?.headers["authorization"]).toBe("Bearer token-of-the-collector");
});

test("where nobody asks it anything, its alarm does", async () => {
  const { tailnet } = await sealedUnder(OLD);
  forThisTest(env, { STORAGE_KEY: `${USUAL} ${OLD}` });
  await evictDurableObject(authorityOf(tailnet));
  await runInDurableObject(authorityOf(tailnet), async (_, { storage }) => {
    await storage.setAlarm(Date.now() + 1000);
  });
  await runDurableObjectAlarm(authorityOf(tailnet));
  await eventually(async () => expect(new Set(await standings(tailnet, USUAL))).toEqual(new Set(["newest"])));
});

test("what is under a key that is gone is counted as that, and left as it is", async () => {
  const { tailnet, hook } = await sealedUnder(GONE);
  const before = await boxes(tailnet);
  forThisTest(env, { STORAGE_KEY: `${USUAL} ${OLD}` });
  await evictDurableObject(authorityOf(tailnet));
  expect(await sealing(tailnet)).toEqual([0, 4]);
  expect(await boxes(tailnet)).toEqual(before);
  // Its address is not known any more, but for the host.
  expect((await admin("GET", on(hook))).json["endpointUrl"]).toBe(`https://${hook.receiver.host}/…`);
});

test("a box that was changed meanwhile is not replaced by what it was", async () => {
  const { tailnet, hook } = await sealedUnder(OLD);
  forThisTest(env, { STORAGE_KEY: `${USUAL} ${OLD}` });
  await evictDurableObject(authorityOf(tailnet));
  const what: SealedFor = { purpose: "webhook", tailnet, subject: hook.id };
  const other = await sealSecret({ STORAGE_KEY: USUAL }, what, "another-secret");
  if (!other.ok) throw new Error(other.error.message);
  await runInDurableObject(authorityOf(tailnet), async (instance, { storage }) => {
    const { resealer } = (
      instance as unknown as { readonly acts: { readonly resealer: { send: () => Promise<void> } } }
    ).acts;
    const sending = resealer.send();
    storage.sql.exec("UPDATE webhook_secrets SET box = ?", other.value);
    await sending;
  });
  await admin("POST", on(hook, "/test"));
  const [received] = await hook.receiver.count(1);
  expect(received !== undefined && isSignedBy("another-secret", received)).toBe(true);
});
