/**
 * `node test/interop/fuzz/pin.ts "seed 1, case 365 of key-texts" < request.json`: asks Go what the fuzzer printed, and adds it to the cases
 * that `npm test` checks for ever (test/tka/pinned-cases.json).
 */

import { readFileSync, writeFileSync } from "node:fs";
import { text } from "node:stream/consumers";

import type { OracleRequest } from "../../support/answer.ts";
import type { GoldenCase, GoldenFile } from "../../support/golden.ts";
import { Oracle, type VersionAnswer } from "../oracle-client.ts";

const PATH = new URL("../../tka/pinned-cases.json", import.meta.url);

const [from] = process.argv.slice(2);
if (from === undefined) throw new Error("say which seed and case found it");
const { op, ...body } = JSON.parse(await text(process.stdin)) as OracleRequest;
const oracle = await Oracle.start();
const { module } = await oracle.ask<VersionAnswer>("version", {});
const [answer] = await oracle.askAll([{ op, body }]);
oracle.close();
if (answer === undefined) throw new Error("Go did not answer");
const before = JSON.parse(readFileSync(PATH, "utf8")) as GoldenFile;
const cases: GoldenCase[] = [...before.cases, { from, request: { op, ...body }, answer }];
const lines = cases.map((one) => JSON.stringify(one));
writeFileSync(PATH, `{"module":${JSON.stringify(module)},"cases":[\n${lines.join(",\n")}\n]}\n`);
