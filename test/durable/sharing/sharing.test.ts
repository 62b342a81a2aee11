/** Nodes shared between two tailnets: who sees whom, and who must be signed where. */

import { evictDurableObject } from "cloudflare:test";
import { beforeAll, describe, expect, test } from "vitest";
import { emptyResponse } from "../../../src/protocol/index.ts";
import { nodeKeyFromRaw } from "../../../src/tka/index.ts";
import { later } from "../../support/workerd/clock.ts";
import { authorityOf, sql, stored } from "../../support/workerd/control.ts";
import { begin, lock, lockedScene, sign, unlockedScene, type Scene } from "../../support/workerd/locked.ts";
import {
  BY_TEST,
  codeOf,
  cut,
  eventsOf,
  invite,
  peersOf,
  pending,
  ring,
  settled,
  share,
  stableIdOf,
  valueOf,
} from "../../support/workerd/sharing.ts";
import type { MapSocket } from "../../support/workerd/map-socket.ts";
import { randomBytes } from "../../support/workerd/signed-request.ts";
import { accepted, type TestNode } from "../../support/workerd/test-node.ts";
import { eventually } from "../../support/eventually.ts";

/** `home` shares its node carol with `other`. */
interface Pair {
  readonly home: Scene;
  readonly other: Scene;
}

async function pair(isHomeLocked: boolean, isOtherLocked: boolean): Promise<Pair> {
  const [home, other] = [
    await (isHomeLocked ? lockedScene() : unlockedScene()),
    await (isOtherLocked ? lockedScene() : unlockedScene()),
  ];
  await share(home.tailnet, home.carol, other.tailnet);
  return { home, other };
}

const nodesOf = ({ alice, bob, carol }: Scene): TestNode[] => [alice, bob, carol];

/** Moves a node to a new node key, as its machine does; the old signature, which it may be handed first, is not rotated. */
async function rekey(node: TestNode): Promise<void> {
  const OldNodeKey = node.nodeKey;
  node.nodeKey = nodeKeyFromRaw(randomBytes(32));
  const { status, json } = await node.register("", { OldNodeKey });
  if (json["NodeKeySignature"]) await node.register("", { OldNodeKey });
  if (status !== 200) throw new Error(`rekey was refused: ${status}`);
}

describe("where a shared node is to be found", () => {
  const disco = (digit: string): string => `discokey:${digit.repeat(64)}`;
  const saying = (digit: string, PreferredDERP: number) => ({
    OmitPeers: true,
    DiscoKey: disco(digit),
    Hostinfo: { Hostname: "carol", OS: "linux", IPNVersion: "test", NetInfo: { PreferredDERP } },
    Endpoints: ["192.0.2.1:41641"],
  });

  test("is known where it is shared, and told to those who see it, and to them alone [S4][M7]", async () => {
    const { home, other } = await pair(false, false);
    expect((await home.carol.poll(saying("a", 900))).status).toBe(200);
    await settled(home.tailnet, other.tailnet);
    const seen = (await peersOf(other.bob)).get(home.carol.nodeKey);
    expect(seen).toMatchObject({ DiscoKey: disco("a"), HomeDERP: 900, Endpoints: [], Online: null });
    const socket = await other.bob.listen({ DiscoKey: disco("f") });
    await socket.next();
    expect((await home.carol.poll(saying("b", 900))).status).toBe(200);
    expect((await socket.next()).PeersChangedPatch).toMatchObject([
      { NodeID: seen?.ID, DiscoKey: disco("b"), Online: null },
    ]);
    // Of the other tailnet's nodes its home's other nodes see none, and hear of none.
    const [carols, alices] = [
      await home.carol.listen({ DiscoKey: disco("b") }),
      await home.alice.listen({ DiscoKey: disco("d") }),
    ];
    const [known] = [await carols.next(), await alices.next()];
    const bob = known.Peers?.find(({ Key }) => Key === other.bob.nodeKey)?.ID ?? 0;
    expect((await other.bob.poll({ OmitPeers: true, DiscoKey: disco("e") })).status).toBe(200);
    for (let told: string | undefined; told !== disco("e");)
      told = (await carols.next()).PeersChangedPatch?.find(({ NodeID }) => NodeID === bob)?.DiscoKey;
    expect(alices.texts.filter((text) => text.includes(disco("e")))).toEqual([]);
  });
});

