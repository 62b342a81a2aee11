/** How nodes hear of the policy [F15], on real objects, which are evicted in between. */

import { describe, expect, test } from "vitest";
import { nextStep, openSession, type MapSession } from "../../../src/durable/maps/session.ts";
import { Snapshot } from "../../../src/durable/maps/snapshot.ts";
import type { MapResponse } from "../../../src/protocol/index.ts";
import { evicted } from "../../support/workerd/evicted.ts";
import { admin, authorityOf, join, makeAuthKey, makeTailnet, sessions } from "../../support/workerd/control.ts";
import type { MapSocket } from "../../support/workerd/map-socket.ts";
import { changed, rename } from "../../support/workerd/news.ts";
import { setPolicy } from "../../support/workerd/policy.ts";
import { share, stableIdOf, valueOf } from "../../support/workerd/sharing.ts";
import { TestNode } from "../../support/workerd/test-node.ts";

const ALL = [{ SrcIPs: ["*"], DstPorts: [{ IP: "*", Ports: { First: 0, Last: 65535 } }] }];
const TO_WEB = `{"tagOwners": {"tag:web": []}, "acls": [{"action": "accept", "src": ["autogroup:member"], "dst": ["tag:web:22"]}]}`;

interface Rule {
  readonly SrcIPs: readonly string[];
}

function sourcesOf({ PacketFilter }: MapResponse): readonly string[] | null {
  return PacketFilter === null ? null : (PacketFilter as readonly Rule[]).flatMap(({ SrcIPs }) => SrcIPs);
}

interface Stage {
  readonly tailnet: string;
  /** Of the owner, and with the tag. */
  readonly alice: TestNode;
  readonly web: TestNode;
}

async function newStage(): Promise<Stage> {
  const tailnet = await makeTailnet();
  const [alice, web] = [new TestNode("alice"), new TestNode("web")];
  await join(tailnet, alice);
  await web.register(await makeAuthKey(tailnet, { tags: ["tag:web"] }));
  return { tailnet, alice, web };
}

async function opened(node: TestNode): Promise<{ socket: MapSocket; full: MapResponse }> {
  const socket = await node.listen();
  return { socket, full: await socket.next() };
}

function hibernate(tailnet: string): Promise<void> {
  return evicted(sessions(tailnet, "socket"));
}

