/**
 * The tables as they are on disk. What stands here has landed: a migration adds to it, and never changes a line that is there. The second
 * half opens an object as version 1 left it.
 */

import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { AUTHORITY_MIGRATIONS } from "../../../src/durable/authority/schema.ts";
import { Store } from "../../../src/durable/store.ts";
import { encodeHex } from "../../../src/tka/index.ts";
import { authorityOf, dump, join, makeTailnet, sql } from "../../support/workerd/control.ts";
import { lockedScene } from "../../support/workerd/locked.ts";
import { TestNode } from "../../support/workerd/test-node.ts";
import { CURRENT_DIRECTORY_LAYOUT, CURRENT_LAYOUT } from "./current-layout.ts";
import { AUTHORITY_LAYOUT, AUTHORITY_ROWS, GENESIS, NODE, UPDATE } from "./version-1.ts";

/** A statement with every run of white space as one space. */
function oneLine(statement: string): string {
  return statement.replaceAll(/\s+/g, " ");
}

/** The statements that made what an object has, SQLite's own tables aside. */
function layout(state: DurableObjectState): string[] {
  const rows = state.storage.sql
    .exec<{ sql: string | null }>(
      "SELECT sql FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\' AND name NOT LIKE 'sqlite%' ORDER BY name",
    )
    .toArray();
  return rows.flatMap(({ sql }) => (sql === null ? [] : [oneLine(sql)]));
}

describe("the layout", () => {
  test("of a tailnet's object", async () => {
    const tailnet = await makeTailnet();
    const found = await runInDurableObject(authorityOf(tailnet), (_, state) => layout(state));
    expect(found).toEqual(CURRENT_LAYOUT.map(oneLine));
  });

  test("of a directory's object", async () => {
    const bucket = env.DIRECTORY.get(env.DIRECTORY.idFromName("machines-0"));
    const found = await runInDurableObject(bucket, (_, state) => layout(state));
    expect(found).toEqual(CURRENT_DIRECTORY_LAYOUT.map(oneLine));
  });
});

describe("an object as version 1 left it", () => {
  test("is opened, shown and written to", async () => {
    const stub = authorityOf("T0123456789");
    await sql("T0123456789", ...AUTHORITY_LAYOUT, ...AUTHORITY_ROWS);
    await evictDurableObject(stub);
    const exported = await stub.exportLock();
    if (!exported.ok) throw new Error(exported.error.message);
    expect(exported.value.aums.map((bytes) => encodeHex(bytes))).toEqual([GENESIS.hex, UPDATE.hex]);
    const changes = await stub.changes({ since: 0 });
    if (!changes.ok) throw new Error(changes.error.message);
    const { epoch, seq, lock, nodes } = changes.value;
    expect([epoch, seq, lock]).toEqual(["e0123456789", 5, { changed: 4, head: UPDATE.hash }]);
    expect(nodes.map(({ node }) => [node.Key, node.Tags, encodeHex(node.KeySignature)])).toEqual([
      [NODE.key, ["tag:ci"], NODE.signature],
    ]);
    // By the tailnet in its ID, admins find the device.
    expect(nodes.map(({ node }) => node.StableID)).toEqual(["n0123456789T0123456789"]);
    const dave = new TestNode("dave");
    await join("T0123456789", dave);
    expect((await dave.map()).Peers?.map(({ Key }) => Key)).toEqual([NODE.key]);
  });
});

describe("migrations", () => {
  test("run once, whole, and never backwards", async () => {
    await runInDurableObject(authorityOf("migrations"), (_, { storage }) => {
      const store = new Store(storage);
      expect(store.isEmpty()).toBe(true);
      store.migrate(AUTHORITY_MIGRATIONS);
      const more = [...AUTHORITY_MIGRATIONS, ["CREATE TABLE later (a TEXT)", "no statement at all"]];
      expect(() => store.migrate(more)).toThrow();
      expect(store.row("SELECT version FROM schema")?.integer("version")).toBe(AUTHORITY_MIGRATIONS.length);
      expect(store.row("SELECT 1 FROM sqlite_master WHERE name = 'later'")).toBeNull();
      store.migrate(AUTHORITY_MIGRATIONS);
      store.run("UPDATE schema SET version = 99");
      expect(() => store.migrate(AUTHORITY_MIGRATIONS)).toThrow("newer than this code");
    });
  });

  test("leave an object as it was when it is opened again", async () => {
    const { tailnet, alice } = await lockedScene();
    const read = () => runInDurableObject(authorityOf(tailnet), (_, state) => [layout(state), dump(state)]);
    const map = await alice.map();
    const before = await read();
    await evictDurableObject(authorityOf(tailnet));
    expect(await read()).toEqual(before);
    expect(await alice.map()).toEqual(map);
  });
});