describe.each([
  { home: false, other: false },
  { home: true, other: false },
  { home: false, other: true },
  { home: true, other: true },
])("a share with home locked: $home, other locked: $other", ({ home: isHomeLocked, other: isOtherLocked }) => {
  let both: Pair;
  beforeAll(async () => {
    both = await pair(isHomeLocked, isOtherLocked);
  });

  test("the node is a peer of every node of the other tailnet, without the signature of its home [M7]", async () => {
    const { home, other } = both;
    for (const node of nodesOf(other)) {
      const peer = (await peersOf(node)).get(home.carol.nodeKey);
      expect(peer).toBeDefined();
      expect(peer?.KeySignature).toHaveLength(0);
      expect(peer?.Machine).toBeNull();
      expect(peer?.Hostinfo?.ShareeNode).toBe(false);
    }
  });

  test("the nodes of the other tailnet are peers of the shared node alone [M7]", async () => {
    const { home, other } = both;
    const peers = await peersOf(home.carol);
    for (const { nodeKey } of nodesOf(other)) {
      expect(peers.get(nodeKey)?.KeySignature).toHaveLength(0);
      expect(peers.get(nodeKey)?.Hostinfo?.ShareeNode).toBe(true);
    }
    for (const node of [home.alice, home.bob]) expect((await peersOf(node)).size).toBe(2);
  });

  test("each is known to the other by an address of that tailnet's own, and is told which", async () => {
    const { home, other } = both;
    for (const node of nodesOf(other)) {
      const there = (await peersOf(node)).get(home.carol.nodeKey);
      const here = (await peersOf(home.carol)).get(node.nodeKey);
      const knownAs = (masq: string | undefined, own: string | undefined): string =>
        (masq === "" ? own : `${masq}/32`) ?? "";
      const [carol, self] = [(await home.carol.map()).Node, (await node.map()).Node];
      expect(knownAs(here?.SelfNodeV4MasqAddrForThisPeer, carol?.Addresses[0])).toBe(there?.Addresses[0]);
      expect(knownAs(there?.SelfNodeV4MasqAddrForThisPeer, self?.Addresses[0])).toBe(here?.Addresses[0]);
      const addresses = [...(await peersOf(node)).values()].map(({ Addresses }) => Addresses[0]);
      expect(new Set([...addresses, self?.Addresses[0]]).size).toBe(addresses.length + 1);
    }
  });

  test("its key is signed where it is locked out, by a signer of that tailnet, and only there", async () => {
    const { home, other } = both;
    const answer = await sign(other.alice, home.carol);
    if (isOtherLocked) {
      accepted(answer, emptyResponse);
      expect((await peersOf(other.bob)).get(home.carol.nodeKey)?.KeySignature.length).toBeGreaterThan(0);
    } else expect(answer.json["code"]).toBe("lock_not_enabled");
    expect((await sign(home.alice, other.bob)).status).toBe(isHomeLocked ? 200 : 409);
    const seen = (await peersOf(home.carol)).get(other.bob.nodeKey);
    expect((seen?.KeySignature.length ?? 0) > 0).toBe(isHomeLocked);
  });
});

