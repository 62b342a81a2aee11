/** The queues' consumers: whatever comes, in whatever order, how often ever, D1 has it in the end, once [W12][W13][W14]. */

import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { TailnetAuthority, type Pointer } from "../../../src/durable/index.ts";
import { RETRIES } from "../../../src/worker/queues/batch.ts";
import { writeNews } from "../../../src/worker/record/writes.ts";
import { admin, authorityOf, join, makeAuthKey, makeTailnet } from "../../support/workerd/control.ts";
import { cutQueues, deliver, ringTwice, sent, type Held } from "../../support/workerd/courier.ts";
import { lock, unlockedScene, sign, type Scene } from "../../support/workerd/locked.ts";
import { EQUAL, d1, pending, rebuild, settled } from "../../support/workerd/record.ts";
import { TestNode, type Answer } from "../../support/workerd/test-node.ts";
import { eventually } from "../../support/eventually.ts";

const FINDS_NOTHING = expect.objectContaining(EQUAL) as unknown;

afterEach(() => {
  vi.restoreAllMocks();
});

function ok({ status, json }: Answer): void {
  if (status !== 200) throw new Error(JSON.stringify(json));
}

async function deviceOf(tailnet: string, { nodeKey }: TestNode): Promise<string> {
  const rows = (await admin("GET", `/api/v2/tailnet/${tailnet}/devices`)).json["devices"];
  const found = (rows as { nodeId: string; nodeKey: string }[]).find((row) => row.nodeKey === nodeKey);
  if (found === undefined) throw new Error("no such device");
  return `/api/v2/device/${found.nodeId}`;
}

/** What happens in a tailnet, act by act: nodes come, change, are signed and go; the lock is turned on and off. */
function lifeOf(scene: Scene): (() => Promise<void>)[] {
  const { tailnet, alice, carol, genesis, secrets } = scene;
  const dave = new TestNode("dave");
  const post = async (node: TestNode, what: string, body: object) =>
    ok(await admin("POST", `${await deviceOf(tailnet, node)}${what}`, body));
  return [
    async () => lock(alice, genesis),
    async () => join(tailnet, dave),
    async () => ok(await sign(alice, dave)),
    async () => post(carol, "/tags", { tags: ["tag:ci"] }),
    async () => post(carol, "/name", { name: "karla" }),
    async () => ok(await dave.register("", { Hostinfo: { Hostname: "d2", OS: "plan9" } })),
    async () => {
      const OldNodeKey = dave.nodeKey;
      dave.nodeKey = new TestNode("").nodeKey;
      // The first answer hands over the signature that could be rotated.
      for (let i = 0; i < 2; i++) ok(await dave.register("", { OldNodeKey }));
    },
    async () => post(dave, "/expire", {}),
    async () => ok(await admin("DELETE", await deviceOf(tailnet, carol))),
    async () => ok(await alice.tka("disable", { DisablementSecret: secrets[0] })),
    async () => ok(await admin("DELETE", await deviceOf(tailnet, dave))),
  ];
}

