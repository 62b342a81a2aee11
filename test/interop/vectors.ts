/**
 * `node test/interop/vectors.ts`: has Go answer a few hundred cases of each kind and writes them to test/vectors/, with the module's version.
 * The cases are those of the fuzzer for a fixed seed, the large ones left out, so that writing them again changes nothing.
 */

import { writeFileSync } from "node:fs";

import type { GoldenCase } from "../support/golden.ts";
import type { NoiseAnswer, VersionAnswer } from "./oracle-client.ts";
import { Oracle } from "./oracle-client.ts";
import type { Case } from "./fuzz/case.ts";
import { Judge } from "./fuzz/judge.ts";
import { KINDS } from "./fuzz/kinds.ts";
import { Random } from "./fuzz/random.ts";

const SEED = 2026;
const MOST_TRIED = 4000;
/** Characters that end a line in JavaScript and not in JSON: the bundler that serves these files to workerd stumbles over them. */
const UNBUNDLED = /[\u2028\u2029]/;

/** What goes into one file: how many cases of each kind, and the most characters of one. */
interface FilePlan {
  readonly counts: Readonly<Record<string, number>>;
  readonly most: number;
}

const FILES: Readonly<Record<string, FilePlan>> = {
  aum: { most: 1000, counts: { "aum-valid": 100, "aum-tree": 150, "aum-bits": 60, "aum-near": 100 } },
  nks: { most: 900, counts: { "nks-valid": 60, "nks-tree": 100, "nks-bits": 60, "nks-near": 60 } },
  ed25519: { most: 800, counts: { ed25519: 250 } },
  "node-keys": { most: 2000, counts: { "node-keys": 80, trusted: 5 } },
  making: { most: 1700, counts: { resign: 50, "by-credential": 30, "wrapped-made": 8, create: 30, build: 20 } },
  webs: { most: 5000, counts: { web: 20, "web-compacted": 12, forest: 12, revoke: 6, "sync-versions": 6 } },
  texts: {
    most: 800,
    counts: { "key-texts": 150, offers: 50, "wrapped-texts": 80, links: 50, "links-made": 15, weight: 50 },
  },
  json: { most: 1200, counts: { "lock-log": 25, "lock-status": 20 } },
  kdf: { most: 400, counts: { kdf: 2 } },
};

/** Noise connections: sizes of what each side says, over the border of a record. */
const NOISE = [{ seed: "vectors", version: 142, fromClient: [5, 5000], fromServer: [14, 5000] }];

interface Decided {
  readonly one: Case;
  readonly go: GoldenCase["answer"];
}

/** The first of a case's questions that v1.104 decides by equality. */
async function decided(judge: Judge, first: Case): Promise<Decided | null> {
  for (let one: Case | null = first; one !== null;) {
    const [go] = await judge.askGo([one]);
    if (go === undefined) return null;
    if (one.judge === undefined && one.compare === undefined) return { one, go };
    one = one.next?.(go, judge.askOurs(one.request)) ?? null;
  }
  return null;
}

async function casesOf(judge: Judge, name: string, count: number, most: number): Promise<GoldenCase[]> {
  const kind = KINDS.find((one) => one.name === name);
  if (kind === undefined) throw new Error(`no such kind: ${name}`);
  const out: GoldenCase[] = [];
  for (let index = 0; out.length < count && index < MOST_TRIED; index++) {
    const first = kind.make(new Random(SEED, index));
    if (JSON.stringify(first.request).length > most) continue;
    const found = await decided(judge, first);
    if (found === null) continue;
    const golden = { from: name, request: found.one.request, answer: found.go };
    const text = JSON.stringify(golden);
    if (text.length <= 2 * most && !UNBUNDLED.test(text)) out.push(golden);
  }
  return out;
}

const judge = new Judge();
const oracle = await Oracle.start();
const { module } = await oracle.ask<VersionAnswer>("version", {});
for (const [file, { counts, most }] of Object.entries(FILES)) {
  const cases: GoldenCase[] = [];
  for (const [name, count] of Object.entries(counts)) cases.push(...(await casesOf(judge, name, count, most)));
  const lines = cases.map((one) => JSON.stringify(one));
  const text = `{"module":${JSON.stringify(module)},"cases":[\n${lines.join(",\n")}\n]}\n`;
  writeFileSync(new URL(`../vectors/${file}.json`, import.meta.url), text);
  console.log(`${file}.json: ${cases.length} cases, ${Math.round(text.length / 1024)} KiB`);
}
const cases: object[] = [];
for (const request of NOISE) cases.push({ request, answer: await oracle.ask<NoiseAnswer>("noise.exchange", request) });
writeFileSync(new URL("../vectors/noise.json", import.meta.url), `${JSON.stringify({ module, cases }, null, 1)}\n`);
judge.close();
oracle.close();
