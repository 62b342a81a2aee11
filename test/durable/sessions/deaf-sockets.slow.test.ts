/** Nodes that open their maps and take nothing: they hold up nobody else in the object that they share [X8]. */

import { describe, expect, test } from "vitest";
import { join, neighbourOf } from "../../support/workerd/control.ts";
import { crowd } from "../../support/workerd/crowd.ts";
import { unlockedScene, type Scene } from "../../support/workerd/locked.ts";
import type { MapSocket } from "../../support/workerd/map-socket.ts";
import { TestNode } from "../../support/workerd/test-node.ts";
import { eventually } from "../../support/eventually.ts";

describe("first maps that nobody takes", () => {
  /** Fills the object: more is under way to nodes of one tailnet than first maps may take together. */
  async function crowded(): Promise<Scene> {
    const scene = await unlockedScene();
    await crowd(scene.tailnet, 280, 6600);
    const nodes = Array.from({ length: 7 }, (_, i) => new TestNode(`deaf-${i}`));
    await join(scene.tailnet, ...nodes);
    const deaf: MapSocket[] = [];
    for (const node of nodes) for (let i = 0; i < 4; i++) deaf.push(await node.listen());
    await eventually(() => {
      expect(deaf.filter(({ unread }) => unread > 0).length).toBeGreaterThan(24);
    });
    return scene;
  }

  test("keep no other tailnet of the same object waiting [X8]", async () => {
    const { tailnet } = await crowded();
    const other = await neighbourOf(tailnet);
    const anna = new TestNode("anna");
    await join(other, anna);
    const socket = await anna.listen();
    await eventually(() => {
      expect(socket.unread).toBe(1);
    });
  }, 60_000);
});
