/**
 * Syncs between implementations: the same two nodes, played by ours, by v1.104 and by v1.102. Offers made by one are answered by another, and
 * what is sent is told to the third. Each play is judged by equality where both sides make the same offers; old offers differ, heads must not.
 *
 *   1. v1.102 makes offers         2. v1.104 and ours answer them, and make their own
 *   3. v1.102 answers those        4. all three are told all that was sent: same heads, same AUMs stored
 */

import type { OurAnswer } from "../../support/answer.ts";
import type { Answer } from "../oracle-client.ts";
import type { Case } from "./case.ts";
import { equalJson } from "./compare.ts";
import { longChain } from "./long-chain.ts";
import { tell, webSettings, type PlayStep } from "./kind-web.ts";
import type { Random } from "./random.ts";
import { randomWeb } from "./web.ts";

interface OfferText {
  readonly head: string;
  readonly ancestors: readonly string[];
}

/** The last answers of a play, those that were refused as null. */
function lastAnswers<T>(answer: Answer | OurAnswer, count: number): (T | null)[] {
  if (!("ok" in answer)) return Array.from({ length: count }, () => null);
  const { steps } = answer.ok as { readonly steps: readonly (Answer<T> | OurAnswer)[] };
  return steps.slice(-count).map((step) => ("ok" in step ? (step.ok as T) : null));
}

const OFFERS: readonly PlayStep[] = [
  { do: "offer", node: "a" },
  { do: "offer", node: "b" },
];
const HEADS: readonly PlayStep[] = [
  { do: "head", node: "a" },
  { do: "head", node: "b" },
];

function missing(node: string, offer: OfferText | null): PlayStep {
  return { do: "missing", node, head: offer?.head ?? "", ancestors: offer?.ancestors ?? [] };
}

function told(node: string, sent: { readonly aums: readonly string[] } | null): PlayStep {
  return { do: "inform", node, aums: sent?.aums ?? [] };
}

function play(steps: readonly PlayStep[]): Case["request"] {
  return { op: "play", steps };
}

/** What two modules of Go's differ in, by design: what they offer, and how far they look for what is common. */
function ignoreAnswers(): null {
  return null;
}

/** Both nodes of Go's old module, and ours, end alike. */
function sameHeads(go: Answer, ours: OurAnswer): string | null {
  const [goHeads, ourHeads] = [lastAnswers<object>(go, 2), lastAnswers<object>(ours, 2)];
  return equalJson(goHeads, ourHeads) ? null : `heads: Go ${JSON.stringify(goHeads)}, ours ${JSON.stringify(ourHeads)}`;
}

function allTold(before: readonly PlayStep[], sent: readonly ({ readonly aums: readonly string[] } | null)[]): Case {
  const [toA, toB] = sent;
  const steps = [...before, told("a", toA ?? null), told("b", toB ?? null), ...HEADS];
  const now: Case = { request: play(steps) };
  return { ...now, next: () => ({ ...now, judge: "v1.102", compare: sameHeads }) };
}

function oldAnswers(before: readonly PlayStep[], offers: readonly (OfferText | null)[]): Case {
  const steps = [...before, missing("b", offers[0] ?? null), missing("a", offers[1] ?? null)];
  return {
    request: play(steps),
    judge: "v1.102",
    compare: ignoreAnswers,
    next: (go) => allTold(before, lastAnswers(go, 2)),
  };
}

function newAnswers(before: readonly PlayStep[], oldOffers: readonly (OfferText | null)[]): Case {
  const steps = [...before, ...OFFERS, missing("b", oldOffers[0] ?? null), missing("a", oldOffers[1] ?? null)];
  const next = (_go: Answer, ours: OurAnswer): Case => {
    const answers = lastAnswers<never>(ours, 4);
    const then = allTold(before, answers.slice(2));
    return {
      ...then,
      next: (go, again) => chained(then.next?.(go, again) ?? null, oldAnswers(before, answers.slice(0, 2))),
    };
  };
  return { request: play(steps), next };
}

/** First the one, then the other. */
function chained(first: Case | null, then: Case): Case {
  return first === null ? then : { ...first, next: () => then };
}

function between(before: readonly PlayStep[]): Case {
  return {
    request: play([...before, ...OFFERS]),
    judge: "v1.102",
    compare: ignoreAnswers,
    next: (go) => newAnswers(before, lastAnswers(go, 2)),
  };
}

/** Two nodes that heard different parts of a web. */
export function syncVersions(random: Random): Case {
  const points = randomWeb(random, webSettings(random));
  return between([...tell("a", points, random), ...tell("b", points, random)]);
}

/** An offer from far behind on a long chain: its head, or an ancestor, as far back as a walk goes and a little further. */
export function missingFar(random: Random): Case {
  const { oldest, whole, hashes } = longChain(random);
  const at = (limit: number): string =>
    hashes[Math.max(0, hashes.length - 1 - limit - random.between(-2, 2))] as string;
  const head = random.chance(0.5) ? at(random.pick([999, 1000, 400, 1998])) : "A".repeat(52);
  const ancestors = random.chance(0.7)
    ? [at(random.pick([1998, 2000, 1000])), ...(random.chance(0.5) ? [oldest] : [])]
    : [];
  const opened = [
    { do: "commit", node: "a", aums: whole },
    { do: "setAncestor", node: "a", hash: oldest },
    { do: "open", node: "a" },
  ];
  return { request: play([...opened, { do: "missing", node: "a", head, ancestors }]) };
}

/** Two nodes on a long chain of signed no-ops and checkpoints, one far behind or on a fork of its own. */
export function syncFar(random: Random): Case {
  const chain = longChain(random);
  const store = (node: string, aums: readonly string[]): PlayStep[] => [
    { do: "commit", node, aums },
    { do: "setAncestor", node, hash: chain.oldest },
    { do: "open", node },
    { do: "offer", node },
  ];
  return between([...store("a", chain.whole), ...store("b", chain.part)]);
}
