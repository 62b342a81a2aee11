/** Webs told to several nodes, in batches of any order: what each takes and refuses, where each ends, and what they then send each other. */

import { AUM_KIND } from "../../../src/tka/index.ts";
import type { Case } from "./case.ts";
import type { Random } from "./random.ts";
import { randomWeb, type Point, type WebSettings } from "./web.ts";

export type PlayStep = { readonly do: string; readonly [field: string]: unknown };

const SECONDS_OLD = 10_000_000;
const MIN_AGE_SECONDS = 1_000_000;

export function webSettings(random: Random): WebSettings {
  return {
    size: random.chance(0.85) ? random.between(1, 14) : random.between(15, 60),
    wrong: random.pick([0, 0.05, 0.2, 0.5]),
    straight: random.pick([0.2, 0.6, 0.9, 1]),
  };
}

/** Batches of the points: in order, or hardly; some twice, some left out. */
function batches(points: readonly Point[], random: Random): Point[][] {
  const wanted = random.some(points, random.pick([1, 1, 0.9, 0.6]));
  const ordered = random.chance(0.7)
    ? wanted
    : random.chance(0.5)
      ? [...wanted].sort((a, b) => a.depth - b.depth)
      : random.shuffled(wanted);
  const most = random.pick([1, 2, 4, 100]);
  const out: Point[][] = [];
  for (let at = 0; at < ordered.length;) {
    const size = random.between(1, most);
    const batch = ordered.slice(at, at + size);
    if (random.chance(0.08)) batch.push(random.pick(points));
    if (random.chance(0.05)) batch.unshift(random.pick(points));
    out.push(batch);
    at += size;
  }
  return out;
}

function bootstrapPoint(points: readonly Point[], random: Random): Point {
  const genesis = points[0] as Point;
  if (random.chance(0.88)) return genesis;
  const checkpoints = points.filter(({ aum }) => aum.kind === AUM_KIND.checkpoint);
  return random.chance(0.8) ? random.pick(checkpoints) : random.pick(points);
}

/** What brings one node to where it is. */
export function tell(node: string, points: readonly Point[], random: Random): PlayStep[] {
  const steps: PlayStep[] = [{ do: "bootstrap", node, aum: bootstrapPoint(points, random).text }];
  const rest = points.slice(1);
  for (const batch of batches(rest, random)) {
    steps.push({ do: "inform", node, aums: batch.map(({ text }) => text) });
    if (random.chance(0.2)) steps.push({ do: "head", node });
  }
  if (random.chance(0.1)) steps.push({ do: "open", node });
  steps.push({ do: "head", node });
  return steps;
}

/** An offer as nobody would make it. */
function oddOffer(points: readonly Point[], random: Random): { head: string; ancestors: string[] } {
  const hash = (): string => random.pick(points).hash;
  const ancestors = Array.from({ length: random.below(4) }, hash);
  return {
    head: random.chance(0.9) ? hash() : "A".repeat(52),
    ancestors: random.chance(0.1) ? [...ancestors, "A".repeat(52)] : ancestors,
  };
}

export function talk(nodes: readonly string[], random: Random): PlayStep[] {
  const steps: PlayStep[] = [];
  for (const from of random.shuffled(nodes))
    for (const to of random.shuffled(nodes)) if (from !== to) steps.push({ do: "sync", from, to });
  return [...steps, ...nodes.map((node) => ({ do: "head", node }))];
}

function compactSteps(nodes: readonly string[], points: readonly Point[], random: Random): PlayStep[] {
  const old = random.pick([0.5, 0.9, 1]);
  return random.some(nodes, 0.7).flatMap((node) => {
    const ages = Object.fromEntries(random.some(points, old).map(({ hash }) => [hash, SECONDS_OLD]));
    const minChain = random.chance(0.95) ? random.between(1, 6) : random.pick([0, 24]);
    const compact = { do: "compact", node, minChain, minAgeSeconds: random.chance(0.97) ? MIN_AGE_SECONDS : 0, ages };
    return [
      compact,
      { do: "offer", node },
      ...(random.chance(0.3) ? [{ do: "open", node }] : []),
      { do: "head", node },
    ];
  });
}

function someSteps(nodes: readonly string[], points: readonly Point[], random: Random): PlayStep[] {
  const steps: PlayStep[] = nodes.map((node) => ({ do: "offer", node }));
  for (let i = random.below(4); i > 0; i--)
    steps.push({ do: "missing", node: random.pick(nodes), ...oddOffer(points, random) });
  if (random.chance(0.7)) steps.push(...talk(nodes, random));
  return steps;
}

/** A web, two or three nodes, what they hear, and what they tell each other. */
export function web(random: Random): Case {
  const points = randomWeb(random, webSettings(random));
  const nodes = ["a", "b", "c"].slice(0, random.between(1, 3));
  const steps = [...nodes.flatMap((node) => tell(node, points, random)), ...someSteps(nodes, points, random)];
  return { request: { op: "play", steps } };
}

/** The same, after which some nodes forget what they may, and all talk again. */
export function webCompacted(random: Random): Case {
  const settings = {
    size: random.between(4, 40),
    wrong: random.pick([0, 0, 0.1]),
    straight: random.pick([0.5, 0.8, 0.9, 0.97]),
  };
  const points = randomWeb(random, settings);
  const nodes = ["a", "b", "c"].slice(0, random.between(1, 3));
  const steps = [
    ...nodes.flatMap((node) => tell(node, points, random)),
    ...compactSteps(nodes, points, random),
    ...someSteps(nodes, points, random),
    ...(random.chance(0.5) ? [...compactSteps(nodes, points, random), ...talk(nodes, random)] : []),
    ...nodes.flatMap((node) =>
      random.chance(0.3)
        ? [
            { do: "inform", node, aums: points.slice(1).map(({ text }) => text) },
            { do: "head", node },
          ]
        : [],
    ),
  ];
  return { request: { op: "play", steps } };
}

/** Forests put into storage unverified, then opened: which chain is the active one, and what is refused. */
export function forest(random: Random): Case {
  const settings = { size: random.between(1, 12), wrong: random.pick([0, 0, 0.2]), straight: random.pick([0.3, 0.8]) };
  const webs = Array.from({ length: random.between(1, 3) }, () => randomWeb(random, settings));
  const points = webs.flat();
  const kept = random.some(points, random.pick([1, 1, 0.8]));
  const steps: PlayStep[] = [{ do: "commit", node: "a", aums: random.shuffled(kept).map(({ text }) => text) }];
  if (random.chance(0.7)) steps.push({ do: "setAncestor", node: "a", hash: random.pick(points).hash });
  steps.push({ do: "open", node: "a" }, { do: "head", node: "a" }, { do: "offer", node: "a" });
  steps.push({ do: "missing", node: "a", ...oddOffer(points, random) });
  if (random.chance(0.5))
    steps.push(
      { do: "inform", node: "a", aums: random.some(points, 0.5).map(({ text }) => text) },
      { do: "offer", node: "a" },
    );
  return { request: { op: "play", steps } };
}