describe("a node hears of the policy [F15]", () => {
  test("with its first map: all is allowed, and nobody logs in, until somebody says otherwise", async () => {
    const { alice } = await newStage();
    const { full } = await opened(alice);
    expect([full.PacketFilter, full.SSHPolicy]).toEqual([ALL, { rules: [] }]);
    expect(full.Node?.CapMap.has("https://tailscale.com/cap/ssh")).toBe(true);
  });

  test("when one is set, each what concerns it; a node for which nothing changes hears nothing", async () => {
    const { tailnet, alice, web } = await newStage();
    const [one, two] = [await opened(alice), await opened(web)];
    await hibernate(tailnet);
    await setPolicy(tailnet, TO_WEB);
    const [toAlice, toWeb] = [await one.socket.next(), await two.socket.next()];
    expect([toAlice.PacketFilter, toAlice.SSHPolicy]).toEqual([[], { rules: [] }]);
    expect(sourcesOf(toWeb)).toEqual(["100.64.0.1", "fd7a:115c:a1e0::1"]);
    await hibernate(tailnet);
    // Another port: nothing new for alice. Then a name, which both hear of: nothing came before it.
    await setPolicy(tailnet, TO_WEB.replace(":22", ":23"));
    expect(sourcesOf(await two.socket.next())).toEqual(["100.64.0.1", "fd7a:115c:a1e0::1"]);
    await rename(web, "webbed");
    const next = await one.socket.next();
    expect([changed(next), next.PacketFilter, next.SSHPolicy]).toEqual([["webbed"], null, null]);
  });

  test("when a node comes, gets tags or goes, in the very message that tells of it, and only where it matters", async () => {
    const { tailnet, alice, web } = await newStage();
    await setPolicy(tailnet, TO_WEB);
    const [one, two] = [await opened(alice), await opened(web)];
    const bob = new TestNode("bob");
    await hibernate(tailnet);
    await join(tailnet, bob);
    const [toAlice, toWeb] = [await one.socket.next(), await two.socket.next()];
    expect([changed(toAlice), toAlice.PacketFilter]).toEqual([["bob"], null]);
    expect([changed(toWeb), sourcesOf(toWeb)]).toEqual([
      ["bob"],
      ["100.64.0.1", "100.64.0.3", "fd7a:115c:a1e0::1", "fd7a:115c:a1e0::3"],
    ]);

    const id = await stableIdOf(bob);
    await admin("POST", `/api/v2/device/${id}/tags`, { tags: ["tag:web"] });
    expect(sourcesOf(await two.socket.next())).toEqual(["100.64.0.1", "fd7a:115c:a1e0::1"]);
    expect((await one.socket.next()).PacketFilter).toBeNull();
    await admin("POST", `/api/v2/device/${id}/tags`, { tags: [] });
    expect(sourcesOf(await two.socket.next())).toHaveLength(4);
    expect((await one.socket.next()).PacketFilter).toBeNull();
    await hibernate(tailnet);
    await admin("DELETE", `/api/v2/device/${id}`);
    const gone = await two.socket.next();
    expect([gone.PeersRemoved?.length, sourcesOf(gone)]).toEqual([1, ["100.64.0.1", "fd7a:115c:a1e0::1"]]);
  });

  test("of its attributes and of SSH, with itself", async () => {
    const { tailnet, web } = await newStage();
    const { socket, full } = await opened(web);
    await setPolicy(
      tailnet,
      `{"tagOwners": {"tag:web": []}, "nodeAttrs": [{"target": ["tag:web"], "attr": ["x"]}],
        "ssh": [{"action": "accept", "src": ["autogroup:member"], "dst": ["tag:web"], "users": ["root"]}]}`,
    );
    const news = await socket.next();
    expect(news.PacketFilter).toEqual(ALL);
    expect(news.SSHPolicy).toEqual({
      rules: [
        {
          principals: [{ userLogin: `owner@${full.Domain}` }],
          sshUsers: { root: "root" },
          action: expect.objectContaining({ accept: true }) as object,
        },
      ],
    });
    const attributes = [...(news.Node?.CapMap.keys() ?? [])];
    expect(attributes).toEqual(expect.arrayContaining(["x", "https://tailscale.com/cap/ssh-rule-in"]));
    // It keeps them where it is shown anew for another reason.
    await hibernate(tailnet);
    await rename(web, "webbed");
    expect([...((await socket.next()).Node?.CapMap.keys() ?? [])]).toEqual(attributes);
  });

  test("not again where it goes on in its session and nothing has changed", async () => {
    const { tailnet, web } = await newStage();
    await setPolicy(tailnet, TO_WEB);
    const { socket, full } = await opened(web);
    socket.close();
    const place = { MapSessionHandle: full.MapSessionHandle, MapSessionSeq: full.Seq };
    expect((await (await web.listen(place)).next()).PacketFilter).toBeNull();
    await setPolicy(tailnet, `{"acls": []}`);
    expect((await (await web.listen(place)).next()).PacketFilter).toEqual([]);
  });

  test("devices of another tailnet reach what was shared with them, where the policy says so [F7]", async () => {
    const { tailnet, web, alice } = await newStage();
    const guest = new TestNode("guest");
    const other = await makeTailnet();
    await join(other, guest);
    await share(tailnet, web, other);
    await setPolicy(tailnet, `{"acls": [{"action": "accept", "src": ["autogroup:shared"], "dst": ["*:443"]}]}`);
    expect(sourcesOf((await opened(web)).full)).toEqual(["100.64.0.3", "fd7a:115c:a1e0::3"]);
    expect((await opened(alice)).full.PacketFilter).toEqual([]);
    // Of the two that see one another, only those with whom was shared may begin [M18].
    const seen = async (node: TestNode): Promise<boolean[]> =>
      ((await node.map()).Peers ?? []).flatMap(({ Name, IsJailed }) =>
        Name.includes("guest") || Name.startsWith("web.") ? [IsJailed] : [],
      );
    expect([await seen(web), await seen(guest)]).toEqual([[false], [true]]);
  });
});

describe("what is told to all", () => {
  test("is one text, policy or not, as long as it is no news of the policy", async () => {
    const { tailnet, alice, web } = await newStage();
    await setPolicy(tailnet, TO_WEB);
    const bob = new TestNode("bob");
    await join(tailnet, bob);
    const changes = async (since: number) => valueOf(await authorityOf(tailnet).changes({ since }));
    const snapshot = new Snapshot(await changes(0), {
      since: 0,
      removedSince: Number.MAX_SAFE_INTEGER,
      presenceSince: 0,
    });
    const begun = ({ nodeKey, machineKey }: TestNode): MapSession => {
      const nodeId = snapshot.sorted().find(({ key }) => key === nodeKey)?.id ?? 0;
      const { shards, epoch, seq, presence } = snapshot;
      const where = { tailnet, shards, presence, nodeId, nodeKey, machineKey, epoch, seq };
      const standing = { awakening: 0, waiting: false, head: "", capVersion: 0 } as const;
      const step = nextStep(openSession({ ...where, ...standing }, "", 0), snapshot, 1_000_000);
      if (step.kind !== "tell") throw new Error(step.kind);
      return step.session;
    };
    const held = [begun(alice), begun(web)];
    await rename(bob, "bert");
    snapshot.apply(await changes(snapshot.seq), snapshot.seq, snapshot.presence);
    const steps = held.map((session) => nextStep(session, snapshot, 1_000_000));
    const [one, two] = steps.map((step) => (step.kind === "tell" ? step.message : null));
    expect(one).not.toBeNull();
    expect(one).toBe(two);
  });
});
