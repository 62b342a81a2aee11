/**
 * Ours answering the oracle's requests, in the oracle's shapes: the one place where the two sides meet. The fuzzer, the pinned cases and
 * the vectors all go through it. Runs in Node and in workerd.
 */

import { TkaError, pureDisablementKdf } from "../../src/tka/index.ts";
import {
  answerAumDecode,
  answerKdf,
  answerNksDecode,
  answerOfferParse,
  answerVerify,
  answerWeight,
} from "./answer-decode.ts";
import { answerLog, answerStatus } from "./answer-json.ts";
import { NODE_STEPS } from "./answer-play-node.ts";
import { CHAIN_STEPS, nodeOf, type Play, type Step } from "./answer-play.ts";
import { nativeSigner, type AnswerPorts } from "./answer-ports.ts";
import { answerResign, answerSignByCredential, answerTextParse, answerWrappedDecode } from "./answer-text.ts";
import { fastVerifier } from "./host-crypto.ts";

/** An answer, or a step's: exactly one of the three. `panic` is what must never happen: anything but a TkaError. */
export type OurAnswer = { readonly ok: object } | { readonly error: string } | { readonly panic: string };

/** A request: `op`, and the fields of that operation beside it. */
export interface OracleRequest {
  readonly op: string;
  readonly [field: string]: unknown;
}

/** Ports for whoever has no better ones: node:crypto for signatures, JavaScript for the KDF. */
export const DEFAULT_PORTS: AnswerPorts = {
  verifier: fastVerifier,
  kdf: pureDisablementKdf,
  signer: nativeSigner,
  now: 1_800_000_000_000,
};

type Handler = (body: never, ports: AnswerPorts) => object;

const HANDLERS: Readonly<Record<string, Handler>> = {
  "aum.decode": answerAumDecode,
  "nks.decode": answerNksDecode,
  weight: answerWeight,
  "offer.parse": answerOfferParse,
  "ed25519.verify": answerVerify,
  kdf: answerKdf,
  "text.parse": answerTextParse,
  "wrapped.decode": answerWrappedDecode,
  resign: answerResign,
  signByCredential: answerSignByCredential,
  "json.log": answerLog,
  "json.status": answerStatus,
  play: runPlay,
};

const STEPS = { ...CHAIN_STEPS, ...NODE_STEPS };

function guard(body: () => object): OurAnswer {
  try {
    return { ok: body() };
  } catch (error) {
    if (error instanceof TkaError) return { error: `${error.code}: ${error.message}` };
    return { panic: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

function runPlay(body: { readonly steps: readonly Step[] }, ports: AnswerPorts): object {
  const play: Play = { nodes: new Map(), ports, ageSeconds: 0 };
  return { steps: body.steps.map((step) => guard(() => runStep(play, step))) };
}

function runStep(play: Play, step: Step): object {
  const handler = STEPS[step.do];
  if (handler === undefined) throw new TkaError("invalid_argument", `no such step: ${step.do}`);
  return handler(play, nodeOf(play, step.node ?? ""), step as never);
}

/** True if ours can answer such a request. */
export function isAnswerable(op: string): boolean {
  return Object.hasOwn(HANDLERS, op);
}

/** Our answer to a request of the oracle's. Throws nothing. */
export function answer(request: OracleRequest, ports: AnswerPorts = DEFAULT_PORTS): OurAnswer {
  const handler = HANDLERS[request.op];
  return guard(() => {
    if (handler === undefined) throw new TkaError("invalid_argument", `no such operation: ${request.op}`);
    return handler(request as never, ports);
  });
}
