/**
 * What the writers keep: every act, and what the control plane said to it. An answer that does not come is normal: the same act is sent again
 * until there is one. What the ledger says was acknowledged must be there at the end, and what it says was refused must not.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { AgentError, ControlRefusal, ControlUnreachable } from "../../src/node/errors.ts";

export type ActKind = "append" | "sign" | "join";

export type Verdict =
  | { readonly kind: "acknowledged" }
  | { readonly kind: "refused"; readonly code: string }
  /** No answer in all the time that there was: a request that hangs, or a control plane that stays down. */
  | { readonly kind: "unanswered"; readonly why: string };

export interface Act {
  readonly kind: ActKind;
  /** What was to be stored: AUM hashes, a signature in hex, or a node key. */
  readonly ids: readonly string[];
  /** The node key that is signed, or that joins; empty for an append. */
  readonly subject: string;
  readonly verdict: Verdict;
  /** True where somebody who may not do this tried it. */
  readonly forbidden: boolean;
  /** Answers that did not come before there was one. */
  readonly lost: number;
  /** Milliseconds from the first try to the answer. */
  readonly ms: number;
}

export interface Wish {
  readonly kind: ActKind;
  readonly ids: readonly string[];
  readonly subject?: string;
  readonly forbidden?: boolean;
}

/** Milliseconds for which an act is tried. */
const PATIENCE_MS = 120_000;
const PAUSE_MS = { least: 50, most: 400 };

function pause(): Promise<void> {
  return sleep(PAUSE_MS.least + Math.random() * (PAUSE_MS.most - PAUSE_MS.least));
}

/** True where nothing was said for good: no answer, or one of a process that was just ending. */
function isLost(error: unknown): boolean {
  if (error instanceof ControlUnreachable) return true;
  return error instanceof AgentError && error.code === "bad_answer";
}

export interface Asked<T> {
  readonly verdict: Verdict;
  readonly value: T | null;
  readonly lost: number;
}

/** Sends until there is an answer. Throws what is neither an answer nor the lack of one. */
export async function untilAnswered<T>(send: () => Promise<T>): Promise<Asked<T>> {
  const end = performance.now() + PATIENCE_MS;
  for (let lost = 0; ; lost++) {
    try {
      return { verdict: { kind: "acknowledged" }, value: await send(), lost };
    } catch (error) {
      if (error instanceof ControlRefusal)
        return { verdict: { kind: "refused", code: error.refusal.code }, value: null, lost };
      if (!isLost(error)) throw error;
      if (performance.now() > end)
        return { verdict: { kind: "unanswered", why: (error as Error).message }, value: null, lost };
      await pause();
    }
  }
}

export class Ledger {
  readonly acts: Act[] = [];

  /** Does an act and writes down what came of it. */
  async act(wish: Wish, send: () => Promise<unknown>): Promise<Verdict> {
    const started = performance.now();
    const { verdict, lost } = await untilAnswered(send);
    const { kind, ids, subject = "", forbidden = false } = wish;
    this.acts.push({ kind, ids, subject, verdict, forbidden, lost, ms: performance.now() - started });
    return verdict;
  }

  /** Acts of a kind with a verdict, in the order of their answers. */
  of(kind: ActKind, verdict: Verdict["kind"]): Act[] {
    return this.acts.filter((act) => act.kind === kind && act.verdict.kind === verdict);
  }

  count(kind: ActKind, verdict: Verdict["kind"]): number {
    return this.of(kind, verdict).length;
  }

  /** Answers that were lost, over all acts. */
  get lost(): number {
    return this.acts.reduce((sum, { lost }) => sum + lost, 0);
  }

  /** Codes of refusals and how often each was given; those of forbidden acts aside. */
  refusals(): Map<string, number> {
    const codes = new Map<string, number>();
    for (const { verdict, forbidden } of this.acts)
      if (verdict.kind === "refused" && !forbidden) codes.set(verdict.code, (codes.get(verdict.code) ?? 0) + 1);
    return codes;
  }
}
