/** `lock add` and `lock remove`: as Go decides, in its order, with nobody locked out in between [Z20] [Z21]. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { ControlUnreachable } from "../../src/node/errors.ts";
import type { RequestBody } from "../../src/node/https-client.ts";
import { nodeVerifier } from "../../src/node/index.ts";
import { newSigningKey } from "../../src/node/native-crypto.ts";
import {
  authorizeNodeKey,
  decodeNodeKeySignature,
  equalBytes,
  formatLockKey,
  parseWrappedAuthKey,
  rotateSignature,
  signByCredential,
  signDirect,
  unverifiedWrappingKey,
  wrapAuthKey,
} from "../../src/tka/index.ts";
import { seen } from "../node/support/test-agent.ts";
import { mapNode, refused, type FakeControl } from "../node/support/fake-control.ts";
import { idOf, lockKey, nodeKey } from "../support/chains-keys.ts";
import { chain } from "../support/chains.ts";
import { eventually } from "../support/eventually.ts";
import { expectRefusal, lockedSeat, seat, tailward, type Seat } from "./support.ts";

const bob = formatLockKey(idOf("bob"));
const carol = formatLockKey(idOf("carol"));
const SILENCE = { code: 0, out: "", err: "" };

function trustedBy({ agent }: Seat): string[] {
  return (agent.lock.require().state.keys ?? []).map(
    ({ publicKey, votes }) => `${formatLockKey(publicKey ?? new Uint8Array(0))}?${votes}`,
  );
}

/** Bob's key trusted beside our own, and a peer that rests on it; its rotation key is `wraps`. */
async function withBob(wraps: Uint8Array | null = idOf("b's")): Promise<Seat> {
  const one = await lockedSeat();
  expect(await one.run("lock", "add", bob)).toEqual(SILENCE);
  one.control.add(mapNode(1, "b", nodeKey("b"), signDirect(nodeKey("b"), wraps, lockKey("bob"))));
  await eventually(() => expect(seen(one)).toEqual(["b"]));
  return one;
}

/** What the control plane was asked for by acts, and not by syncs. */
function asks({ control }: Seat): string[] {
  const isAct = (what: string, interactive: unknown): boolean =>
    ["affectedSigs", "sign"].includes(what) || (what === "send" && interactive === true);
  return control.asked.filter(({ what, body }) => isAct(what, body["Interactive"])).map(({ what }) => what);
}

describe("lock add", () => {
  test("trusts keys, with their votes, commas passed over, and says nothing; the next command knows of it", async () => {
    const one = await lockedSeat();
    expect(await one.run("lock", "add", `${bob},`, `${carol}?3`)).toEqual(SILENCE);
    expect(trustedBy(one)).toEqual([`${one.ownKey}?1`, `${bob}?1`, `${carol}?3`]);
    expect((await one.run("lock")).out).toContain(`\t${carol}\t3\t\n`);
  });

  test("reads a key from a file", async () => {
    const one = await lockedSeat();
    writeFileSync(join(one.directory, "key"), `${bob}\n`);
    expect(await one.run("lock", "add", `file:${join(one.directory, "key")}`)).toEqual(SILENCE);
    expect(trustedBy(one)).toContain(`${bob}?1`);
  });

  test.each<[string[], RegExp]>([
    [[], /which tailnet lock keys/],
    [[","], /which tailnet lock keys/],
    [["nonsense"], /argument 1 is not a key/],
    [[bob, "disablement:00"], /argument 2 is not a key/],
    [[`${bob}?x`], /argument 1: the votes/],
  ])("%j is refused before any agent is asked", async (args, line) => {
    expectRefusal(await tailward(null, ["lock", "add", ...args]), line);
  });

  test("what Go's authority refuses is refused, and nothing is sent", async () => {
    const one = await withBob();
    const before = asks(one).length;
    expectRefusal(await one.run("lock", "add", bob), new RegExp(`${bob} is trusted already`));
    expectRefusal(await one.run("lock", "add", carol, carol), /is trusted already/);
    expectRefusal(await one.run("lock", "add", `${carol}?0`), /votes|weight/);
    expectRefusal(await one.run("lock", "add", `${carol}?4097`), /4096/);
    expect(asks(one).slice(before)).toEqual([]);
  });

  test("without a lock, or where this node may not sign, is refused", async () => {
    const one = await seat();
    expectRefusal(await one.run("lock", "add", bob), /tailnet lock is not enabled/);
    one.control.lock(...chain("G").aums("G"));
    await eventually(() => expect(one.agent.lockStatus().Enabled).toBe(true));
    expectRefusal(await one.run("lock", "add", bob), /not trusted by Tailnet Lock; run this on a signing node/);
  });

  test("that meets somebody else's change says so, fetches it, and goes through the next time", async () => {
    const one = await lockedSeat();
    const head = one.agent.lock.require().head;
    one.control.failures.set("send", [refused("head_moved")]);
    expectRefusal(await one.run("lock", "add", bob), /changed the lock meanwhile.*try again/);
    expect(one.control.asked.at(-1)?.what).toBe("offer");
    expect(one.agent.lock.require().head).toBe(head);
    expect(await one.run("lock", "add", bob)).toEqual(SILENCE);
  });
});

