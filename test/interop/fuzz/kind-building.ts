/** What ours makes of updates: the builder, geneses and revocations, byte for byte beside Go's; and what becomes of them. */

import { AUM_KIND, decodeAum, encodeAum, hashToBytes, makeAum, sealAum, signAum } from "../../../src/tka/index.ts";
import { fromBase64, toBase64 } from "../../support/answer-ports.ts";
import type { OurAnswer } from "../../support/answer.ts";
import type { Case } from "./case.ts";
import { SIGNERS } from "./keys.ts";
import { tell, webSettings, type PlayStep } from "./kind-web.ts";
import type { Random } from "./random.ts";
import { randomWeb, trustedSigners, type Point } from "./web.ts";

type BuildOp = Readonly<Record<string, unknown>> & { readonly op: string };

const CHAIN = 120;

/** Unsigned no-ops after a genesis: a long chain that costs nothing. Stored unverified. */
function noOpsAfter(genesis: Point, count: number): string[] {
  const out = [genesis.text];
  let parent = genesis.hash;
  for (let i = 0; i < count; i++) {
    const sealed = sealAum(makeAum(AUM_KIND.noOp, { prevAumHash: hashToBytes(parent) }));
    out.push(toBase64(sealed.bytes));
    parent = sealed.hash;
  }
  return out;
}

function someId(points: readonly Point[], random: Random): string {
  const keys = points.flatMap(({ state }) => state?.keys ?? []);
  const id = random.chance(0.9) && keys.length > 0 ? random.pick(keys).publicKey : random.pick(SIGNERS).publicKey;
  return toBase64(id ?? new Uint8Array(0));
}

function buildOp(points: readonly Point[], random: Random): BuildOp {
  const kind = random.below(10);
  const votes = random.chance(0.9) ? random.between(1, 5) : random.pick([0, 4096, 4097]);
  const meta = random.chance(0.2) ? {} : { name: "n".repeat(random.chance(0.9) ? 3 : 509), b: "é" };
  if (kind < 5) {
    const publicKey = random.chance(0.95) ? random.pick(SIGNERS).publicKey : random.bytes(random.below(40));
    const shape = {
      kind: random.chance(0.95) ? 1 : random.pick([0, 2]),
      votes,
      public: toBase64(publicKey),
      meta: random.chance(0.7) ? null : meta,
    };
    return { op: "add", key: shape };
  }
  if (kind < 7) return { op: "remove", keyId: someId(points, random) };
  return kind === 7
    ? { op: "meta", keyId: someId(points, random), meta }
    : { op: "votes", keyId: someId(points, random), votes };
}

function oneOf(points: readonly Point[], random: Random): (typeof SIGNERS)[number] {
  const trusted = trustedSigners((points[0] as Point).state as NonNullable<Point["state"]>);
  return random.chance(0.9) && trusted.length > 0 ? random.pick(trusted) : random.pick(SIGNERS);
}

/** The AUMs of the play's last answered step of that name, if it was answered. */
function made(ours: OurAnswer, steps: readonly PlayStep[], name: string): string[] {
  if (!("ok" in ours)) return [];
  const answers = (ours.ok as { readonly steps: readonly OurAnswer[] }).steps;
  const index = steps.findLastIndex((step) => step.do === name);
  const answer = answers[index];
  if (answer === undefined || !("ok" in answer)) return [];
  const { aums, aum } = answer.ok as { readonly aums?: string[]; readonly aum?: string };
  return aums ?? (aum === undefined ? [] : [aum]);
}

/** A chain put into storage unverified, and opened. */
function stored(node: string, aums: readonly string[], oldest: Point): PlayStep[] {
  return [
    { do: "commit", node, aums },
    { do: "setAncestor", node, hash: oldest.hash },
    { do: "open", node },
  ];
}