/** Random numbers below `n`, the same for a seed. */
function randomOf(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

/** Takes some of the messages out, in any order, some of them without taking them out. */
function take(held: Held, below: (n: number) => number): Pointer[] {
  const taken: Pointer[] = [];
  for (let count = below(4); count > 0 && held.record.length > 0; count--) {
    const at = below(held.record.length);
    const pointer = held.record[at];
    if (below(3) > 0) held.record.splice(at, 1);
    if (pointer !== undefined) taken.push(pointer, ...(below(3) === 0 ? [pointer] : []));
  }
  return taken;
}

describe("messages that come twice, late and out of order", () => {
  test.each([1, 2, 3])("make no difference: seed %i", async (seed) => {
    const below = randomOf(seed);
    const held = cutQueues();
    const scene = await unlockedScene();
    for (const act of lifeOf(scene)) {
      await act();
      await sent(scene.tailnet, held);
      await deliver("record", take(held, below));
    }
    const { seq } = await pending(scene.tailnet);
    while (held.record.length > 0) await deliver("record", take(held, below), 1 + below(2));
    expect((await pending(scene.tailnet)).record).toEqual([]);
    expect(await rebuild(scene.tailnet)).toEqual(FINDS_NOTHING);
    const events = await d1("SELECT seq FROM events WHERE tailnet_id = ? ORDER BY seq", scene.tailnet);
    expect(events.map((row) => row["seq"])).toEqual(Array.from({ length: seq }, (_, i) => i + 1));
    const removed = await d1("SELECT removed FROM nodes WHERE tailnet_id = ? ORDER BY node_id", scene.tailnet);
    expect(removed.map((row) => row["removed"])).toEqual([0, 0, 1, 1]);
  });

  test("a consumer that was stopped for long brings nothing back", async () => {
    const held = cutQueues();
    const scene = await unlockedScene();
    const { tailnet, carol } = scene;
    const stub = authorityOf(tailnet);
    await sent(tailnet, held);
    const seqs = held.record.map(({ seq }) => seq);
    const early = await stub.newsAt(seqs, -1);
    ok(await admin("DELETE", await deviceOf(tailnet, carol)));
    await sent(tailnet, held);
    await deliver("record", held.record);
    if (!early.ok) throw new Error(early.error.message);
    expect(early.value.nodes.map(({ removed }) => removed)).toEqual([0, 0, 0]);
    await writeNews(env.RECORD, early.value);
    expect(await rebuild(tailnet)).toEqual(FINDS_NOTHING);
    // And what was told in an epoch that is over does not win over the present one.
    ok(await admin("POST", `/api/v2/tailnet/${tailnet}/restored`));
    await sent(tailnet, held);
    await deliver("record", held.record);
    const old = { ...early.value.tailnet, seq: 1000 };
    await writeNews(env.RECORD, { ...early.value, tailnet: old, nodes: [] });
    const [row] = await d1("SELECT epoch, seq FROM tailnets WHERE tailnet_id = ?", tailnet);
    expect(row).toMatchObject({
      seq: expect.not.closeTo(1000) as unknown,
      epoch: expect.not.stringMatching(old.epoch) as unknown,
    });
  });
});

describe("a tailnet that was deleted", () => {
  test("stays in the record, without nodes, and is rebuilt like any other", async () => {
    const { tailnet } = await unlockedScene();
    await settled(tailnet);
    ok(await admin("DELETE", `/api/v2/tailnet/${tailnet}`));
    await settled(tailnet);
    const [row] = await d1("SELECT deleted FROM tailnets WHERE tailnet_id = ?", tailnet);
    expect(row?.["deleted"]).toBeGreaterThan(0);
    expect(await d1("SELECT count(*) AS n FROM nodes WHERE tailnet_id = ? AND removed = 0", tailnet)).toEqual([
      { n: 0 },
    ]);
    expect(await rebuild(tailnet)).toEqual(FINDS_NOTHING);
    for (const table of ["tailnets", "nodes", "events", "node_keys"])
      await d1(`DELETE FROM ${table} WHERE tailnet_id = ?`, tailnet);
    expect((await rebuild(tailnet)).left).toEqual(EQUAL.left);
    expect(await rebuild(tailnet)).toEqual(FINDS_NOTHING);
  });
});

interface Letter {
  readonly id: string;
  readonly tailnet: string | null;
}

async function lettersOf(tailnet: string | null): Promise<Letter[]> {
  const { json } = await admin("GET", "/api/v2/tailward/dead-letters");
  return (json["deadLetters"] as Letter[]).filter((letter) => letter.tailnet === tailnet);
}

function replay(letters: readonly Letter[]): Promise<Answer> {
  return admin("POST", "/api/v2/tailward/dead-letters/replay", { ids: letters.map(({ id }) => id) });
}

/** Does something while a table of D1 is not there. */
async function without(table: string, body: () => Promise<void>): Promise<void> {
  await env.RECORD.exec(`ALTER TABLE ${table} RENAME TO ${table}_away`);
  try {
    await body();
  } finally {
    await env.RECORD.exec(`ALTER TABLE ${table}_away RENAME TO ${table}`);
  }
}

describe("D1 that refuses", () => {
  test("holds up no act, and is told everything once it is back", { timeout: 30_000 }, async () => {
    const warnings = vi.spyOn(console, "warn").mockReturnValue();
    let tailnet = "";
    await without("events", async () => {
      ({ tailnet } = await unlockedScene());
      await eventually(() => expect(warnings).toHaveBeenCalled());
      const { record, seq } = await pending(tailnet);
      expect(record).toHaveLength(seq);
    });
    expect(await d1("SELECT * FROM nodes WHERE tailnet_id = ?", tailnet)).toEqual([]);
    await settled(tailnet);
    expect(await rebuild(tailnet)).toEqual(FINDS_NOTHING);
  });

  test("so long that the queue gives up: it is seen, and sent again", async () => {
    vi.spyOn(console, "warn").mockReturnValue();
    const held = cutQueues();
    const { tailnet } = await unlockedScene();
    await sent(tailnet, held);
    const messages = [...held.record];
    await without("nodes", async () => {
      expect(await deliver("record", messages)).toEqual({ acknowledged: 0, again: messages.length });
      await deliver("record-dead", messages);
    });
    const letters = await lettersOf(tailnet);
    expect(letters).toHaveLength(messages.length);
    await deliver("record-dead", [...messages, ...messages]);
    expect(await lettersOf(tailnet)).toHaveLength(messages.length);
    vi.restoreAllMocks();
    expect((await replay(letters)).json).toEqual({ replayed: letters.length });
    await eventually(async () => expect((await pending(tailnet)).record).toEqual([]));
    expect(await lettersOf(tailnet)).toEqual([]);
    expect(await rebuild(tailnet)).toEqual(FINDS_NOTHING);
  });

  test("so long that the queue gives up: the alarm sends it again too", async () => {
    vi.spyOn(console, "warn").mockReturnValue();
    cutQueues();
    const { tailnet } = await unlockedScene();
    vi.restoreAllMocks();
    await ringTwice(tailnet);
    await settled(tailnet);
    expect(await rebuild(tailnet)).toEqual(FINDS_NOTHING);
  });
});

describe("a message that cannot be handled [W14]", () => {
  test("holds up no other of its tailnet", { timeout: 30_000 }, async () => {
    vi.spyOn(console, "warn").mockReturnValue();
    vi.spyOn(RETRIES, "delaySeconds").mockReturnValue(1);
    const tailnet = await makeTailnet();
    await settled(tailnet);
    const poison = `WHEN NEW.tailnet_id = '${tailnet}' AND NEW.seq = 3 BEGIN SELECT RAISE(ABORT, 'poison'); END`;
    await env.RECORD.exec(`CREATE TRIGGER poison BEFORE INSERT ON events ${poison}`);
    try {
      await Promise.all(Array.from({ length: 5 }, () => makeAuthKey(tailnet)));
      const others = async () => expect((await pending(tailnet)).record).toEqual([3]);
      await eventually(others);
    } finally {
      await env.RECORD.exec("DROP TRIGGER poison");
    }
    await settled(tailnet);
    expect(await rebuild(tailnet)).toEqual(FINDS_NOTHING);
  });

  test("ends among the dead letters, in the end", { timeout: 30_000 }, async () => {
    vi.spyOn(console, "warn").mockReturnValue();
    vi.spyOn(RETRIES, "delaySeconds").mockReturnValue(0);
    const kind = "node.joined";
    const nowhere = { tailnet: "T0000000000", epoch: "e0000000000", seq: 1, kind, request: "" } as const;
    await env.SESSIONS_QUEUE.send(nowhere);
    const dead = async () => expect(await lettersOf("T0000000000")).toHaveLength(1);
    await eventually(dead, 100);
    expect(await lettersOf("T0000000000")).toMatchObject([{ queue: "sessions", message: nowhere }]);
  });

  test("holds up none of another: no pointer, no tailnet", async () => {
    vi.spyOn(console, "warn").mockReturnValue();
    const log = vi.spyOn(console, "error").mockReturnValue();
    const { tailnet } = await unlockedScene();
    const [good] = await heldOf(tailnet);
    const nowhere = { tailnet: "T0000000001", epoch: "e", seq: 1, kind: "node.joined" };
    const bodies = [null, "x", { tailnet }, { ...good, seq: 1.5 }, nowhere, { ...good }];
    expect(await deliver("record", bodies)).toEqual({ acknowledged: 1, again: 5 });
    expect(await deliver("sessions", bodies)).toEqual({ acknowledged: 1, again: 5 });
    expect(log).toHaveBeenCalledTimes(8);
    await deliver("record-dead", bodies.slice(0, 2));
    expect(await lettersOf(null)).toMatchObject([{ message: null }, { message: "x" }]);
  });

  /** A pointer to the tailnet's first event. */
  async function heldOf(tailnet: string): Promise<Pointer[]> {
    const page = await authorityOf(tailnet).recordPage("events", -1, 1);
    if (!page.ok || page.value.part !== "events") throw new Error("no events");
    return page.value.rows.map(({ epoch, seq, kind, group }) => ({ tailnet, epoch, seq, kind, request: group ?? "" }));
  }
});

describe("a rebuild while the tailnet changes", () => {
  test("does a page anew, and proves it only when it has held still", async () => {
    const { tailnet } = await unlockedScene();
    await settled(tailnet);
    // oxlint-disable-next-line typescript/unbound-method -- it is called on its object below
    const real = TailnetAuthority.prototype.recordPage;
    let reads = 0;
    vi.spyOn(TailnetAuthority.prototype, "recordPage").mockImplementation(async function (
      this: TailnetAuthority,
      ...given
    ) {
      const page = await real.apply(this, given);
      // Somebody else changes something between the first and the second reading of the events.
      if (given[0] === "events" && reads++ === 0) await makeAuthKey(tailnet);
      return page;
    });
    const { left } = await rebuild(tailnet);
    expect([left, reads]).toEqual([EQUAL.left, 3]);
    vi.restoreAllMocks();
    await settled(tailnet);
    expect(await rebuild(tailnet)).toEqual(FINDS_NOTHING);
  });

  test("refuses a cursor that is none", async () => {
    const tailnet = await makeTailnet();
    for (const cursor of ["", "x", "nodes", "nodes:", "nodes:1e9", "nodes:1;", "events:99999999999999999"]) {
      const { status, json } = await admin("POST", `/api/v2/tailnet/${tailnet}/record/rebuild`, { cursor });
      expect([cursor, status, json["code"]]).toEqual([cursor, 400, "malformed_request"]);
    }
    expect((await admin("POST", "/api/v2/tailnet/T0000000000/record/rebuild", {})).status).toBe(404);
  });
});
