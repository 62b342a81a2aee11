/** The Chonk over an object's SQLite keeps the contract, inside a real object, and what it stores keeps its form. */

import { runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { AUTHORITY_MIGRATIONS } from "../../../src/durable/authority/schema.ts";
import { SqliteChonk } from "../../../src/durable/lock/sqlite-chonk.ts";
import { Store } from "../../../src/durable/store.ts";
import { bootstrap, encodeHex, inform, type Chonk } from "../../../src/tka/index.ts";
import { chonkContract } from "../../contract/chonk.ts";
import { setVotes } from "../../support/chains-recipes.ts";
import { chain } from "../../support/chains.ts";
import { codeOf } from "../../support/expect-code.ts";
import { fastVerifier } from "../../support/host-crypto.ts";
import { authorityOf } from "../../support/workerd/control.ts";
import { GENESIS, UPDATE } from "../authority/version-1.ts";

let objects = 0;

/** Runs `body` inside an object of its own that has an empty chain. */
function withStore(body: (store: Store, open: (chain?: number) => Chonk) => void): Promise<void> {
  const name = `chonk ${objects++}`;
  return runInDurableObject(authorityOf(name), (_, { storage }) => {
    const store = new Store(storage);
    store.migrate(AUTHORITY_MIGRATIONS);
    store.run("INSERT INTO chains (id, genesis, finish_digest, enabled, retired) VALUES (1, '', x'', 0, NULL)");
    store.run("INSERT INTO chains (id, genesis, finish_digest, enabled, retired) VALUES (2, '', x'', 0, 1)");
    body(store, (id = 1) => new SqliteChonk(store, id));
  });
}

chonkContract("SqliteChonk", (use) => withStore((_, open) => use(open(), open)));

describe("the Chonk over SQLite", () => {
  const c = chain("G -> A", { aums: { A: setVotes("alice", 2) } });

  test("keeps to its own chain, of several in one object", async () => {
    await withStore((_, open) => {
      const [active, retired] = [open(1), open(2)];
      bootstrap(retired, c.aum("G"), fastVerifier, 1);
      expect([active.head(), active.hashes(), active.heads()]).toEqual([null, [], []]);
      bootstrap(active, c.aum("G"), fastVerifier, 2);
      active.removeAll();
      expect([retired.head(), retired.commitTime(c.hash("G"))]).toEqual([c.hash("G"), 1]);
    });
  });

  test("leaves nothing of a commit whose transaction fails around it", async () => {
    await withStore((store, open) => {
      const chonk = open();
      const authority = bootstrap(chonk, c.aum("G"), fastVerifier, 1);
      const act = (): undefined => {
        inform(chonk, authority, c.aums("A"), fastVerifier, 2);
        throw new Error("afterwards");
      };
      expect(() => store.transaction(act)).toThrow("afterwards");
      expect([chonk.head(), chonk.aum(c.hash("A")), chonk.children(c.hash("G"))]).toEqual([c.hash("G"), null, []]);
      expect(inform(chonk, authority, c.aums("A"), fastVerifier, 3).head).toBe(c.hash("A"));
    });
  });

  test("says that a damaged row is damaged", async () => {
    await withStore((store, open) => {
      bootstrap(open(), c.aum("G"), fastVerifier, 1);
      store.run("UPDATE aums SET bytes = ?", c.sealed("A").bytes);
      expect(codeOf(() => open().aum(c.hash("G")))).toBe("corrupt_storage");
    });
  });

  test("stores an AUM as these bytes", async () => {
    await withStore((store, open) => {
      const chonk = open();
      inform(chonk, bootstrap(chonk, c.aum("G"), fastVerifier, 1), c.aums("A"), fastVerifier, 2);
      const rows = store.rows("SELECT * FROM aums ORDER BY committed");
      const shown = rows.map((row) => [row.text("hash"), row.textOrNull("parent"), encodeHex(row.bytes("bytes"))]);
      expect(shown).toEqual([
        [GENESIS.hash, null, GENESIS.hex],
        [UPDATE.hash, GENESIS.hash, UPDATE.hex],
      ]);
      expect(store.row("SELECT head, ancestor FROM chains WHERE id = 1")?.text("head")).toBe(c.hash("A"));
    });
  });
});