describe("a key that changes at home", () => {
  test("needs signing where the node is shared, in either direction, and events say so [S7]", async () => {
    const { home, other } = await pair(true, true);
    accepted(await sign(other.alice, home.carol), emptyResponse);
    accepted(await sign(home.alice, other.bob), emptyResponse);
    for (const [node, there, viewer] of [
      [home.carol, other, other.bob],
      [other.bob, home, home.carol],
    ] as const) {
      const old = node.nodeKey;
      await rekey(node);
      await settled(home.tailnet, other.tailnet);
      const peers = await peersOf(viewer);
      expect(peers.has(old)).toBe(false);
      expect(peers.get(node.nodeKey)?.KeySignature).toHaveLength(0);
      const last = (await eventsOf(there.tailnet)).filter(({ kind }) => kind === "node.needs_signature").at(-1);
      expect(last?.new).toContain(`lock sign ${node.nodeKey}`);
    }
    accepted(await sign(other.alice, home.carol), emptyResponse);
    expect((await peersOf(other.carol)).get(home.carol.nodeKey)?.KeySignature.length).toBeGreaterThan(0);
  });

  test("cannot be rotated in by the node itself: there is no machine of its own in the other tailnet", async () => {
    const { home, other } = await pair(true, true);
    const answer = await other.alice.tka("sign", {
      Signature: (await peersOf(home.alice)).get(home.carol.nodeKey)?.KeySignature,
    });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect((await peersOf(other.bob)).get(home.carol.nodeKey)?.KeySignature).toHaveLength(0);
  });
});

describe("init", () => {
  test("lists foreign nodes as it lists others, and signs them", async () => {
    const { home, other } = await pair(false, false);
    const listed = (await begin(other.alice, other.genesis)).NeedSignatures.map(({ NodePublic }) => NodePublic);
    expect(listed).toContain(home.carol.nodeKey);
    expect(listed).toHaveLength(4);
    await lock(other.alice, other.genesis);
    expect((await peersOf(other.bob)).get(home.carol.nodeKey)?.KeySignature.length).toBeGreaterThan(0);
  });
});

describe("the end of a share", () => {
  test.each(["home", "other"] as const)(
    "by the %s side takes the nodes out on both, and is on both records",
    async (side) => {
      const both = await pair(true, true);
      const { home, other } = both;
      const [made] = valueOf(await authorityOf(home.tailnet).shares());
      const { tailnet } = both[side];
      const id = made?.id ?? "";
      expect(valueOf(await authorityOf(tailnet).withdrawShare(BY_TEST, id)).ended).not.toBeNull();
      await settled(home.tailnet, other.tailnet);
      for (const node of nodesOf(other)) expect((await peersOf(node)).size).toBe(2);
      for (const node of nodesOf(home)) expect((await peersOf(node)).size).toBe(2);
      for (const each of [home, other]) {
        const events = await eventsOf(each.tailnet);
        expect(events.filter(({ kind }) => kind === "share.withdrawn")).toHaveLength(1);
        expect(codeOf(await authorityOf(each.tailnet).withdrawShare(BY_TEST, id))).toBe("ok");
        // It goes once the other side is known to know.
        await eventually(async () => {
          const { links } = (await stored(each.tailnet))["authority"] as { links?: string[] };
          expect(links).toEqual([]);
        });
      }
    },
  );

  test("comes where the node is removed at home", async () => {
    const { home, other } = await pair(false, true);
    await sql(home.tailnet, `DELETE FROM nodes WHERE node_key = '${home.carol.nodeKey}'`);
    valueOf(await authorityOf(home.tailnet).shares());
    await settled(home.tailnet, other.tailnet);
    expect((await peersOf(other.bob)).has(home.carol.nodeKey)).toBe(false);
    expect(valueOf(await authorityOf(other.tailnet).shares())[0]?.ended).not.toBeNull();
  });

  test("leaves another share of the same tailnet as it is", async () => {
    const { home, other } = await pair(false, false);
    const second = await share(home.tailnet, home.bob, other.tailnet);
    expect((await peersOf(home.bob)).size).toBe(5);
    valueOf(await authorityOf(other.tailnet).withdrawShare(BY_TEST, second.id));
    await settled(home.tailnet, other.tailnet);
    expect((await peersOf(home.bob)).size).toBe(2);
    expect((await peersOf(home.carol)).size).toBe(5);
    expect((await peersOf(other.alice)).has(home.carol.nodeKey)).toBe(true);
    expect((await peersOf(other.alice)).has(home.bob.nodeKey)).toBe(false);
  });

  test("may be followed by another share of the same node", async () => {
    const { home, other } = await pair(true, true);
    const [made] = valueOf(await authorityOf(home.tailnet).shares());
    valueOf(await authorityOf(home.tailnet).withdrawShare(BY_TEST, made?.id ?? ""));
    await settled(home.tailnet, other.tailnet);
    await share(home.tailnet, home.carol, other.tailnet);
    expect((await peersOf(other.bob)).get(home.carol.nodeKey)?.KeySignature).toHaveLength(0);
  });
});

