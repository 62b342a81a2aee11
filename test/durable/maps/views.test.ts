/** What a node is shown that wakes up from a retired chain [M6] [A5], on a socket whose object is evicted between any two messages, and on a stream. */

import { describe, expect, test } from "vitest";
import { bootstrapResponse, emptyResponse, type MapResponse } from "../../../src/protocol/index.ts";
import { aumHash } from "../../../src/tka/index.ts";
import { evicted } from "../../support/workerd/evicted.ts";
import { join, sessions, sql } from "../../support/workerd/control.ts";
import {
  LocalChain,
  lock,
  lockedScene,
  newGenesis,
  newSecrets,
  sign,
  type Scene,
} from "../../support/workerd/locked.ts";
import { TestNode, accepted } from "../../support/workerd/test-node.ts";

const OFF = { Head: null, Disabled: true };

interface Slept extends Scene {
  readonly oldHead: string;
  readonly newHead: string;
  readonly again: readonly Uint8Array[];
  /** Joined under the new lock, and nobody has signed it. */
  readonly dave: TestNode;
}

/** A lock is turned off and another on, and one node joins; carol sleeps through it all. */
async function slept(): Promise<Slept> {
  const scene = await lockedScene();
  const { alice, bob, carol, genesis, secrets } = scene;
  const oldHead = aumHash(genesis);
  expect((await carol.poll({ TKAHead: oldHead })).status).toBe(200);
  accepted(await alice.tka("disable", { DisablementSecret: secrets[0] }), emptyResponse);
  const made = newSecrets(1);
  const next = newGenesis([alice, bob], made.values);
  await lock(alice, next);
  const dave = new TestNode("dave");
  await join(scene.tailnet, dave);
  return { ...scene, oldHead, newHead: aumHash(next), again: made.secrets, dave };
}

const names = (nodes: MapResponse["Peers"]): string[] => (nodes ?? []).map(({ Hostinfo }) => Hostinfo?.Hostname ?? "");

function shown({ TKAInfo, Peers, PeersChanged, PeersRemoved }: MapResponse): unknown[] {
  return [TKAInfo, names(Peers ?? PeersChanged), PeersRemoved?.length ?? 0];
}

/** A reader of a node's session that has its object hibernate before every message. */
async function listening(scene: Scene, node: TestNode, kind: "socket" | "stream", head: string) {
  if (kind === "stream") {
    const stream = await node.stream({ TKAHead: head });
    return { next: () => stream.next(), pause: () => Promise.resolve(), end: () => stream.close() };
  }
  const socket = await node.socket();
  socket.head = head;
  socket.say();
  return {
    next: () => socket.next(),
    pause: () => evicted(sessions(scene.tailnet, "socket")),
    end: () => {
      socket.close();
      return Promise.resolve();
    },
  };
}