describe("an answer that is lost", () => {
  /** Does what is asked, and loses the first answer. */
  function losing(control: FakeControl, rpc: "syncSend" | "sign"): void {
    const real = control[rpc].bind(control) as (body: RequestBody) => Promise<never>;
    const once = vi.spyOn(control, rpc).mockImplementationOnce(async (body) => {
      await real(body);
      throw new ControlUnreachable("lost");
    });
    onTestFinished(() => once.mockRestore());
  }

  test("of an addition or a removal does no harm: it is sent again, the same", async () => {
    const one = await withBob();
    losing(one.control, "syncSend");
    expect(await one.run("lock", "add", carol)).toEqual(SILENCE);
    losing(one.control, "sign");
    expect(await one.run("lock", "remove", bob)).toEqual(SILENCE);
    expect(trustedBy(one)).toEqual([`${one.ownKey}?1`, `${carol}?1`]);
  });

  test("for good says that the control plane cannot be reached", async () => {
    const one = await withBob();
    one.control.failures.set("send", Array<Error>(3).fill(new ControlUnreachable("no answer")));
    expectRefusal(await one.run("lock", "add", carol), /no answer/);
  });
});

describe("lock remove", () => {
  test("signs anew what rests on the key, with the rotation keys that were there, before the key goes [Z21]", async () => {
    const one = await withBob();
    const before = asks(one).length;
    const gone: string[] = [];
    const { control } = one;
    const add = control.add.bind(control);
    control.add = (node) => {
      gone.push(...(one.agent.lock.require().state.keys?.length === 1 ? [node.Name] : []));
      add(node);
    };
    expect(await one.run("lock", "remove", bob)).toEqual(SILENCE);
    expect(asks(one).slice(before)).toEqual(["affectedSigs", "sign", "send"]);
    expect(gone).toEqual([]);
    expect(trustedBy(one)).toEqual([`${one.ownKey}?1`]);
    const { KeySignature } = control.nodes.get(1) ?? mapNode(0, "none", nodeKey("none"));
    const state = one.agent.lock.require().state;
    expect(authorizeNodeKey(state, nodeKey("b"), KeySignature, nodeVerifier).rotation).toBeNull();
    expect(equalBytes(unverifiedWrappingKey(decodeNodeKeySignature(KeySignature)), idOf("b's"))).toBe(true);
    await eventually(() => expect(seen(one)).toEqual(["b"]));
  });

  test("also where the control plane leaves a node out of its list [Z20]", async () => {
    const one = await withBob();
    one.control.tamper = { affected: () => ({ Signatures: [] }) };
    expect(await one.run("lock", "remove", bob)).toEqual(SILENCE);
    await eventually(() => expect(seen(one)).toEqual(["b"]));
  });

  test("signs a node that has rotated, or joined by a signed auth key, directly", async () => {
    const one = await withBob();
    const rotated = rotateSignature(
      signDirect(nodeKey("r1"), idOf("r's"), lockKey("bob")),
      nodeKey("r2"),
      lockKey("r's"),
    );
    const throwAway = newSigningKey();
    const credential = parseWrappedAuthKey(wrapAuthKey("tskey-auth-x", lockKey("bob"), throwAway))?.credential;
    if (credential === undefined) throw new Error("no credential");
    const ours = signByCredential(credential, throwAway.signer, nodeKey("ours"), idOf("o's"));
    const theirs = signByCredential(credential, throwAway.signer, nodeKey("theirs"), new Uint8Array(0));
    one.control.add(mapNode(2, "r", nodeKey("r2"), rotated));
    one.control.add(mapNode(3, "o", nodeKey("ours"), ours));
    one.control.add(mapNode(4, "t", nodeKey("theirs"), theirs));
    await eventually(() => expect(seen(one)).toHaveLength(4));
    expect(await one.run("lock", "remove", bob)).toEqual(SILENCE);
    await eventually(() => expect(seen(one)).toHaveLength(4));
    const wraps = [2, 3, 4].map((id) => {
      const { Key, KeySignature } = one.control.nodes.get(id) ?? mapNode(0, "none", nodeKey("none"));
      expect(authorizeNodeKey(one.agent.lock.require().state, Key, KeySignature, nodeVerifier).rotation).toBeNull();
      return unverifiedWrappingKey(decodeNodeKeySignature(KeySignature));
    });
    // The throw-away key of the auth key is no key of the node's.
    expect(wraps).toEqual([idOf("r's"), idOf("o's"), null]);
  });

  test("does not sign a clone that is locked out already [Z20]", async () => {
    const one = await withBob();
    const first = signDirect(nodeKey("c0"), idOf("c's"), lockKey("bob"));
    one.control.add(mapNode(2, "c1", nodeKey("c1"), rotateSignature(first, nodeKey("c1"), lockKey("c's"))));
    one.control.add(mapNode(3, "c2", nodeKey("c2"), rotateSignature(first, nodeKey("c2"), lockKey("c's"))));
    await eventually(() => expect(one.agent.view.peers.filtered).toHaveLength(2));
    expect(await one.run("lock", "remove", bob)).toEqual(SILENCE);
    expect(one.control.asked.filter(({ what }) => what === "sign")).toHaveLength(1);
    await eventually(() => expect(seen(one)).toEqual(["b"]));
    expect(one.agent.view.peers.filtered).toHaveLength(2);
  });

  test.each<[string, () => Uint8Array, RegExp]>([
    [
      "a node that is not in our map",
      () => signDirect(nodeKey("x"), null, lockKey("bob")),
      /none of this node's peers/,
    ],
    ["another key", () => signDirect(nodeKey("b"), null, lockKey("mallory")), /does not rest on/],
    ["the key by its name alone", () => forgedSignature(), /does not rest on/],
    ["nothing that can be read", () => Uint8Array.of(1, 2, 3), /does not rest on/],
    ["nothing at all", () => new Uint8Array(0), /does not rest on/],
  ])(
    "signs nothing, and removes nothing, where the list names a signature for or by %s [Z20]",
    async (_w, make, line) => {
      const one = await withBob();
      const before = asks(one).length;
      one.control.tamper = { affected: () => ({ Signatures: [make()] }) };
      expectRefusal(await one.run("lock", "remove", bob), line);
      expect(asks(one).slice(before)).toEqual(["affectedSigs"]);
      expect(trustedBy(one)).toContain(`${bob}?1`);
    },
  );

  test("with --re-sign=false removes the key, and its nodes are locked out", async () => {
    const one = await withBob();
    const before = asks(one).length;
    expect(await one.run("lock", "remove", "--re-sign=false", `${bob},`)).toEqual(SILENCE);
    expect(asks(one).slice(before)).toEqual(["send"]);
    await eventually(() => expect(one.agent.view.peers.filtered).toHaveLength(1));
  });

  test("with --re-sign=false asks first where somebody sits there: yes is what Enter means", async () => {
    const one = await withBob();
    const args = ["lock", "remove", "-re-sign=false", bob];
    const answering = (answer: string) => (question: string) => {
      expect(question).toMatch(/\[Y\/n\] $/);
      return Promise.resolve(answer);
    };
    for (const no of ["n", "no", "what?"]) {
      const { code, out } = await tailward(one.directory, args, { ask: answering(no) });
      expect(code).toBe(0);
      expect(out).toMatch(/^Warning: .*\nNothing was removed\.\n$/);
    }
    expect(trustedBy(one)).toHaveLength(2);
    expect((await tailward(one.directory, args, { ask: answering("") })).code).toBe(0);
    expect(trustedBy(one)).toHaveLength(1);
  });

  test("of our own key is refused while signing anew, and done without", async () => {
    const one = await withBob();
    expectRefusal(await one.run("lock", "remove", one.ownKey), /own key cannot be removed.*--re-sign=false/);
    expectRefusal(await one.run("lock", "remove", "--re-sign=true", one.ownKey), /own key cannot be removed/);
    expect((await one.run("lock", "add", carol)).code).toBe(0);
    expect(await one.run("lock", "remove", "--re-sign=false", one.ownKey, carol)).toEqual(SILENCE);
    expect(trustedBy(one)).toEqual([`${bob}?1`]);
    expectRefusal(await one.run("lock", "add", carol), /not trusted by Tailnet Lock/);
  });

  test("of what cannot be removed is refused before anything is signed [Z21]", async () => {
    const one = await withBob();
    const before = asks(one).length;
    expectRefusal(await one.run("lock", "remove", bob, carol), /not trusted/);
    expectRefusal(await one.run("lock", "remove", bob, bob), /not found/);
    expectRefusal(await one.run("lock", "remove", "--re-sign=false", bob, one.ownKey), /last trusted key/);
    expect(asks(one).slice(before)).toEqual([]);
    expect((await one.run("lock", "remove", bob)).code).toBe(0);
    expectRefusal(await one.run("lock", "remove", carol), /last trusted key cannot be removed.*lock disable/);
  });

  test.each<[string[], RegExp, number]>([
    [[], /which tailnet lock keys/, 1],
    [["nonsense"], /argument 1 is not a key/, 1],
    [["--re-sign=maybe", bob], /--re-sign is true or false/, 2],
    [[bob], /no agent is running/, 1],
  ])("%j", async (args, line, code) => {
    expectRefusal(await tailward(null, ["lock", "remove", ...args]), line, code);
  });

  test("without a lock is refused", async () => {
    expectRefusal(await (await seat()).run("lock", "remove", bob), /tailnet lock is not enabled/);
  });
});

/** A signature that names Bob's key, and was made by another. */
function forgedSignature(): Uint8Array {
  return signDirect(nodeKey("b"), null, {
    publicKey: idOf("bob"),
    sign: (message) => lockKey("mallory").sign(message),
  });
}
