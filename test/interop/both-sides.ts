/** Plays acted by Go and by ours at once, for the stories in *.test.ts: every step must come out alike, and the story goes on with the answers. */

import { expect } from "vitest";

import {
  AUM_KIND,
  EMPTY_STATE,
  KEY_25519,
  MemoryChonk,
  UpdateBuilder,
  bootstrap,
  encodeAum,
  hashToBytes,
  inform,
  makeAum,
  makeGenesis,
  sealAum,
  signAum,
  type Aum,
  type AumHash,
  type Authority,
  type Key,
  type Signer,
} from "../../src/tka/index.ts";
import { answer } from "../support/answer.ts";
import { toBase64 } from "../support/answer-ports.ts";
import { fastVerifier } from "../support/host-crypto.ts";
import { compareAnswers } from "./fuzz/compare.ts";
import type { Answer, Oracle } from "./oracle-client.ts";

export type Step = { readonly do: string; readonly [field: string]: unknown };

/** Has both act the steps. Fails unless they agree on each. Gives Go's answers, those of errors too. */
export async function actBoth(oracle: Oracle, steps: readonly Step[]): Promise<readonly Answer[]> {
  const request = { op: "play", steps };
  const told = await oracle.play(steps);
  const go: Answer = { ok: { steps: told } };
  const { difference, departures } = compareAnswers(request, go, answer(request));
  expect(difference).toBeNull();
  expect(departures).toEqual([]);
  return told;
}

/** The value of a step that must have succeeded, in the shape that the step has (oracle-types.ts). */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters
export function okOf<T>(answers: readonly Answer[], index: number): T {
  const one = answers.at(index);
  if (one === undefined || !("ok" in one)) throw new Error(`step ${index}: ${JSON.stringify(one)}`);
  return one.ok as T;
}

export interface Voter {
  readonly signer: Signer;
  readonly votes: number;
}

/** A key with that public half. */
export function keyOf(publicKey: Uint8Array, votes = 1): Key {
  return { kind: KEY_25519, votes: BigInt(votes), publicKey, meta: null };
}

/** A tailnet of ours, to make the story's AUMs with. */
export class Tailnet {
  readonly chonk = new MemoryChonk();
  readonly genesis: Aum;
  authority: Authority;

  constructor(voters: readonly Voter[], stateId1 = 1n) {
    const keys = voters.map(({ signer, votes }) => keyOf(signer.publicKey, votes));
    const state = { ...EMPTY_STATE, keys, disablementValues: [new Uint8Array(32).fill(7)], stateId1, stateId2: 2n };
    this.genesis = makeGenesis(state, (voters[0] as Voter).signer);
    this.authority = bootstrap(this.chonk, this.genesis, fastVerifier, 0);
  }

  /** Builds updates, takes them, and gives them as they travel. */
  update(signer: Signer, ask: (builder: UpdateBuilder) => unknown): string[] {
    const builder = new UpdateBuilder(this.authority, signer);
    ask(builder);
    return this.take(builder.finalize(this.chonk));
  }

  take(aums: readonly Aum[]): string[] {
    this.authority = inform(this.chonk, this.authority, aums, fastVerifier, 0);
    return aums.map((aum) => toBase64(encodeAum(aum)));
  }

  /** So many signed no-ops. */
  idle(signer: Signer, count: number): string[] {
    const out: Aum[] = [];
    let parent: AumHash = this.authority.head;
    for (let i = 0; i < count; i++) {
      const aum = signAum(makeAum(AUM_KIND.noOp, { prevAumHash: hashToBytes(parent) }), signer);
      out.push(aum);
      parent = sealAum(aum).hash;
    }
    return this.take(out);
  }
}
