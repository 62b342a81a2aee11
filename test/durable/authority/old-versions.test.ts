/**
 * Tailnets as versions 2 and 3 left them on disk are opened by this code with all that is in them, and go on. Each is two tailnets that share a node, made by
 * the code of its time: a lock that was turned off, and one that holds, with changes; nodes signed and unsigned, expired, removed, and let in but not yet
 * back; auth keys; with version 3 a policy and endpoints. They have landed: nothing in them is ever edited. (Version 1 is in schema.test.ts.)
 */

import { createHash } from "node:crypto";
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, test } from "vitest";
import { DIRECTORY_MIGRATIONS } from "../../../src/durable/directory/schema.ts";
import { Events, eventHash } from "../../../src/durable/audit/events.ts";
import { LOGINS_BUCKET, bucketOf } from "../../../src/durable/index.ts";
import { AUTHORITY_MIGRATIONS } from "../../../src/durable/authority/schema.ts";
import { Store } from "../../../src/durable/store.ts";
import { machineKeyOf, registerResponse } from "../../../src/protocol/index.ts";
import { decodeHex, encodeHex, type NodeKey } from "../../../src/tka/index.ts";
import { fastSigner } from "../../support/host-crypto.ts";
import { admin, authorityOf, join } from "../../support/workerd/control.ts";
import { LocalChain, sign } from "../../support/workerd/locked.ts";
import { rebuild } from "../../support/workerd/record.ts";
import { peersOf, valueOf } from "../../support/workerd/sharing.ts";
import { ORIGIN } from "../../support/workerd/signed-request.ts";
import { TestNode, accepted } from "../../support/workerd/test-node.ts";
import { CURRENT_DIRECTORY_LAYOUT } from "./current-layout.ts";
import version2 from "./old/version-2.json" with { type: "json" };
import version3 from "./old/version-3.json" with { type: "json" };

type Cell = string | number | null | { readonly hex: string };
type OldRow = Readonly<Record<string, Cell>>;

interface OldObject {
  readonly layout: readonly string[];
  readonly rows: Readonly<Record<string, readonly OldRow[]>>;
}

interface OldNode {
  readonly requestSeed: string;
  readonly lockSeed: string;
  readonly nodeKey: string;
}

interface Old {
  readonly version: number;
  readonly tailnet: string;
  readonly other: string;
  readonly nodes: Readonly<Record<string, OldNode>>;
  readonly authKey: string;
  readonly head: string;
  readonly authority: OldObject;
  readonly otherAuthority: OldObject;
}

/** Nodes of the tailnet that is not `other`. */
const OURS = ["alice", "bob", "carol", "dave", "erin", "frank", "waiting"] as const;
type Name = (typeof OURS)[number] | "mate";

const OLD = [version2, version3] as unknown as readonly Old[];
/** Rows that come and go. */
const PASSING = new Set(["outbox", "delivery", "session_shards", "schema"]);
/** Columns of times in the future, which have passed since. */
const FUTURE: readonly (readonly [string, string])[] = [
  ["nodes", "key_expiry"],
  ["auth_keys", "expires"],
  ["approvals", "expires"],
  ["shares", "expires"],
];

function bound(cell: Cell): string | number | null | ArrayBuffer {
  if (cell === null || typeof cell !== "object") return cell;
  return decodeHex(cell.hex)?.slice().buffer ?? null;
}

/** The object's rows with the times in the future as far ahead as they were. */
function renewed({ layout, rows }: OldObject): OldObject {
  const made = Number(rows["tailnet"]?.[0]?.["created"]);
  const late = Date.now() - made;
  const renew = (table: string, row: OldRow): OldRow => {
    const columns = FUTURE.filter(([of]) => of === table).map(([, column]) => column);
    const times = columns.map((column) => [column, row[column]] as const);
    // What was over when it was stored is over still.
    const ahead = times.filter(([, at]) => typeof at === "number" && at > made + 60_000);
    return { ...row, ...Object.fromEntries(ahead.map(([column, at]) => [column, Number(at) + late])) };
  };
  return {
    layout,
    rows: Object.fromEntries(Object.entries(rows).map(([name, all]) => [name, all.map((row) => renew(name, row))])),
  };
}

