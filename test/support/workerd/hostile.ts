/**
 * Tables of hostile requests: each is refused with its code, its status, a sentence and, for a conflict, the head that counts; nothing is
 * stored; and the object goes on serving.
 */

import { beforeAll, describe, expect, test } from "vitest";
import type { ControlErrorCode } from "../../../src/protocol/index.ts";
import type { AumHash } from "../../../src/tka/index.ts";
import { STATUS_OF } from "../../../src/worker/http-errors.ts";
import { stored, withoutLog } from "./control.ts";
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
}

/** Conflicts that have nothing to do with the lock. */
const HEADLESS = new Set<ControlErrorCode>(["node_key_owned"]);

/** Refusals that are on the record [W24]: they change nothing else. */
const RECORDED = new Set<ControlErrorCode>(["incorrect_secret"]);

function apart(code: ControlErrorCode, all: Record<string, unknown>): Record<string, unknown> {
  const authority = all["authority"] as Record<string, string[]>;
  return RECORDED.has(code) ? { ...all, authority: withoutLog(authority) } : all;
}

async function headOf({ alice }: Scene): Promise<AumHash | undefined> {
  return (await alice.map()).TKAInfo?.Head ?? undefined;
}

async function check<S extends Scene>(
  scene: S,
  head: AumHash | undefined,
  nodes: readonly TestNode[],
  hostile: Hostile<S>,
): Promise<void> {
  await hostile.arrange?.(scene);
  const before = await stored(scene.tailnet, nodes);
  const answer = await hostile.attempt(scene);
  const refusal = refused(answer, hostile.code);
  expect(answer.status).toBe(STATUS_OF[hostile.code]);
  if (answer.status === 409 && !HEADLESS.has(hostile.code)) expect(refusal.head).toBe(head);
  if (hostile.index !== undefined) expect(refusal.index).toBe(hostile.index);
  expect(apart(hostile.code, await stored(scene.tailnet, nodes))).toEqual(apart(hostile.code, before));
  expect(await headOf(scene)).toBe(head);
}

/** Runs a table over one scene, which no case may change. `routed` are nodes whose routes must not change either. */
export function hostileTable<S extends Scene>(
  title: string,
  makeScene: () => Promise<S>,
  cases: readonly Hostile<S>[],
  routed: (scene: S) => readonly TestNode[] = () => [],
): void {
  describe(title, () => {
    let scene: S;
    let head: AumHash | undefined;
    beforeAll(async () => {
      scene = await makeScene();
      head = await headOf(scene);
    });
    test.each(cases)("$name: $code", async (hostile) => {
      await check(scene, head, routed(scene), hostile);
    });
  });
}
