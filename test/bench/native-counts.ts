/** What Tailscale clients' acts cost in operations that are billed: connections, map streams, keep-alives. */

import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { noiseCrypto } from "../../src/durable/control/native-noise.ts";
import { bucketOfText } from "../../src/durable/seating/layout.ts";
import { CAPABILITY_VERSION, MAP_PATH, REGISTER_PATH } from "../../src/protocol/index.ts";
import { nodeKeyFromRaw, type NodeKey } from "../../src/tka/index.ts";
import { NativeConnection, firstFrame } from "../support/native-http2.ts";
import type { Counter } from "./counts.ts";
import { each } from "./plane/each.ts";
import { expectOk } from "./plane/http.ts";
import type { Plane } from "./plane/plane.ts";

/** Objects that small tailnets share: src/durable/seating/layout.ts. */
const SHARED = 16;

class NativeNode {
  readonly machine = noiseCrypto.newKeyPair();
  readonly nodeKey: NodeKey = nodeKeyFromRaw(new Uint8Array(randomBytes(32)));
  readonly #plane: Plane;
  connection: NativeConnection | null = null;

  constructor(plane: Plane) {
    this.#plane = plane;
  }

  #fields(more: object): object {
    return { Version: CAPABILITY_VERSION, NodeKey: this.nodeKey, ...more };
  }

  async connect(): Promise<NativeConnection> {
    this.connection?.close();
    return (this.connection = await NativeConnection.open(this.#plane.url, this.machine));
  }

  /** Registers, and hangs up. */
  async register(hostname: string, authKey: string): Promise<void> {
    const Hostinfo = { Hostname: hostname, OS: "linux", IPNVersion: "bench" };
    await (await this.connect()).ask(REGISTER_PATH, this.#fields({ Auth: { AuthKey: authKey }, Hostinfo }));
    this.connection?.close();
  }

  /** Connects, and opens a map stream. */
  async listen(): Promise<void> {
    const asked = this.#fields({ Stream: true, KeepAlive: true, Compress: "zstd" });
    await firstFrame((await this.connect()).request(MAP_PATH, asked));
  }

  async update(port: number): Promise<void> {
    const Endpoints = [`192.0.2.1:${port}`];
    const asked = this.#fields({ OmitPeers: true, Endpoints, EndpointTypes: [1] });
    await this.connection?.ask(MAP_PATH, asked);
  }
}

export async function countClients(plane: Plane, counter: Counter, nodes: number, times: number): Promise<void> {
  const tailnet = await plane.tailnet("clients.test");
  const clients = Array.from({ length: nodes }, () => new NativeNode(plane));
  await each(nodes, (i) => clients[i]?.register(`client-${i}`, tailnet.authKey) ?? Promise.resolve());
  await each(nodes, (i) => clients[i]?.listen() ?? Promise.resolve());
  const newcomer = new NativeNode(plane);
  await counter.count("clientJoin", 1, () => newcomer.register("newcomer", tailnet.authKey));
  await counter.count("clientReturn", times, (i) => clients[i]?.listen() ?? Promise.resolve());
  await counter.count("clientUpdate", times, async (i) => {
    await clients[i]?.update(1000 + i);
    await sleep(1500);
  });
  const shard = `shared-${bucketOfText(tailnet.id, SHARED)}`;
  await counter.count("clientsAlarm", 1, async () => {
    expectOk(await plane.http.ask({ path: `/bench/alarm/${shard}` }), "alarm");
  });
  await counter.count("clientsMinutes", 1, () => sleep(300_000), 0);
  for (const client of clients) client.connection?.close();
}
