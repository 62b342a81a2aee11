/** The product's Worker under measurement: its owner's API, tailnets of any size, and locks over them. All through its own routes. */

import { readFileSync, readdirSync, existsSync } from "node:fs";
import { join } from "node:path";
import { newControlKey } from "../../../scripts/control-key.mjs";
import { nodeKdf } from "../../../src/node/native-crypto.ts";
import { TKA_PATHS, initBeginResponse } from "../../../src/protocol/index.ts";
import {
  KEY_25519,
  aumHash,
  encodeAum,
  makeGenesis,
  signDirect,
  type Aum,
  type State,
} from "../../../src/tka/index.ts";
import { ROOT } from "../root.ts";
import { BenchNode } from "./bench-node.ts";
import { bundle } from "./bundle.ts";
import { HANDS, each } from "./each.ts";
import { ChainMaker } from "./chain-maker.ts";
import { Http, expectOk, type Ask } from "./http.ts";
import { Runtime } from "./runtime.ts";
import { settingsOf, type Bindings } from "./worker-settings.ts";

const CONFIG = "wrangler.toml";
const TOKEN = "owner-token-of-the-benchmark";
/** D1's migrations, in order, each a list of statements. */
function d1Statements(): string[] {
  const folder = join(ROOT, "migrations");
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).filter((name) => name.endsWith(".sql"));
  return files.sort().flatMap((name) => readFileSync(join(folder, name), "utf8").split("--> statement-breakpoint"));
}

export class Plane {
  readonly runtime: Runtime;
  /** True where the Worker consumes queues. */
  readonly hasQueues: boolean;
  #http: Http;

  private constructor(runtime: Runtime, hasQueues: boolean) {
    this.runtime = runtime;
    this.hasQueues = hasQueues;
    this.#http = new Http(runtime.url, HANDS);
  }

  /** Starts the Worker whose entry that is: the product's own, unless a benchmark has one that counts. Native clients come in by that port. */
  static async start(entry?: string, native?: number): Promise<Plane> {
    const settings = settingsOf(CONFIG);
    const env: Bindings = {
      ...settings.env,
      OWNER_TOKEN: { type: "text", value: TOKEN },
      CONTROL_NOISE_KEY: { type: "text", value: newControlKey() },
      DERP_MAP_URL: { type: "text", value: "" },
    };
    const tcp = native === undefined ? [] : [{ type: "connect" as const, protocol: "tcp" as const, port: native }];
    const triggers = [...(settings.triggers ?? []), ...tcp];
    const runtime = await Runtime.start(bundle(CONFIG, entry), { ...settings, triggers, env });
    for (const [binding, { type }] of Object.entries(env)) {
      if (type !== "d1") continue;
      const database = await runtime.miniflare.getD1Database(binding, settings.name);
      for (const statement of d1Statements()) await database.prepare(statement).run();
    }
    return new Plane(runtime, (settings.triggers ?? []).length > 0);
  }

  get url(): URL {
    return this.runtime.url;
  }

  get http(): Http {
    return this.#http;
  }

  /** Ends the process, does `meanwhile`, and starts another on the same storage. */
  async pause(meanwhile: () => void = () => undefined): Promise<void> {
    this.#http.close();
    await this.runtime.stop();
    meanwhile();
    await this.runtime.resume();
    this.#http = new Http(this.runtime.url, HANDS);
  }

  async admin(path: string, body: object): Promise<Record<string, unknown>> {
    const headers = { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" };
    const reply = await this.#http.ask({ path: `/api/v2/${path}`, headers, body: JSON.stringify(body) });
    return JSON.parse(expectOk(reply, path)) as Record<string, unknown>;
  }

  /** Reads by the admin API. */
  async read(path: string): Promise<Record<string, unknown>> {
    const headers = { authorization: `Bearer ${TOKEN}` };
    const reply = await this.#http.ask({ method: "GET", path: `/api/v2/${path}`, headers });
    return JSON.parse(expectOk(reply, path)) as Record<string, unknown>;
  }

  async tailnet(name: string): Promise<Tailnet> {
    const { id } = await this.admin("tailnets", { name });
    const create = { reusable: true, ephemeral: false, preauthorized: true, tags: [] };
    const { key } = await this.admin(`tailnet/${String(id)}/keys`, { capabilities: { devices: { create } } });
    return new Tailnet(this, String(id), String(key));
  }

  async close(): Promise<void> {
    this.#http.close();
    await this.runtime.close();
  }
}

export class Tailnet {
  readonly id: string;
  readonly nodes: BenchNode[] = [];
  /** Reusable. */
  readonly authKey: string;
  readonly #plane: Plane;

  constructor(plane: Plane, id: string, authKey: string) {
    this.#plane = plane;
    this.id = id;
    this.authKey = authKey;
  }

  /** Registers so many more nodes; the first of all is the signer. */
  async join(count: number): Promise<void> {
    const first = this.nodes.length;
    for (let i = 0; i < count; i++) this.nodes.push(new BenchNode(`node-${first + i}`, this.#plane));
    await each(count, (i) => this.node(first + i).register(this.authKey));
  }

  node(i: number): BenchNode {
    const node = this.nodes[i];
    if (node === undefined) throw new Error(`bench: there is no node ${i}`);
    return node;
  }

  /** Turns the lock on: the first node is the signer, and signs for all that have joined. */
  async lock(): Promise<LockedTailnet> {
    const signer = this.node(0);
    const key = { kind: KEY_25519, votes: 1n, publicKey: signer.lockKey.publicKey, meta: null } as const;
    const disablementValues = [nodeKdf(new Uint8Array(32))];
    const state = { lastAumHash: null, disablementValues, keys: [key], stateId1: 1n, stateId2: 2n };
    const genesis = makeGenesis(state, signer.lockKey);
    const begun = initBeginResponse(await signer.tka("initBegin", { GenesisAUM: encodeAum(genesis) }), "initBegin");
    const signatures = begun.NeedSignatures.map(({ NodeID, NodePublic, RotationPubkey }) => {
      const rotation = RotationPubkey.length === 0 ? null : RotationPubkey;
      return [String(NodeID), signDirect(NodePublic, rotation, signer.lockKey)] as const;
    });
    await signer.tka("initFinish", { Signatures: new Map(signatures) });
    return new LockedTailnet(signer, genesis, state);
  }
}

/** A tailnet's lock, and the signer that changes it. */
export class LockedTailnet {
  readonly signer: BenchNode;
  readonly #chain: ChainMaker;

  constructor(signer: BenchNode, genesis: Aum, state: State) {
    this.signer = signer;
    this.#chain = new ChainMaker(signer.lockKey, aumHash(genesis), state);
  }

  get head(): string {
    return this.#chain.head;
  }

  /** The head before the last change. */
  before = "";

  /** The signed request that sends the next AUM as a person's change. */
  nextChange(): Ask {
    this.before = this.#chain.head;
    return this.#request([this.#chain.next()], true);
  }

  #request(updates: readonly Aum[], Interactive: boolean): Ask {
    const MissingAUMs = updates.map(encodeAum);
    return this.signer.signed(TKA_PATHS.syncSend, { Head: this.#chain.head, MissingAUMs, Interactive });
  }

  /** Has the control plane take so many more AUMs at once, 1,900 at most. */
  async grow(count: number): Promise<void> {
    const ask = this.#request(this.#chain.many(count), false);
    expectOk(await this.signer.ask(ask), ask.path);
  }
}
