/** Asks both sides and judges: the part of the fuzzer that holds the oracles. */

import { argon2Sync } from "node:crypto";

import { DISABLEMENT_KDF } from "../../../src/tka/index.ts";
import { DEFAULT_PORTS, answer, type OracleRequest, type OurAnswer } from "../../support/answer.ts";
import type { AnswerPorts } from "../../support/answer-ports.ts";
import { Oracle, type Answer, type OracleVersion } from "../oracle-client.ts";
import type { Case } from "./case.ts";
import { compareAnswers, refusedByGo, type Verdict } from "./compare.ts";

function nativeKdf(message: Uint8Array): Uint8Array {
  const { salt, passes, memory, lanes, length } = DISABLEMENT_KDF;
  const parameters = { message, nonce: salt, passes, memory, parallelism: lanes, tagLength: length };
  return new Uint8Array(argon2Sync("argon2i", parameters));
}

/** Ages in plays lie far from each border, so that the two clocks need not agree to the second. */
function ports(): AnswerPorts {
  return { ...DEFAULT_PORTS, kdf: nativeKdf, now: Date.now() };
}

export class Judge {
  readonly #oracles = new Map<OracleVersion, Oracle>();
  readonly #ports = ports();
  /** Nanoseconds that ours took. */
  nsOurs = 0n;

  /** Nanoseconds that Go took. */
  get nsGo(): bigint {
    return [...this.#oracles.values()].reduce((sum, oracle) => sum + oracle.nsSpent, 0n);
  }

  async #oracle(version: OracleVersion): Promise<Oracle> {
    const known = this.#oracles.get(version);
    if (known !== undefined) return known;
    const oracle = await Oracle.start(version);
    this.#oracles.set(version, oracle);
    return oracle;
  }

  /** Asks Go about all cases at once; the answers come in the cases' order. */
  async askGo(cases: readonly Case[]): Promise<Answer[]> {
    const answers: Answer[] = [];
    for (const version of ["v1.104", "v1.102"] as const) {
      const indexes = cases.flatMap((one, index) => ((one.judge ?? "v1.104") === version ? [index] : []));
      if (indexes.length === 0) continue;
      const oracle = await this.#oracle(version);
      const batch = indexes.map((index) => {
        const { op, ...body } = (cases[index] as Case).request;
        return { op, body };
      });
      const got = await oracle.askAll(batch);
      got.forEach((one, i) => (answers[indexes[i] as number] = one));
    }
    return answers;
  }

  askOurs(request: OracleRequest): OurAnswer {
    const start = process.hrtime.bigint();
    const ours = answer(request, this.#ports);
    this.nsOurs += process.hrtime.bigint() - start;
    return ours;
  }

  judge(one: Case, go: Answer, ours: OurAnswer): Verdict {
    const refused = one.mustAccept === true ? refusedByGo(go) : null;
    if (refused !== null) return { difference: refused, departures: [] };
    if (one.compare !== undefined) return { difference: one.compare(go, ours), departures: [] };
    const verdict = compareAnswers(one.request, go, ours);
    return verdict.difference === null && one.also !== undefined
      ? { ...verdict, difference: one.also(one.request, ours) }
      : verdict;
  }

  close(): void {
    for (const oracle of this.#oracles.values()) oracle.close();
  }
}
