/** Crowds: the nodes of a tailnet on their sockets, and as many bare sockets over as many objects. */

import type { Baseline } from "./baseline.ts";
import type { BenchNode, Session } from "./bench-node.ts";
import { Crowd } from "./crowd.ts";
import { expectOk } from "./http.ts";
import { CAPABILITY_VERSION } from "../../../src/protocol/index.ts";
import { WebSocket } from "ws";
import type { Tailnet } from "./plane.ts";

/** Where a session stands after its first map, and how many characters that had. */
export interface Opened {
  readonly session: Session;
  readonly characters: number;
}

/** Opens a node's session from its beginning, and takes its first map: pieces are acknowledged. */
export async function firstMap(node: BenchNode): Promise<Opened> {
  const { url, protocol = "", headers = {}, hello = "" } = node.seat();
  const socket = new WebSocket(url, [protocol], { headers });
  await new Promise((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", reject);
  });
  const opened = new Promise<Opened>((resolve, reject) => {
    let [handle, received] = ["", 0];
    socket.on("close", (code) => {
      reject(new Error(`bench: the first session was closed with ${code}`));
    });
    socket.on("message", (data: Buffer) => {
      const text = data.toString("utf8");
      received += text.length;
      const response = JSON.parse(text) as { MapSessionHandle?: string; Seq?: number };
      handle = response.MapSessionHandle ?? handle;
      if (response.Seq !== undefined)
        resolve({ session: { MapSessionHandle: handle, MapSessionSeq: response.Seq }, characters: received });
      else socket.send(JSON.stringify({ Version: CAPABILITY_VERSION, NodeKey: node.nodeKey, Received: received }));
    });
  });
  socket.send(hello);
  try {
    return await opened;
  } finally {
    socket.removeAllListeners("close");
    socket.terminate();
  }
}

/** Nodes of the tailnet on sockets, going on in sessions that stand at the present, as after a deployment. */
export async function waitingNodes(tailnet: Tailnet, from = 0, count = tailnet.nodes.length): Promise<Crowd> {
  const { session } = await firstMap(tailnet.node(0));
  const crowd = new Crowd();
  await crowd.open(tailnet.nodes.slice(from, from + count).map((node) => () => node.seat(session)));
  return crowd;
}

/** So many bare sockets over objects of these names. */
export async function waitingBare(bare: Baseline, count: number, objects: readonly string[]): Promise<Crowd> {
  const crowd = new Crowd();
  const base = bare.runtime.url.href.replace(/^http/, "ws");
  await crowd.open(
    Array.from({ length: count }, (_, i) => () => ({
      url: new URL(`/wait/${objects[i % objects.length] ?? ""}`, base),
      hello: "hello",
    })),
  );
  return crowd;
}

/** Has the bare objects send `text` to all; gives when their Worker began: milliseconds since the epoch. */
export async function tellBare(bare: Baseline, objects: readonly string[], text: string): Promise<number> {
  const reply = await bare.http.ask({ path: "/tell", body: JSON.stringify({ objects, text }) });
  return (JSON.parse(expectOk(reply, "/tell")) as { began: number }).began;
}

/** Shards of a tailnet of that size: see src/durable/seating/layout.ts. Bare crowds are spread over as many objects. */
export function shardsOf(count: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, count / 1000)));
}