/** Puts an object on disk as it was. Nothing of today's code has touched it yet. */
async function install(stub: DurableObjectStub, { layout, rows }: OldObject): Promise<void> {
  await runInDurableObject(stub, (_, { storage: { sql } }) => {
    for (const statement of layout) sql.exec(statement).toArray();
    for (const [table, all] of Object.entries(rows))
      for (const row of all) {
        const names = Object.keys(row);
        const marks = names.map(() => "?").join(", ");
        sql
          .exec(`INSERT INTO ${table} (${names.join(", ")}) VALUES (${marks})`, ...Object.values(row).map(bound))
          .toArray();
      }
  });
  await evictDurableObject(stub);
}

function shownCell(value: unknown): unknown {
  return value instanceof ArrayBuffer ? { hex: encodeHex(new Uint8Array(value)) } : value;
}

/** What of the old rows is not there any more, once today's code has opened the object. */
function lostOf(stub: DurableObjectStub, { rows }: OldObject): Promise<unknown[]> {
  return runInDurableObject(stub, (_, { storage: { sql } }) =>
    Object.entries(rows)
      .filter(([table, all]) => !PASSING.has(table) && all.length > 0)
      .flatMap(([table, all]) => {
        const names = Object.keys(all[0] ?? {});
        const now = sql.exec(`SELECT ${names.join(", ")} FROM ${table}`).toArray();
        const texts = new Set(now.map((row) => JSON.stringify(names.map((name) => shownCell(row[name])))));
        return all
          .map((row) => JSON.stringify(names.map((name) => row[name])))
          .filter((text) => !texts.has(text))
          .map((text) => [table, text]);
      }),
  );
}

function nodeOf(name: string, { requestSeed, lockSeed, nodeKey }: OldNode): TestNode {
  const signer = (hex: string) => {
    const seed = decodeHex(hex) ?? new Uint8Array(32);
    return { ...fastSigner(seed), seed };
  };
  const requestKey = signer(requestSeed);
  const keys = { requestKey, lockKey: signer(lockSeed), machineKey: machineKeyOf(requestKey.publicKey) };
  return Object.assign(new TestNode(name), keys, { nodeKey: nodeKey as NodeKey });
}

/** Puts both tailnets in place, with the routes to them, and gives their nodes. */
async function restore(old: Old): Promise<Readonly<Record<Name, TestNode>>> {
  const tailnets = env.DIRECTORY.get(env.DIRECTORY.idFromName("tailnets"));
  for (const [id, object] of [
    [old.tailnet, old.authority],
    [old.other, old.otherAuthority],
  ] as const) {
    await install(authorityOf(id), object);
    await tailnets.list(id, `${id.toLowerCase()}.old.test`);
  }
  const nodes = Object.entries(old.nodes).map(([name, node]) => [name, nodeOf(name, node)] as const);
  for (const [name, node] of nodes) {
    if (name === "waiting") continue;
    const bucket = env.DIRECTORY.get(env.DIRECTORY.idFromName(bucketOf(node.machineKey)));
    await bucket.route(node.machineKey, node.nodeKey, name === "mate" ? old.other : old.tailnet);
  }
  return Object.fromEntries(nodes) as Record<Name, TestNode>;
}

/** SHA-256 of each list of statements that has landed, cut short. A new one gets a line; no line changes. */
const PINNED = {
  authority: ["e459e7bfdbf2695e", "9121c785d0e92ed4", "cd0beeca16e3abb2"],
  directory: ["c4cf3ceffc895ff0", "82d19f9919b61955", "80812aafd2b03e9e"],
};