describe("both ways at once", () => {
  test("each sees what is shared with it, and the other's nodes only where its own is", async () => {
    const { home, other } = await pair(false, false);
    await share(other.tailnet, other.bob, home.tailnet);
    expect((await peersOf(home.alice)).has(other.bob.nodeKey)).toBe(true);
    expect((await peersOf(home.alice)).has(other.carol.nodeKey)).toBe(false);
    expect((await peersOf(home.carol)).has(other.carol.nodeKey)).toBe(true);
    expect((await peersOf(other.bob)).has(home.alice.nodeKey)).toBe(true);
    expect((await peersOf(other.alice)).has(home.alice.nodeKey)).toBe(false);
  });
});

describe("lost messages", () => {
  test("a claim that is lost on its way is made again by the same accept", async () => {
    const [home, other] = [await unlockedScene(), await unlockedScene()];
    const parts = await invite(home.tailnet, home.carol);
    const wire = await cut(other.tailnet, "request");
    expect(codeOf(await authorityOf(other.tailnet).acceptShare(BY_TEST, parts))).toBe("try_again");
    wire.mend();
    expect(codeOf(await authorityOf(other.tailnet).acceptShare(BY_TEST, parts))).toBe("ok");
    await settled(home.tailnet, other.tailnet);
    expect((await peersOf(other.bob)).has(home.carol.nodeKey)).toBe(true);
  });

  test("a claim whose answer is lost is completed by the home", async () => {
    const [home, other] = [await unlockedScene(), await unlockedScene()];
    const parts = await invite(home.tailnet, home.carol);
    const wire = await cut(other.tailnet, "answer");
    expect(codeOf(await authorityOf(other.tailnet).acceptShare(BY_TEST, parts))).toBe("try_again");
    await eventually(async () => {
      expect((await peersOf(other.bob)).has(home.carol.nodeKey)).toBe(true);
    });
    wire.mend();
    expect(codeOf(await authorityOf(other.tailnet).acceptShare(BY_TEST, parts))).toBe("ok");
    await settled(home.tailnet);
  });

  test.each(["request", "answer"] as const)("news whose %s is lost is told again by the alarm [S10]", async (what) => {
    const { home, other } = await pair(true, true);
    const wire = await cut(home.tailnet, what);
    await rekey(home.carol);
    await eventually(() => {
      expect(wire.lost()).toBeGreaterThan(0);
    });
    await eventually(async () => {
      const { links } = (await stored(home.tailnet))["authority"] as { links: string[] };
      expect(links[0]).toContain('"tries":1');
    });
    wire.mend();
    await ring(home.tailnet);
    await settled(home.tailnet, other.tailnet);
    expect((await peersOf(other.bob)).has(home.carol.nodeKey)).toBe(true);
  });

  test("news that was not told when the object went away is told by the alarm of the next one [S10]", async () => {
    const { home, other } = await pair(true, true);
    const wire = await cut(home.tailnet, "request");
    await rekey(home.carol);
    await eventually(() => {
      expect(wire.lost()).toBeGreaterThan(0);
    });
    await evictDurableObject(authorityOf(home.tailnet));
    expect(await pending(home.tailnet)).toBe(1);
    await ring(home.tailnet);
    await settled(home.tailnet, other.tailnet);
    expect((await peersOf(other.bob)).has(home.carol.nodeKey)).toBe(true);
  });

  test("an accept that nothing came of lapses, and is on the record", async () => {
    const [home, other] = [await unlockedScene(), await unlockedScene()];
    const parts = await invite(home.tailnet, home.carol);
    const wire = await cut(other.tailnet, "request");
    expect(codeOf(await authorityOf(other.tailnet).acceptShare(BY_TEST, parts))).toBe("try_again");
    wire.mend();
    await later(61 * 60 * 1000, async () => {
      expect(valueOf(await authorityOf(other.tailnet).shares())[0]?.ended).not.toBeNull();
    });
    const kinds = (await eventsOf(other.tailnet)).map(({ kind }) => kind).filter((kind) => kind.startsWith("share."));
    expect(kinds).toEqual(["share.accepting", "share.withdrawn"]);
    await settled(other.tailnet);
  });

  test("an invite that nobody has accepted in time is worth nothing", async () => {
    const [home, other] = [await unlockedScene(), await unlockedScene()];
    const parts = await invite(home.tailnet, home.carol);
    await later(31 * 24 * 60 * 60 * 1000, async () => {
      expect(codeOf(await authorityOf(other.tailnet).acceptShare(BY_TEST, parts))).toBe("bad_invite");
    });
    expect((await peersOf(other.bob)).size).toBe(2);
  });
});

