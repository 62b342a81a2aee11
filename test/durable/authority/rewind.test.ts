/**
 * A tailnet's object is rewound [O57]. What Cloudflare keeps of an object there is not here: the runtime's two methods are stood in for, the one that rewinds by
 * an object whose rows are put back as it ends. That the runtime on this machine has none is held too.
 */

import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test, vi } from "vitest";
import { admin, authorityOf, join, makeAuthKey, makeTailnet } from "../../support/workerd/control.ts";
import { newPerson } from "../../support/workerd/people.ts";
import { refused } from "../../support/workerd/refused.ts";
import { eventsOf } from "../../support/workerd/sharing.ts";
import { TestNode, type Answer } from "../../support/workerd/test-node.ts";

const DAY = 24 * 60 * 60 * 1000;

function restore(tailnet: string, body: object, token = env.OWNER_TOKEN): Promise<Answer> {
  return admin("POST", `/api/v2/tailnet/${tailnet}/restore`, body, token);
}

function ago(ms: number): { time: string } {
  return { time: new Date(Date.now() - ms).toISOString() };
}

type Rows = Record<string, Record<string, SqlStorageValue>[]>;

/** All rows of an object. */
function rowsOf({ sql }: DurableObjectStorage): Rows {
  const names = sql
    .exec<{ name: string }>(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'",
    )
    .toArray();
  return Object.fromEntries(names.map(({ name }) => [name, sql.exec(`SELECT * FROM ${name}`).toArray()]));
}

function putBack({ sql }: DurableObjectStorage, rows: Rows): void {
  for (const [name, all] of Object.entries(rows)) {
    sql.exec(`DELETE FROM ${name}`).toArray();
    for (const row of all) {
      const marks = Object.keys(row).map(() => "?");
      sql.exec(`INSERT INTO ${name} VALUES (${marks.join(", ")})`, ...Object.values(row)).toArray();
    }
  }
}

/** Has the object's storage be able to go back to what it is now. Gives what it was asked for. */
async function keepState(tailnet: string): Promise<unknown[]> {
  const asked: unknown[] = [];
  await runInDurableObject(authorityOf(tailnet), (_, { storage }) => {
    const rows = rowsOf(storage);
    Object.assign(storage, {
      getBookmarkForTime: (time: number) => {
        asked.push(time);
        return Promise.resolve("the-bookmark");
      },
      onNextSessionRestoreBookmark: (bookmark: string) => {
        asked.push(bookmark);
        putBack(storage, rows);
        return Promise.resolve("the-undo");
      },
    });
  });
  return asked;
}

describe("a tailnet's object", () => {
  test("is rewound, ends, and begins another epoch, of which its log tells", async () => {
    vi.spyOn(console, "error").mockReturnValue();
    const tailnet = await makeTailnet();
    const [alice, late] = [new TestNode("alice"), new TestNode("late")];
    await join(tailnet, alice);
    const epoch = (await alice.map()).MapSessionHandle;
    const asked = await keepState(tailnet);
    await join(tailnet, late);
    const before = (await eventsOf(tailnet)).length;
    const to = ago(1);
    const { status, json } = await restore(tailnet, to);
    expect([status, json]).toEqual([200, { epoch: expect.stringMatching(/^e/) as string, undo: "the-undo" }]);
    expect(asked).toEqual([Date.parse(to.time), "the-bookmark"]);
    const events = await eventsOf(tailnet);
    expect(events.length).toBeLessThan(before);
    expect(events.at(-1)).toMatchObject({ kind: "tailnet.restored" });
    refused(await late.poll(), "unknown_node");
    expect((await alice.map()).MapSessionHandle).not.toBe(epoch);
    await join(tailnet, late);
  });

  test("is not rewound to a time that is not kept, nor by anybody but the operator", async () => {
    const tailnet = await makeTailnet();
    const { token } = await newPerson(tailnet, "admin@example.com", "admin");
    refused(await restore(tailnet, ago(1), token), "forbidden");
    refused(await restore(tailnet, ago(-DAY)), "invalid_argument");
    refused(await restore(tailnet, ago(DAY)), "invalid_argument");
    refused(await restore("T0000000009", ago(0)), "unknown_tailnet");
    for (const body of [{}, { time: "yesterday" }, { time: 1 }, { bookmark: "" }, { ...ago(0), bookmark: "x" }])
      refused(await restore(tailnet, body), "malformed_request");
  });

  test("is not rewound here, where nothing is kept: it says so, and goes on as it is", async () => {
    const tailnet = await makeTailnet();
    for (const body of [ago(0), { bookmark: "00000000" }]) {
      const { status, json } = await restore(tailnet, body);
      expect([status, json["code"]]).toEqual([422, "not_supported"]);
    }
    await makeAuthKey(tailnet);
  });
});
