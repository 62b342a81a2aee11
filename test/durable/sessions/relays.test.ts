/** The map of relays that is asked for at an address [X21]: it reaches clients' first maps, and whatever the address answers does no harm. */

import { runDurableObjectAlarm } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { evicted } from "../../support/workerd/evicted.ts";
import type { ClientStream, ControlClient } from "../../support/workerd/control-client.ts";
import { again, controlScene, inObject, type ControlScene } from "../../support/workerd/control-scene.ts";
import { sessions } from "../../support/workerd/control.ts";
import { inItForThisTest } from "../../support/workerd/for-this-test.ts";
import { eventually } from "../../support/eventually.ts";

const DISCO = `discokey:${"d1".repeat(32)}`;

const mapOf = (HostName: string): object => ({
  Regions: { 900: { RegionID: 900, RegionCode: "home", Nodes: [{ Name: "900a", RegionID: 900, HostName }] } },
});
const [ONE, TWO] = [mapOf("one.test"), mapOf("two.test")];

let scene: ControlScene;
let count = 0;
let url = "";
/** What was logged of the address. */
let warnings: string[] = [];

async function outside(method: string, body: string | null = null, status = 200): Promise<string> {
  const response = await fetch(url, { method, headers: { "x-status": String(status) }, body });
  return response.text();
}

/** Has the address answer so from now on. */
async function answers(body: unknown, status = 200): Promise<void> {
  await outside("PUT", typeof body === "string" ? body : JSON.stringify(body), status);
}

const asked = async (): Promise<number> => Number(await outside("POST"));

/** Has the object ask there, as if the deployment said so. */
async function configure(to: string): Promise<void> {
  await inItForThisTest(sessions(scene.tailnet, "socket"), ({ relays }) => relays, { url: to });
}

async function hibernate(): Promise<void> {
  await evicted(sessions(scene.tailnet, "socket"));
  await configure(url);
}

/** Has the object believe that it asked, and was answered, a day ago; it hibernates then. */
async function aDayLater(): Promise<void> {
  await inObject(scene, (_, { storage: { kv } }) => {
    kv.put("relays", { ...kv.get<object>("relays"), had: Date.now() - 86_400_000, tried: Date.now() - 86_400_000 });
  });
  await hibernate();
}

interface Told {
  readonly stream: ClientStream;
  /** The relays in its first map, or null. */
  readonly relays: unknown;
}

async function told(client: ControlClient, fields: object = {}): Promise<Told> {
  const stream = client.map({ DiscoKey: DISCO, ...fields });
  const first = JSON.parse(await stream.frame()) as { Node: unknown; DERPMap?: unknown };
  expect([stream.status, first.Node]).toEqual([200, expect.anything()]);
  return { stream, relays: first.DERPMap ?? null };
}

/** The relays in a map that no news follow. */
async function toldOnce(): Promise<unknown> {
  return (await told(await again(scene), { Stream: false })).relays;
}

/** The relays that an open stream is told of next. */
async function toldLater(stream: ClientStream): Promise<unknown> {
  for (;;) {
    const message = JSON.parse(await stream.frame()) as { DERPMap?: unknown };
    if (message.DERPMap === undefined) continue;
    // Such news is of relays alone.
    expect(Object.keys(message)).toEqual(["DERPMap"]);
    return message.DERPMap;
  }
}

beforeEach(async () => {
  url = `https://outside.test/map-${count++}?secret`;
  warnings = [];
  vi.spyOn(console, "warn").mockImplementation((...parts: unknown[]) => {
    const text = parts.join(" ");
    if (text.includes("DERP_MAP_URL")) warnings.push(text);
  });
  scene = await controlScene();
  await configure(url);
});

afterEach(() => {
  vi.restoreAllMocks();
});

describe("the relays of an address", () => {
  test("are in a client's first map, asked for once, and kept while the object is evicted and the address is down", async () => {
    await answers({ ...ONE, Comment: "what is not known is passed over" });
    expect((await told(scene.client)).relays).toEqual(ONE);
    await answers("down", 503);
    await hibernate();
    expect(await toldOnce()).toEqual(ONE);
    expect([await asked(), warnings]).toEqual([1, []]);
  });

  test("are not told to who reaches no peer by itself [M17]", async () => {
    await answers(ONE);
    expect((await told(scene.client, { DiscoKey: "" })).relays).toBeNull();
    expect(await asked()).toBe(0);
  });

  test.each([
    ["what is too large", () => answers({ ...ONE, More: "m".repeat(300_000) }), "more than 262144 bytes"],
    ["what is no JSON", () => answers("{"), "SyntaxError"],
    ["what is no map", () => answers({ Regions: { 900: {} } }), "map.Regions.900.RegionID: an integer expected"],
    ["a map of nothing", () => answers({ error: "busy" }), "it has no region"],
    ["a refusal", () => answers(ONE, 503), "answered 503"],
    ["an answer that leads elsewhere", () => answers(ONE, 302), "answered 302"],
  ])("are none after %s, and it is said why and what to set, but not the address", async (_what, answer, why) => {
    await answer();
    expect((await told(scene.client)).relays).toBeNull();
    expect([await asked(), warnings]).toEqual([1, [expect.stringContaining(why)]]);
    expect(warnings[0]).toContain("set DERP_MAP");
    expect(warnings[0]).not.toContain("secret");
  });

  test("are not asked for again at once where they are not to be had, which is said once; all hear when they are", async () => {
    await answers("down", 503);
    const { stream } = await told(scene.client);
    expect([await toldOnce(), await asked(), warnings.length]).toEqual([null, 1, 1]);
    await aDayLater();
    expect([await toldOnce(), await asked(), warnings.length]).toEqual([null, 2, 1]);
    await answers(ONE);
    await aDayLater();
    expect(await toldOnce()).toEqual(ONE);
    expect(await toldLater(stream)).toEqual(ONE);
  });

  test("are asked for again at an alarm once they are old, and open streams of a hibernating object hear what has changed", async () => {
    await answers(ONE);
    const { stream } = await told(scene.client);
    await answers(TWO);
    await runDurableObjectAlarm(sessions(scene.tailnet, "socket"));
    expect(await asked()).toBe(1);
    await aDayLater();
    await runDurableObjectAlarm(sessions(scene.tailnet, "socket"));
    expect(await toldLater(stream)).toEqual(TWO);
    await answers({}, 200);
    await aDayLater();
    await runDurableObjectAlarm(sessions(scene.tailnet, "socket"));
    await eventually(() => expect(warnings).toHaveLength(1));
    expect(warnings[0]).toContain("goes on");
    expect(await toldOnce()).toEqual(TWO);
  });

  test("are waited for a moment only, and told of when they come after all", async () => {
    await answers("", 0);
    await inItForThisTest(sessions(scene.tailnet, "socket"), ({ relays }) => relays, { waitMs: 20 });
    const { stream, relays } = await told(scene.client);
    expect([relays, await asked()]).toEqual([null, 1]);
    await answers(ONE);
    expect(await toldLater(stream)).toEqual(ONE);
    expect(warnings).toEqual([]);
  });
});
