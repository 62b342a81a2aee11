/**
 * Tables of hostile requests: each is refused with its code, its status, a sentence and, for a conflict, the head that counts; nothing is
 * stored; and the object goes on serving.
 */

import { beforeAll, describe, expect, test } from "vitest";
import type { ControlErrorCode } from "../../../src/protocol/index.ts";
import { STATUS_OF } from "../../../src/worker/http-errors.ts";
import { stored } from "./control.ts";
import type { Scene } from "./locked.ts";
import { refused } from "./refused.ts";
import type { Answer, TestNode } from "./test-node.ts";

export interface Hostile<S> {
  readonly name: string;
  readonly code: ControlErrorCode;
  /** Index of the AUM at fault, in the batch. */
  readonly index?: number;
  /** What must have happened before: it may be stored. */
  readonly arrange?: (scene: S) => Promise<unknown>;
  readonly attempt: (scene: S) => Promise<Answer>;
  /** What is undone afterwards, whatever happened. */
  readonly restore?: (scene: S) => unknown;
}

/** Conflicts that have nothing to do with the lock. */
const HEADLESS = new Set<ControlErrorCode>(["node_key_owned"]);

async function check<S extends Scene>(scene: S, others: readonly TestNode[], hostile: Hostile<S>): Promise<void> {
  const nodes = [scene.alice, scene.bob, scene.carol, ...others];
  await hostile.arrange?.(scene);
  const head = (await scene.alice.map()).TKAInfo?.Head ?? undefined;
  const before = await stored(scene.tailnet, nodes);
  try {
    const answer = await hostile.attempt(scene);
    const refusal = refused(answer, hostile.code);
    expect(answer.status).toBe(STATUS_OF[hostile.code]);
    if (answer.status === 409 && !HEADLESS.has(hostile.code)) expect(refusal.head).toBe(head);
    if (hostile.index !== undefined) expect(refusal.index).toBe(hostile.index);
  } finally {
    await hostile.restore?.(scene);
  }
  expect(await stored(scene.tailnet, nodes)).toEqual(before);
  expect((await scene.bob.map()).TKAInfo?.Head ?? undefined).toBe(head);
}

/** Runs a table over one scene, which no case may change. `others` are nodes whose routes must not change either. */
export function hostileTable<S extends Scene>(
  title: string,
  makeScene: () => Promise<S>,
  cases: readonly Hostile<S>[],
  others: (scene: S) => readonly TestNode[] = () => [],
): void {
  describe(title, () => {
    let scene: S;
    beforeAll(async () => {
      scene = await makeScene();
    });
    test.each(cases)("$name: $code", async (hostile) => {
      await check(scene, others(scene), hostile);
    });
  });
}
