/**
 * `npm run bench -- counts`: what each act costs in operations that are billed, counted at the Worker's bindings and at its cursors (see
 * workers/counted). What the bill is worked out from (bill/) is this, written down.
 */

import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { CAPABILITY_VERSION, MAP_PATH } from "../../src/protocol/index.ts";
import { signDirect } from "../../src/tka/index.ts";
import { bucketOfText } from "../../src/durable/seating/layout.ts";
import { countClients } from "./native-counts.ts";
import { actOf, type Act } from "./bill/act.ts";
import type { BenchOptions } from "./options.ts";
import { clock } from "./clock.ts";
import { expectOk } from "./plane/http.ts";
import type { BenchNode, Session } from "./plane/bench-node.ts";
import type { Crowd } from "./plane/crowd.ts";
import { Plane, type LockedTailnet, type Tailnet } from "./plane/plane.ts";
import { firstMap, waitingNodes } from "./plane/waiting.ts";

const ENTRY = "test/bench/workers/counted/index.ts";
/** For the queues' batches and the record to be done with. */
const SETTLE_MS = 4000;
/** After so long what is pending would be sent again: the authority's alarm has rung. */
const ALARM_MS = 36_000;
/** Objects that small tailnets share: src/durable/seating/layout.ts. */
const SHARED = 16;
const NS_PER_MS = 1e6;

const TITLES = {
  quietMinute: "a minute in which nothing happens, all nodes on sockets",
  change: "a change of the lock, told to all nodes",
  changeAlone: "a change of the lock, and the half minute after it, in which the authority's alarm rings",
  follow: "a node takes the change: sync/offer, and its head on the socket",
  join: "a node joins, and waits for a signature",
  sign: "a node is signed",
  resume: "a node comes back on a socket, and goes on in its session",
  begin: "a node begins a session on a socket, with a full map",
  socketsAlarm: "an alarm of an object that holds the sockets of one tailnet",
  stream: "a node opens a stream, and goes on in its session",
  streamsMinute: "a minute in which nothing happens, some nodes on streams",
  clientJoin: "a Tailscale client registers, and hangs up",
  clientReturn: "a Tailscale client comes back: a connection, and its map stream",
  clientUpdate: "a Tailscale client tells of other endpoints, and its peers are told",
  clientsAlarm: "an alarm of an object that holds the connections of one tailnet's clients: keep-alives",
  clientsMinutes: "five minutes in which nothing happens, all clients connected",
} as const;
type ActName = keyof typeof TITLES;

type Tally = Readonly<Record<string, number>>;

export class Counter {
  readonly #plane: Plane;
  readonly acts: Record<string, Act> = {};

  constructor(plane: Plane) {
    this.#plane = plane;
  }

