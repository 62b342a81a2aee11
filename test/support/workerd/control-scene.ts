/** A tailnet with an agent and a Tailscale client, whose connection is held where the tailnet's are. */

import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { expect } from "vitest";
import { noiseCrypto, type NodeSessions } from "../../../src/durable/index.ts";
import type { MapResponse } from "../../../src/protocol/index.ts";
import { ControlClient, type ClientStream } from "./control-client.ts";
import { join, makeAuthKey, makeTailnet, sessions } from "./control.ts";
import { TestNode } from "./test-node.ts";

export interface ControlScene {
  readonly tailnet: string;
  readonly bob: TestNode;
  /** The machine of the client. */
  readonly machine: ReturnType<typeof noiseCrypto.newKeyPair>;
  /** Its connection, after it has joined. */
  readonly client: ControlClient;
}

/** Joins a new machine, and connects it again: it is then in its place. */
export async function joined(tailnet: string, hostname: string): Promise<Pick<ControlScene, "machine" | "client">> {
  const machine = noiseCrypto.newKeyPair();
  const newcomer = await ControlClient.connect(hostname, machine);
  const answer = await newcomer.register(await makeAuthKey(tailnet));
  expect([answer.status, answer.json["MachineAuthorized"]]).toEqual([200, true]);
  newcomer.close();
  return { machine, client: await ControlClient.connect(hostname, machine, newcomer.nodeKey) };
}

async function sceneIn(tailnet: string): Promise<ControlScene> {
  const bob = new TestNode("bob");
  await join(tailnet, bob);
  return { tailnet, bob, ...(await joined(tailnet, "real")) };
}

export async function controlScene(): Promise<ControlScene> {
  return sceneIn(await makeTailnet());
}

/** The same in an object that holds nobody else, and whose limits are as they were made: tests share the objects of small tailnets. */
export async function aloneScene(): Promise<ControlScene> {
  const tailnet = await makeTailnet();
  const ended = inObject({ tailnet }, async (_, ctx) => {
    // What it has told of others it would wait to tell again.
    await ctx.storage.deleteAll();
    ctx.abort("the next test");
  });
  await ended.catch(() => undefined);
  return sceneIn(tailnet);
}

/** Another connection of the scene's client. */
export function again({ machine, client }: Pick<ControlScene, "machine" | "client">): Promise<ControlClient> {
  return ControlClient.connect(client.hostname, machine, client.nodeKey);
}

/** Has the object that holds the tailnet's connections hibernate. */
export function hibernate({ tailnet }: Pick<ControlScene, "tailnet">): Promise<void> {
  return evictDurableObject(sessions(tailnet, "socket"));
}

/** A map stream whose full map was read. */
export async function opened(client: ControlClient): Promise<ClientStream> {
  const stream = client.map();
  expect((await stream.next()).Node?.Key).toBe(client.nodeKey);
  return stream;
}

/** The next message that is no keep-alive. */
export async function news(stream: ClientStream): Promise<MapResponse> {
  for (;;) {
    const message = await stream.next();
    if (!message.KeepAlive) return message;
  }
}

/** Inside the object that holds the tailnet's connections. */
export function inObject<T>(
  { tailnet }: Pick<ControlScene, "tailnet">,
  act: (object: NodeSessions, ctx: DurableObjectState) => T,
): Promise<T> {
  return runInDurableObject(sessions(tailnet, "socket"), act);
}
