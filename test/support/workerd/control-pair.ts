/** Both ends of a client's connection in memory, frame by frame: the server's is restored from what it has saved whenever the test says so. */

import { ControlConnection, type Wire } from "../../../src/durable/control/connection.ts";
import type { ConnectionFacts } from "../../../src/durable/control/saved.ts";
import { ControlStream } from "../../../src/durable/control/stream.ts";
import type { MapSession } from "../../../src/durable/maps/session.ts";
import { noiseCrypto } from "../../../src/durable/control/native-noise.ts";
import { controlPublicKey, openInitiation, type Http2Event } from "../../../src/protocol/index.ts";
import type { NoiseTransport } from "../../../src/protocol/noise-transport.ts";
import { concatBytes, encodeUtf8 } from "../../../src/tka/index.ts";
import { NoiseInitiator } from "../noise-initiator.ts";
import { readFrames, type RawFrame } from "../http2-frames.ts";

const CONTROL = new Uint8Array(32).fill(7);
const RESPONSE_BYTES = 51;
const NOTHING = new Uint8Array(0);
export const NOW = 1_795_000_000_000;
const SESSION = {
  nodeId: 1,
  nodeKey: "nodekey:",
  shards: 0,
  epoch: "e",
  seq: 1,
  batch: null,
  awakening: 0,
  waiting: false,
  withheld: false,
  resumed: false,
  nudged: false,
} as unknown as MapSession;

/** A wire that keeps what it is given, and fails when it is told to. */
export class TestWire implements Wire {
  saved: Uint8Array = NOTHING;
  readonly sent: Uint8Array[] = [];
  failsToSave = false;
  failsToSend = false;

  save(bytes: Uint8Array): void {
    if (this.failsToSave) throw new Error("not saved");
    this.saved = bytes.slice();
  }

  send(bytes: Uint8Array): void {
    if (this.failsToSend) throw new Error("not sent");
    this.sent.push(bytes.slice());
  }
}

export class ControlPair {
  readonly wire: TestWire;
  readonly client: NoiseTransport;
  server: ControlConnection;
  #read: Uint8Array = NOTHING;

  private constructor(wire: TestWire, client: NoiseTransport, server: ControlConnection) {
    this.wire = wire;
    this.client = client;
    this.server = server;
  }

  static async open(): Promise<ControlPair> {
    const initiator = await NoiseInitiator.start(controlPublicKey(CONTROL, noiseCrypto));
    const opened = await openInitiation(initiator.initiation, CONTROL, noiseCrypto);
    const { response, state } = await opened.respond();
    const { machineKey } = opened;
    const times = { opened: NOW, heard: NOW };
    const place = { holder: "shared-1", placedFor: null, origin: "https://control.test" };
    const facts: ConnectionFacts = { machineKey, ...place, ...times, proven: false, sent: 0, taken: 0, ping: null };
    const wire = new TestWire();
    const server = ControlConnection.begin(wire, facts, response, state);
    const [first = NOTHING] = wire.sent.splice(0);
    const client = await initiator.finish(first.subarray(0, RESPONSE_BYTES));
    wire.sent.push(first.subarray(RESPONSE_BYTES));
    return new ControlPair(wire, client, server);
  }

  /** Goes on with a server that knows nothing but what was saved; false where it cannot. */
  restore(): boolean {
    const restored = ControlConnection.restore(this.wire, this.wire.saved);
    if (restored !== null) this.server = restored;
    return restored !== null;
  }

  /** Has the server take bytes of HTTP/2, and answer: `/map` by a map stream, all else by its path. */
  hear(bytes: Uint8Array): Http2Event[] {
    const events = this.server.receive(this.client.seal(bytes), NOW);
    for (const event of events) if (event.kind === "request") this.#answer(event.request.stream, event.request.path);
    this.server.flush();
    return events;
  }

  #answer(id: number, path: string): void {
    const { http2, streams } = this.server;
    this.server.begins(id);
    this.server.ends(id);
    if (path !== "/map") {
      http2.respond(id, 200, [["x-path", path]], encodeUtf8(path), true);
      return;
    }
    const standing = { sent: 0, received: 0, moved: NOW };
    const asked = { tailnet: "T", epoch: "e", admitted: 1, zstd: false, keepAlive: true };
    streams.set(id, new ControlStream({ id, ...asked, session: SESSION, ...standing }));
    http2.respond(id, 200, [], null, false);
  }

  /** Tells all map streams the same bytes. */
  tell(bytes: Uint8Array): void {
    for (const [id, stream] of this.server.streams) {
      stream.told(SESSION, bytes.length, NOW);
      this.server.http2.write(id, bytes, false);
    }
    this.server.flush();
  }

  /** The frames that the client reads. Throws where a record does not open: one was lost, or came twice. */
  frames(): RawFrame[] {
    this.#read = concatBytes(this.#read, this.client.receive(concatBytes(...this.wire.sent.splice(0))));
    const frames = readFrames(this.#read);
    this.#read = NOTHING;
    return frames;
  }
}