test("migrations that have landed are as they were", () => {
  const digest = (list: readonly string[]): string =>
    createHash("sha256").update(JSON.stringify(list)).digest("hex").slice(0, 16);
  expect(AUTHORITY_MIGRATIONS.slice(0, 3).map(digest)).toEqual(PINNED.authority);
  expect(DIRECTORY_MIGRATIONS.slice(0, 3).map(digest)).toEqual(PINNED.directory);
});

describe("a directory's object", () => {
  /** What each version had, with a row of everything. */
  const ROWS = [
    "INSERT INTO routes (machine_key, node_key, tailnet) VALUES ('mkey:1', 'nodekey:1', 'T0123456789')",
    "INSERT INTO tailnets (id, name, created) VALUES ('T0123456789', 'old.test', 1800000000000)",
    `INSERT INTO logins (id, machine_key, node_key, hostname, os, created, expires, state, tailnet)
     VALUES ('login', 'mkey:2', 'nodekey:2', 'host', 'linux', 1, 9000000000000, 'waiting', NULL)`,
  ];

  test.each([1, 2, 3])("of version %i is opened with its routes, tailnets and logins", async (version) => {
    const stub = env.DIRECTORY.get(env.DIRECTORY.idFromName(`old-directory-${version}`));
    await runInDurableObject(stub, (_, { storage: { sql } }) => {
      // It has made its tables by being opened: away with them.
      const tables = sql.exec<{ name: string }>(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'",
      );
      for (const { name } of tables.toArray()) sql.exec(`DROP TABLE ${name}`).toArray();
      sql.exec("CREATE TABLE schema (version INTEGER NOT NULL)").toArray();
      sql.exec("INSERT INTO schema VALUES (?)", version).toArray();
      for (const statement of DIRECTORY_MIGRATIONS.slice(0, version).flat()) sql.exec(statement).toArray();
      for (const row of ROWS.slice(0, version === 1 ? 2 : 3)) sql.exec(row).toArray();
    });
    await evictDurableObject(stub);
    expect(await stub.find("mkey:1" as never, "nodekey:1" as never)).toBe("T0123456789");
    expect(await stub.named("old.test")).toEqual({ id: "T0123456789", name: "old.test", created: 1800000000000 });
    const login = await stub.login("login");
    expect(login?.hostname).toBe(version === 1 ? undefined : "host");
    const layout = await runInDurableObject(stub, (_, { storage: { sql } }) =>
      sql
        .exec<{ sql: string }>(
          "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE '\\_cf%' ESCAPE '\\' AND name NOT LIKE 'sqlite%' ORDER BY name",
        )
        .toArray(),
    );
    const oneLine = (text: string): string => text.replaceAll(/\s+/g, " ");
    expect(layout.map(({ sql }) => oneLine(sql))).toEqual(CURRENT_DIRECTORY_LAYOUT.map(oneLine));
  });
});