  async #take(): Promise<Tally> {
    return JSON.parse(expectOk(await this.#plane.http.ask({ path: "/bench/tally" }), "tally")) as Tally;
  }

  /** Does `act` so many times, waits for what follows, prints what was counted for one, and keeps it under `name`. */
  async count(name: ActName, times: number, act: (i: number) => Promise<unknown>, settleMs = SETTLE_MS): Promise<void> {
    await this.#take();
    const { pids } = this.#plane.runtime;
    const before = clock.of(pids);
    for (let i = 0; i < times; i++) await act(i);
    await sleep(settleMs);
    const cpuMs = (clock.of(pids) - before) / NS_PER_MS;
    const tally = await this.#take();
    this.acts[name] = actOf(tally, cpuMs, times);
    console.log(`\n${TITLES[name]}${times > 1 ? `, each of ${times}` : ""}`);
    for (const [what, count] of Object.entries({ ...tally, [`${clock.name}, ms`]: cpuMs }))
      console.log(`  ${what.padEnd(44)}${(count / times).toFixed(2).padStart(10)}`);
  }
}

/** A tailnet whose first nodes wait on sockets; the others have yet to come. */
interface Scene {
  readonly plane: Plane;
  readonly tailnet: Tailnet;
  readonly lock: LockedTailnet;
  readonly crowd: Crowd;
  readonly counter: Counter;
}

/** A change of the lock; waits until all have heard of it. */
async function change({ plane, lock, crowd }: Scene): Promise<void> {
  const ask = lock.nextChange();
  await crowd.tell(async () => expectOk(await plane.http.ask(ask), ask.path));
}

/** A node that has heard of a change asks for it, and says on its socket that it has it. */
async function follow({ tailnet, lock, crowd }: Scene, i: number): Promise<void> {
  const node = tailnet.node(i);
  await node.tka("syncOffer", { Head: lock.before, Ancestors: [] });
  crowd.say(i, JSON.stringify({ Version: CAPABILITY_VERSION, NodeKey: node.nodeKey, TKAHead: lock.head }));
  await sleep(100);
}

async function countChanges(scene: Scene, times: number): Promise<void> {
  const { counter } = scene;
  await counter.count("quietMinute", 1, () => sleep(60_000), 0);
  await counter.count("change", times, async () => {
    await change(scene);
    await sleep(1500);
  });
  await counter.count("changeAlone", 1, () => change(scene), ALARM_MS);
  await counter.count("follow", times, (i) => follow(scene, i));
}

async function countNodes({ counter, tailnet, lock, crowd }: Scene, times: number): Promise<void> {
  const first = tailnet.nodes.length;
  await counter.count("join", times, async () => {
    await tailnet.join(1);
    await sleep(1500);
  });
  await counter.count("sign", times, async (i) => {
    const { nodeKey, lockKey } = tailnet.node(first + i);
    await lock.signer.tka("sign", { Signature: signDirect(nodeKey, lockKey.publicKey, lock.signer.lockKey) });
    await sleep(1500);
  });
  const { session } = await firstMap(tailnet.node(first));
  await counter.count("resume", times, async (i) => {
    await crowd.open([() => tailnet.node(first + i).seat(session)]);
  });
  await counter.count("begin", times, (i) => firstMap(tailnet.node(first + i)));
}

async function countAlarm({ plane, tailnet, counter }: Scene): Promise<void> {
  const shard = `shared-${bucketOfText(tailnet.id, SHARED)}`;
  await counter.count("socketsAlarm", 1, async () => {
    expectOk(await plane.http.ask({ path: `/bench/alarm/${shard}` }), "alarm");
  });
}

/** Opens a stream that goes on, and leaves it open. */
function openStream(node: BenchNode, session: Session): Promise<void> {
  const { path, headers = {}, body = "" } = node.signed(MAP_PATH, { Stream: true, KeepAlive: true, ...session });
  return new Promise((resolve, reject) => {
    const sent = request(new URL(path, node.url), { method: "POST", headers, agent: false }, (answer) => {
      answer.on("data", () => {
        resolve();
      });
      answer.on("error", () => undefined);
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

/** Nodes that have said nothing of a head: who says that it has none any more is an event. */
async function countStreams({ counter, tailnet }: Scene, times: number): Promise<void> {
  const { session } = await firstMap(tailnet.node(1));
  await counter.count("stream", times, (i) => openStream(tailnet.node(times + 1 + i), session));
  await counter.count("streamsMinute", 1, () => sleep(60_000), 0);
}

export async function benchCounts({ isQuick }: BenchOptions): Promise<void> {
  const [nodes, times] = isQuick ? [12, 3] : [100, 12];
  const plane = await Plane.start(ENTRY);
  try {
    const tailnet = await plane.tailnet("counts.test");
    await tailnet.join(nodes);
    const lock = await tailnet.lock();
    const crowd = await waitingNodes(tailnet);
    const scene = { plane, tailnet, lock, crowd, counter: new Counter(plane) };
    await countChanges(scene, times);
    await countNodes(scene, times);
    await countAlarm(scene);
    await countStreams(scene, times);
    await countClients(plane, scene.counter, nodes, times);
    // As bill/counted.ts has it.
    console.log(`\n${JSON.stringify(scene.counter.acts, null, 2)}`);
    crowd.close();
  } finally {
    await plane.close();
  }
}
