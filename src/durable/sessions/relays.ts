/**
 * Where Tailscale's clients find relays: the map that the deployment gives (derp-map.ts), or the one that is had from the address it names. A client
 * without any does not come up, so a first map waits a moment where none is known yet.
 *
 * Rule [X21]: the last good map from an address is kept, with when it was had and tried; it is asked for again when it is some hours old, at an alarm or
 *             when a client comes, and never oftener than every few minutes. Nobody waits for it who can be given the one before.
 */

import { ShapeError, readDerpMap } from "../../protocol/index.ts";
import { concatBytes, decodeUtf8 } from "../../tka/index.ts";
import { derpMapOf } from "./derp-map.ts";
import type { ObjectsEnv } from "../env.ts";
import { log } from "../log.ts";
import { SharedText } from "../maps/text.ts";
import type { MapConfig } from "../maps/snapshot.ts";

/** Milliseconds after which a map is asked for again, and between tries where it cannot be had. */
const OLD_MS = 6 * 3_600_000;
const RETRY_MS = 5 * 60_000;
/** Milliseconds for an answer, and for which first maps wait for one. */
const FETCH_MS = 10_000;
const WAIT_MS = 3000;
/** Bytes of a map; Tailscale's own has some 40,000. */
const MOST_BYTES = 256 * 1024;
/** Characters of a reason that are logged. */
const MOST_WHY = 200;
const STORED = "relays";

/** What is stored of the address. Times in milliseconds since the epoch. */
interface Kept {
  readonly url: string;
  /** The last good map, as JSON, or null; and when it was had. */
  readonly json: string | null;
  readonly had: number;
  /** When it was last asked for, and whether that failed. */
  readonly tried: number;
  readonly failed: boolean;
}

/** The body, if it is not too large. Throws. */
async function textOf(body: ReadableStream<Uint8Array> | null): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Whoever leaves the loop early cancels the rest.
  for await (const chunk of body ?? []) {
    size += chunk.length;
    if (size > MOST_BYTES) throw new Error(`more than ${MOST_BYTES} bytes`);
    chunks.push(chunk);
  }
  const text = decodeUtf8(concatBytes(...chunks));
  if (text === null) throw new Error("no UTF-8");
  return text;
}

/** Asks for a map, and gives it as JSON. The answer is attacker-controlled: it is somebody else's. Throws. */
async function askFor(url: string, signal: AbortSignal): Promise<string> {
  if (!/^https?:/.test(url) || !URL.canParse(url)) throw new Error("not an address");
  // An answer that leads elsewhere is none: the deployment has said whom to ask.
  const response = await fetch(url, { redirect: "manual", signal });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`answered ${response.status}`);
  }
  const value: unknown = JSON.parse(await textOf(response.body));
  const json = readDerpMap(value, "map");
  if (json === readDerpMap({}, "map")) throw new ShapeError("map: it has no region");
  return json;
}

export class Relays implements MapConfig {
  readonly #ctx: DurableObjectState;
  readonly #given: SharedText | null;
  readonly #tell: (map: SharedText) => void;
  /** The address to ask; empty for none. */
  url: string;
  #kept: Kept | null = null;
  #map: SharedText | null = null;
  /** The end of the wait for a map that was asked for. */
  #waiting: Promise<unknown> = Promise.resolve();
  waitMs: number = WAIT_MS;

  /** `tell` is given each map that is another than before. */
  constructor(ctx: DurableObjectState, env: ObjectsEnv, tell: (map: SharedText) => void) {
    this.#ctx = ctx;
    this.#tell = tell;
    const given = derpMapOf(env);
    const json = given.ok ? given.value : null;
    this.#given = json === null ? null : new SharedText(json);
    // Where what is given cannot be read, no map is served in the first place.
    this.url = given.ok && json === null ? (env.DERP_MAP_URL ?? "") : "";
  }

  /** Go's `tailcfg.DERPMap` as JSON, or null where there is none. */
  get derpMap(): SharedText | null {
    if (this.#given !== null || this.url === "") return this.#given;
    const { json } = this.#read();
    if (this.#map?.text !== json) this.#map = json === null ? null : new SharedText(json);
    return this.#map;
  }

  /** What is kept of the address; of another one nothing holds. */
  #read(): Kept {
    this.#kept ??= this.#ctx.storage.kv.get<Kept>(STORED) ?? null;
    if (this.#kept?.url === this.url) return this.#kept;
    return { url: this.url, json: null, had: 0, tried: 0, failed: false };
  }

  #keep(kept: Kept): void {
    this.#kept = kept;
    this.#ctx.storage.kv.put(STORED, kept);
  }

  /** Asks for the map where it is due, and waits where there is none at all: for a moment, and once in some minutes. Never rejects. */
  async ready(now: number): Promise<void> {
    if (this.#given !== null || this.url === "") return;
    const kept = this.#read();
    const isDue = kept.json === null || kept.had <= now - OLD_MS;
    if (isDue && kept.tried <= now - RETRY_MS) {
      this.#keep({ ...kept, tried: now });
      this.#begin();
    }
    if (this.derpMap === null) await this.#waiting;
  }

  #begin(): void {
    const asked = this.#ask();
    this.#ctx.waitUntil(asked);
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const timer = setTimeout(resolve, this.waitMs);
    this.#waiting = Promise.race([asked, promise]).finally(() => {
      clearTimeout(timer);
    });
  }

  /** Never rejects. */
  async #ask(): Promise<void> {
    const { url } = this;
    const abort = new AbortController();
    const timer = setTimeout(() => {
      abort.abort(new Error("no answer in time"));
    }, FETCH_MS);
    try {
      const json = await askFor(url, abort.signal);
      const before = this.#read();
      if (url !== this.url) return;
      this.#keep({ ...before, json, had: Date.now(), failed: false });
      const { derpMap } = this;
      if (json !== before.json && derpMap !== null) this.#tell(derpMap);
    } catch (error) {
      const before = this.#read();
      if (!before.failed) warn(error, before);
      this.#keep({ ...before, failed: true });
    } finally {
      // A pending timer would keep the object from hibernating.
      clearTimeout(timer);
    }
  }
}

/** The address itself is not logged: there may be a secret in it. */
function warn(error: unknown, { json, had }: Kept): void {
  const why = String(error).slice(0, MOST_WHY);
  const now =
    json === null
      ? "clients are told of no relays, and `tailscale up` waits for one: set DERP_MAP, or another DERP_MAP_URL, as docs/native-clients.md says"
      : `the map of ${new Date(had).toISOString()} goes on`;
  log.warn(`the map of DERP_MAP_URL cannot be had; ${now}; it is tried again`, { why });
}