describe.each(["socket", "stream"] as const)("a node that slept through the end of a lock, on a %s", (kind) => {
  test("is told that it is off, then of the new head, and of unsigned peers once it is awake", async () => {
    const scene = await slept();
    const { tailnet, alice, carol, dave, oldHead, newHead, secrets } = scene;
    const { next, pause, end } = await listening(scene, carol, kind, oldHead);
    expect(shown(await next())).toEqual([OFF, ["alice", "bob"], 0]);
    await pause();
    const given = accepted(await carol.tka("bootstrap", { Head: oldHead }), bootstrapResponse);
    expect(given.DisablementSecret).toEqual(secrets[0]);
    expect(shown(await next())).toEqual([{ Head: newHead, Disabled: false }, [], 0]);
    await pause();
    const eve = new TestNode("eve");
    await join(tailnet, eve);
    expect(shown(await next())).toEqual([null, [], 1]);
    accepted(await sign(alice, eve), emptyResponse);
    expect(shown(await next())).toEqual([null, ["eve"], 0]);
    await pause();
    accepted(await carol.tka("bootstrap"), bootstrapResponse);
    const awake = await next();
    expect(awake.TKAInfo).toEqual({ Head: newHead, Disabled: false });
    expect(names(awake.PeersChanged)).toContain(dave.hostname);
    await end();
  });

  test("is shown everyone once the lock is off", async () => {
    const scene = await slept();
    const { next, end } = await listening(scene, scene.carol, kind, scene.oldHead);
    expect(shown(await next())).toEqual([OFF, ["alice", "bob"], 0]);
    accepted(await scene.alice.tka("disable", { DisablementSecret: scene.again[0] }), emptyResponse);
    const off = await next();
    expect([off.TKAInfo, names(off.PeersChanged)]).toEqual([OFF, ["alice", "bob", "dave"]]);
    await end();
  });

  test("loses sight of a peer that loses its signature", async () => {
    const scene = await slept();
    const { next, end } = await listening(scene, scene.carol, kind, scene.oldHead);
    await next();
    await sql(
      scene.tailnet,
      "UPDATE tailnet SET seq = seq + 1",
      `UPDATE nodes SET key_signature = NULL, changed = (SELECT seq FROM tailnet) WHERE node_key = '${scene.bob.nodeKey}'`,
    );
    await join(scene.tailnet, new TestNode("eve"));
    expect(shown(await next())).toEqual([null, [], 1]);
    expect(shown(await next())).toEqual([null, [], 1]);
    await end();
  });
});

describe("a node", () => {
  test("that turns out to sleep while it is connected loses sight of unsigned peers, and begins anew where it was away", async () => {
    const scene = await slept();
    const { tailnet, bob, oldHead } = scene;
    const socket = await bob.listen();
    const full = await socket.next();
    expect(names(full.Peers)).toEqual(["alice", "carol", "dave"]);
    await sql(tailnet, "UPDATE nodes SET seen_chain = NULL");
    socket.head = oldHead;
    socket.say();
    const told = await socket.next();
    expect(shown(told)).toEqual([OFF, ["alice", "carol"], 1]);
    const place = { MapSessionHandle: full.MapSessionHandle, MapSessionSeq: full.Seq, TKAHead: oldHead };
    const anew = await (await bob.listen(place)).next();
    expect([anew.TKAInfo, names(anew.Peers)]).toEqual([OFF, ["alice", "carol"]]);
    const goingOn = await (await bob.listen({ ...place, MapSessionSeq: told.Seq })).next();
    expect([goingOn.Peers, goingOn.TKAInfo]).toEqual([null, null]);
  });

  test("that is awake sees unsigned peers, and is never told to trust one", async () => {
    const { alice } = await slept();
    const text = await (await alice.listen()).text();
    expect(text).toContain('"Hostname":"dave"');
    expect(text).not.toContain("UnsignedPeerAPIOnly");
  });

  test("that has synchronised only in part is sent its TKAInfo again, and it alone", async () => {
    const { tailnet, alice, bob, genesis } = await lockedScene();
    const chain = await LocalChain.of(bob);
    await chain.change((builder) => builder.setKeyVotes(bob.lockKey.publicKey, 2n));
    const [first, second] = [await alice.listen(), await bob.listen()];
    const stream = await alice.stream();
    const full = await first.next();
    await second.next();
    await stream.next();
    await evicted(sessions(tailnet, "socket"));
    const sent = { Head: aumHash(genesis), MissingAUMs: [], Interactive: false };
    expect((await alice.tka("syncSend", sent)).json).toEqual({ Head: chain.authority.head });
    const only = { TKAInfo: full.TKAInfo, Node: null, Peers: null, PeersChanged: null };
    expect(await first.next()).toMatchObject(only);
    expect(await stream.next()).toMatchObject(only);
    expect((await alice.tka("syncSend", { ...sent, Head: chain.authority.head })).status).toBe(200);
    expect(first.unread).toBe(0);
    expect(second.unread).toBe(0);
    await stream.close();
  });
});