describe("a device that waits for approval", () => {
  test("is told to no other tailnet until it is approved", async () => {
    const [home, other] = [await unlockedScene(), await unlockedScene()];
    await sql(other.tailnet, `UPDATE nodes SET authorized = 0 WHERE node_key = '${other.bob.nodeKey}'`);
    await share(home.tailnet, home.carol, other.tailnet);
    expect((await peersOf(home.carol)).has(other.alice.nodeKey)).toBe(true);
    expect((await peersOf(home.carol)).has(other.bob.nodeKey)).toBe(false);
    const change = { kind: "authorized", authorized: true } as const;
    valueOf(await authorityOf(other.tailnet).changeDevice(BY_TEST, await stableIdOf(other.bob), change));
    await settled(home.tailnet, other.tailnet);
    expect((await peersOf(home.carol)).has(other.bob.nodeKey)).toBe(true);
  });
});

describe("sessions that are open", () => {
  test("hear of a node that is shared, of whom it belongs to, and of its end; nobody else hears of it", async () => {
    const [home, other] = [await unlockedScene(), await unlockedScene()];
    const sockets = await Promise.all([home.carol, home.alice, other.bob].map((node) => node.listen()));
    const [carol, alice, bob] = sockets as [MapSocket, MapSocket, MapSocket];
    for (const socket of sockets) await socket.next();
    const made = await share(home.tailnet, home.carol, other.tailnet);
    await settled(home.tailnet, other.tailnet);
    const keys = async (socket: MapSocket, most: number): Promise<{ peers: Set<string>; users: number }> => {
      const peers = new Set<string>();
      let users = 0;
      while (peers.size < most) {
        const { PeersChanged, UserProfiles } = await socket.next();
        for (const { Key } of PeersChanged ?? []) peers.add(Key);
        users += UserProfiles?.length ?? 0;
      }
      return { peers, users };
    };
    const atBob = await keys(bob, 1);
    expect([[...atBob.peers], atBob.users > 0]).toEqual([[home.carol.nodeKey], true]);
    const atCarol = await keys(carol, 3);
    expect(atCarol.peers).toEqual(new Set(nodesOf(other).map(({ nodeKey }) => nodeKey)));
    valueOf(await authorityOf(home.tailnet).withdrawShare(BY_TEST, made.id));
    await settled(home.tailnet, other.tailnet);
    await eventually(() => expect(bob.texts.join("")).toContain("PeersRemoved"));
    expect(alice.texts.join("")).not.toContain(other.alice.nodeKey);
  });
});
