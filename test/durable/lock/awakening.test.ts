/** Nodes that slept through the end of a lock, and those that ignore one: what the authority knows of them [A5][A6]. */

import { runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { bootstrapResponse, emptyResponse } from "../../../src/protocol/index.ts";
import { aumHash } from "../../../src/tka/index.ts";
import { authorityOf } from "../../support/workerd/control.ts";
import { lock, lockedScene, newGenesis, newSecrets, type Scene } from "../../support/workerd/locked.ts";
import { accepted, type TestNode } from "../../support/workerd/test-node.ts";

interface Standing {
  readonly awakening: number;
  readonly ignores: number;
}

/** How the authority lists a node. */
function standing(tailnet: string, { nodeKey }: TestNode): Promise<Standing> {
  return runInDurableObject(authorityOf(tailnet), (_, { storage }) => {
    const [row] = storage.sql
      .exec("SELECT awakening, ignores_lock AS ignores FROM nodes WHERE node_key = ?", nodeKey)
      .toArray();
    return row as unknown as Standing;
  });
}

/** Says, as a poll does, which head the node has. */
async function says(node: TestNode, TKAHead: string): Promise<void> {
  expect((await node.poll({ TKAHead })).status).toBe(200);
}

/** A lock is turned off and another on; carol sleeps through both. */
async function slept(): Promise<
  Scene & { readonly oldHead: string; readonly newHead: string; readonly newSecrets: readonly Uint8Array[] }
> {
  const scene = await lockedScene();
  const { alice, carol, genesis, secrets } = scene;
  const oldHead = aumHash(genesis);
  for (const node of [alice, carol]) await says(node, oldHead);
  accepted(await alice.tka("disable", { DisablementSecret: secrets[0] }), emptyResponse);
  await says(alice, "");
  const made = newSecrets(1);
  const again = newGenesis([alice, scene.bob], made.values);
  await lock(alice, again);
  return { ...scene, oldHead, newHead: aumHash(again), newSecrets: made.secrets };
}

describe("a node that slept through the end of a lock [A5]", () => {
  test("wakes by steps: told that it is off, given the secret, given the new genesis", async () => {
    const { tailnet, carol, oldHead, newHead, secrets } = await slept();
    const at = async (): Promise<number> => (await standing(tailnet, carol)).awakening;
    expect(await at()).toBe(1);
    await says(carol, oldHead);
    expect(await at()).toBe(1);
    const { DisablementSecret } = accepted(await carol.tka("bootstrap", { Head: oldHead }), bootstrapResponse);
    expect([DisablementSecret, await at()]).toEqual([secrets[0], 2]);
    await says(carol, "");
    expect(await at()).toBe(2);
    accepted(await carol.tka("bootstrap"), bootstrapResponse);
    expect(await at()).toBe(0);
    await says(carol, newHead);
    expect(await at()).toBe(0);
  });

  test("is a node like all others from then on, whatever head it says it has", async () => {
    const { tailnet, carol, oldHead } = await slept();
    accepted(await carol.tka("bootstrap", { Head: oldHead }), bootstrapResponse);
    accepted(await carol.tka("bootstrap"), bootstrapResponse);
    await says(carol, oldHead);
    expect((await standing(tailnet, carol)).awakening).toBe(0);
  });

  test("is told once more that the lock is off where the secret did not arrive: a Tailscale client asks for it then alone", async () => {
    const { tailnet, carol, oldHead, secrets } = await slept();
    const at = async (): Promise<number> => (await standing(tailnet, carol)).awakening;
    accepted(await carol.tka("bootstrap", { Head: oldHead }), bootstrapResponse);
    expect(await at()).toBe(2);
    await says(carol, oldHead);
    expect(await at()).toBe(1);
    const { DisablementSecret } = accepted(await carol.tka("bootstrap", { Head: oldHead }), bootstrapResponse);
    expect([DisablementSecret, await at()]).toEqual([secrets[0], 2]);
  });

  test("whose lock is gone already goes on with the new head", async () => {
    const { tailnet, carol } = await slept();
    await says(carol, "");
    expect((await standing(tailnet, carol)).awakening).toBe(2);
  });

  test("is no other: nodes that were awake, and strangers' heads, change nothing", async () => {
    const { tailnet, alice, bob } = await slept();
    expect((await standing(tailnet, alice)).awakening).toBe(0);
    await says(bob, "A".repeat(52));
    await says(bob, "no hash at all");
    expect((await standing(tailnet, bob)).awakening).toBe(0);
  });

  test("may sleep through several, and is given the secret of its own chain", async () => {
    const { tailnet, alice, bob, carol, oldHead, newHead, secrets, newSecrets: second } = await slept();
    await says(bob, newHead);
    accepted(await alice.tka("disable", { DisablementSecret: second[0] }), emptyResponse);
    await lock(alice, newGenesis([alice, bob], newSecrets(1).values));
    for (const [node, head, secret] of [
      [carol, oldHead, secrets[0]],
      [bob, newHead, second[0]],
    ] as const) {
      expect((await standing(tailnet, node)).awakening).toBe(1);
      const { DisablementSecret } = accepted(await node.tka("bootstrap", { Head: head }), bootstrapResponse);
      expect(DisablementSecret).toEqual(secret);
      expect((await standing(tailnet, node)).awakening).toBe(2);
    }
  });
});

describe("a node that ignores the lock by its owner's choice [A6]", () => {
  test("is listed as such until it follows again", async () => {
    const { tailnet, carol, genesis } = await lockedScene();
    await says(carol, "");
    expect((await standing(tailnet, carol)).ignores).toBe(0);
    await says(carol, aumHash(genesis));
    await says(carol, "");
    expect((await standing(tailnet, carol)).ignores).toBe(1);
    await says(carol, "");
    expect((await standing(tailnet, carol)).ignores).toBe(1);
    await says(carol, aumHash(genesis));
    expect((await standing(tailnet, carol)).ignores).toBe(0);
  });
});