describe.each(OLD.map((old) => [old.version, old] as const))("tailnets as version %i left them", (_, given) => {
  const old = { ...given, authority: renewed(given.authority), otherAuthority: renewed(given.otherAuthority) };
  let nodes: Readonly<Record<Name, TestNode>>;

  beforeAll(async () => {
    nodes = await restore(old);
  });

  test("lose no row and no value of it by being opened", async () => {
    const { tailnet, other } = old;
    expect(await lostOf(authorityOf(tailnet), old.authority)).toEqual([]);
    expect(await lostOf(authorityOf(other), old.otherAuthority)).toEqual([]);
    const version = (_: unknown, { storage }: DurableObjectState) =>
      storage.sql.exec<{ version: number }>("SELECT version FROM schema").one().version;
    expect(await runInDurableObject(authorityOf(tailnet), version)).toBe(AUTHORITY_MIGRATIONS.length);
  });

  test("show their nodes the lock, each other, and what is shared", async () => {
    const map = await nodes.alice.map();
    expect(map.TKAInfo?.Head).toBe(old.head);
    const peers = await peersOf(nodes.alice);
    for (const name of ["bob", "carol", "dave"] as const)
      expect(peers.get(nodes[name].nodeKey)?.KeySignature.length).toBeGreaterThan(0);
    expect(peers.has(nodes.mate.nodeKey)).toBe(false);
    expect((await peersOf(nodes.mate)).has(nodes.carol.nodeKey)).toBe(true);
    expect((await peersOf(nodes.carol)).has(nodes.mate.nodeKey)).toBe(true);
  });

  test("have an owner, whose the devices are, and a log whose hashes hold", async () => {
    const { json } = await admin("GET", `/api/v2/tailnet/${old.tailnet}/users`);
    expect(json["users"]).toMatchObject([{ role: "owner", status: "active" }]);
    const whose = await runInDurableObject(authorityOf(old.tailnet), (_, { storage: { sql } }) =>
      sql.exec("SELECT COUNT(*) AS nodes, COUNT(user) AS theirs FROM nodes WHERE home IS NULL").one(),
    );
    expect(whose).toEqual({ nodes: 6, theirs: 6 });
    const broken = await runInDurableObject(authorityOf(old.tailnet), (_, { storage }) => {
      const events = new Events(new Store(storage)).after(0, 1000);
      const follows = events.filter((event, i) => {
        const before = events[i - 1]?.hash ?? new Uint8Array(0);
        return encodeHex(eventHash(before, event)) === encodeHex(event.hash);
      });
      return events.length - follows.length;
    });
    expect(broken).toBe(0);
  });

  test("go on: a signature, a change of the lock, a node let in by an old key, and one by an old approval", async () => {
    const { alice, frank, waiting } = nodes;
    const logins = env.DIRECTORY.get(env.DIRECTORY.idFromName(LOGINS_BUCKET));
    const { machineKey, nodeKey } = waiting;
    const login = await logins.openLogin({
      machineKey,
      nodeKey,
      hostname: "waiting",
      os: "linux",
      tags: [],
      tailnet: null,
    });
    const id = valueOf(login).id;
    await logins.settleLogin(id, "approved", old.tailnet);
    expect((await sign(alice, frank)).status).toBe(200);
    const chain = await LocalChain.of(alice);
    await chain.change((builder) => builder.setKeyVotes(alice.lockKey.publicKey, 9n));
    expect((await alice.map()).TKAInfo?.Head).not.toBe(old.head);
    const late = new TestNode("late");
    expect((await late.register(old.authKey)).status).toBe(200);
    const { MachineAuthorized } = accepted(
      await waiting.register("", { Auth: null, Followup: `${ORIGIN}/login/${id}` }),
      registerResponse,
    );
    expect(MachineAuthorized).toBe(true);
    expect([...(await peersOf(alice)).keys()]).toEqual(expect.arrayContaining([late.nodeKey, waiting.nodeKey]));
    expect((await alice.tka("syncOffer", { Head: old.head, Ancestors: [] })).status).toBe(200);
    await join(old.tailnet, new TestNode("another"));
  });

  test("are written into the record anew, and found equal", async () => {
    await rebuild(old.tailnet);
    const { found, left } = await rebuild(old.tailnet);
    expect([found, left]).toEqual(Array.from({ length: 2 }, () => ({ missing: 0, differing: 0, surplus: 0 })));
  });

  if (old.version === 3)
    test("keep the policy, and where nodes can be reached", async () => {
      const { json } = await admin("GET", `/api/v2/tailnet/${old.tailnet}/acl`);
      expect(JSON.stringify(json)).toContain("tcp:22");
      expect((await peersOf(nodes.bob)).get(nodes.alice.nodeKey)?.Endpoints).toEqual(["192.0.2.1:41641"]);
    });
});