/** Updates built on a node somewhere in a web, or far along a chain, where a checkpoint is due. */
export function build(random: Random): Case {
  const long = random.chance(0.25);
  const points = randomWeb(random, long ? { size: 0, wrong: 0, straight: 1 } : webSettings(random));
  const chain = long ? noOpsAfter(points[0] as Point, random.pick([45, 48, 49, 50, 51, 52, CHAIN])) : [];
  const before: PlayStep[] = long ? stored("a", chain, points[0] as Point) : tell("a", points, random);
  const signer = oneOf(points, random);
  const ops = Array.from({ length: random.chance(0.9) ? random.below(5) : 50 }, () => buildOp(points, random));
  const steps: PlayStep[] = [...before, { do: "build", node: "a", priv: signer.text, ops }];
  const next = (_go: unknown, ours: OurAnswer): Case | null => {
    const aums = made(ours, steps, "build");
    const rest = [
      { do: "inform", node: "a", aums },
      { do: "head", node: "a" },
    ];
    return aums.length === 0 ? null : { request: { op: "play", steps: [...before, ...rest] } };
  };
  return { request: { op: "play", steps }, next };
}

function keyShape(random: Random): { readonly public: string; readonly [field: string]: unknown } {
  const publicKey = random.chance(0.97) ? random.pick(SIGNERS).publicKey : random.bytes(random.below(40));
  return {
    kind: random.chance(0.97) ? 1 : 2,
    votes: random.chance(0.95) ? random.between(1, 4096) : random.pick([0, 4097]),
    public: toBase64(publicKey),
    meta: null,
  };
}

/** A new lock. */
export function create(random: Random): Case {
  const value = random.bytes(32);
  const state = {
    keys: Array.from({ length: random.below(5) }, () => keyShape(random)),
    disablementValues: Array.from({ length: random.below(4) }, () =>
      toBase64(random.chance(0.9) ? random.bytes(32) : random.pick([value, random.bytes(31)])),
    ),
    state1: random.u64().toString(),
    state2: random.chance(0.2) ? "0" : random.u64().toString(),
  };
  const signer = SIGNERS.find(({ publicKey }) => state.keys.some((key) => key.public === toBase64(publicKey)));
  const priv = (signer !== undefined && random.chance(0.9) ? signer : random.pick(SIGNERS)).text;
  const steps = [
    { do: "create", node: "a", state, priv },
    { do: "head", node: "a" },
  ];
  return { request: { op: "play", steps } };
}

/** A revocation of some keys, then signed by some of the others and told to the node and to another. */
export function revoke(random: Random): Case {
  const points = randomWeb(random, { ...webSettings(random), wrong: random.pick([0, 0.1]) });
  const before = [...tell("a", points, random), ...tell("b", points, random)];
  const ids = Array.from({ length: random.between(1, 3) }, () => someId(points, random));
  const forkFrom = random.chance(0.7) ? "" : random.pick(points).hash;
  const ourKey = toBase64(oneOf(points, random).publicKey);
  const steps: PlayStep[] = [...before, { do: "revoke", node: "a", removeKeys: ids, ourKey, forkFrom }];
  const signers = random.some(SIGNERS, random.pick([0.1, 0.3]));
  const trusted = trustedSigners((points[0] as Point).state as NonNullable<Point["state"]>);
  const next = (_go: unknown, ours: OurAnswer): Case | null => {
    const [text] = made(ours, steps, "revoke");
    if (text === undefined) return null;
    const chosen = [...new Set([...trusted.slice(0, 3), ...signers.slice(0, 1)])];
    const recovery = chosen.reduce((aum, signer) => signAum(aum, signer), decodeAum(fromBase64(text)));
    const aums = [toBase64(encodeAum(recovery))];
    const told = ["a", "b"].flatMap((node) => [
      { do: "inform", node, aums },
      { do: "head", node },
    ]);
    return { request: { op: "play", steps: [...before, ...told, { do: "sync", from: "a", to: "b" }] } };
  };
  return { request: { op: "play", steps }, next };
}
