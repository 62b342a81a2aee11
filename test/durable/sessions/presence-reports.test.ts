/** What sessions objects say of who is connected, where calls fail, hang, or overtake one another [M14] [X1] [X19] [X20]. */

import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import { TailnetAuthority } from "../../../src/durable/index.ts";
import { authorityOf, join, makeTailnet, sessions } from "../../support/workerd/control.ts";
import { inItForThisTest } from "../../support/workerd/for-this-test.ts";
import { itsTurn } from "../../support/workerd/news.ts";
import { TestNode } from "../../support/workerd/test-node.ts";
import { eventually } from "../../support/eventually.ts";

const NETWORKED = { DiscoKey: `discokey:${"a".repeat(64)}` };

interface Stage {
  readonly tailnet: string;
  readonly alice: TestNode;
  readonly bob: TestNode;
}

/** Waits are short in the object that holds the tailnet's sockets. */
async function newStage(): Promise<Stage> {
  const tailnet = await makeTailnet();
  const [alice, bob] = [new TestNode("alice"), new TestNode("bob")];
  await join(tailnet, alice, bob);
  const shard = sessions(tailnet, "socket");
  await inItForThisTest(shard, (object) => object, { comparingMs: 50 });
  await inItForThisTest(shard, ({ presence }) => presence, { graceMs: 50, pauseMs: 10, retryMs: 10 });
  return { tailnet, alice, bob };
}

async function listen(node: TestNode): Promise<void> {
  const socket = await node.listen(NETWORKED);
  await socket.next();
}

/** What a third party is told of bob. */
async function online({ alice }: Stage): Promise<boolean | null | undefined> {
  return (await alice.map()).Peers?.[0]?.Online;
}

/** Comparisons of the tailnet wait until they are let go; other tests' objects run on meanwhile. */
function heldComparisons(tailnet: string): { count: number; isOpen: boolean } {
  const gate = { count: 0, isOpen: false };
  const holds = Object.getOwnPropertyDescriptor(TailnetAuthority.prototype, "holds")
    ?.value as TailnetAuthority["holds"];
  vi.spyOn(TailnetAuthority.prototype, "holds").mockImplementation(async function (this: TailnetAuthority, ...given) {
    const summary = await this.summary();
    if (!summary.ok || summary.value.id !== tailnet) return holds.apply(this, given);
    gate.count++;
    while (!gate.isOpen) await new Promise((resolve) => setTimeout(resolve, 5));
    return holds.apply(this, given);
  });
  return gate;
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe("who is connected", () => {
  test("is said again where the authority was not reached [X19]", async () => {
    const stage = await newStage();
    const warnings = vi.spyOn(console, "warn").mockReturnValue();
    vi.spyOn(TailnetAuthority.prototype, "comings").mockRejectedValueOnce(new Error("the authority is away"));
    await listen(stage.bob);
    await eventually(async () => expect(await online(stage)).toBe(true));
    expect(warnings).toHaveBeenCalled();
  });

  test("is told after a comparison that is under way, which cannot undo it then [X19]", async () => {
    const stage = await newStage();
    const gate = heldComparisons(stage.tailnet);
    const comparison = runInDurableObject(sessions(stage.tailnet, "socket"), ({ presence }) =>
      presence.compare(stage.tailnet),
    );
    await eventually(() => expect(gate.count).toBe(1));
    await listen(stage.bob);
    expect(await online(stage)).not.toBe(true);
    gate.isOpen = true;
    await comparison;
    await eventually(async () => expect(await online(stage)).toBe(true));
  });

  test("keeps no alarm waiting: others' clients wait for the next one's keep-alives [X1]", async () => {
    const stage = await newStage();
    await listen(stage.bob);
    await eventually(async () => expect(await online(stage)).toBe(true));
    const gate = heldComparisons(stage.tailnet);
    const shard = sessions(stage.tailnet, "socket");
    await itsTurn(stage.tailnet);
    expect([await runDurableObjectAlarm(shard), await runDurableObjectAlarm(shard)]).toEqual([true, true]);
    // One comparison of a tailnet at a time.
    await eventually(() => expect(gate.count).toBe(1));
    gate.isOpen = true;
  });

  test("is said by the object that told of it last: late word of another takes nothing away [M14]", async () => {
    const stage = await newStage();
    const authority = authorityOf(stage.tailnet);
    const nodeId = (await stage.alice.map()).Peers?.[0]?.ID ?? 0;
    for (const [holder, isOnline] of [
      ["one", true],
      ["other", true],
      ["one", false],
    ] as const)
      await authority.comings(holder, [{ nodeId, online: isOnline }]);
    expect(await online(stage)).toBe(true);
    await authority.comings("other", [{ nodeId, online: false }]);
    expect(await online(stage)).toBe(false);
  });
});
