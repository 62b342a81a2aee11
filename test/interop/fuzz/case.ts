/** What the generators make and the runner runs. */

import type { OracleRequest, OurAnswer } from "../../support/answer.ts";
import type { Answer, OracleVersion } from "../oracle-client.ts";
import type { Random } from "./random.ts";

/** One question to both sides, and what may follow from the answers. */
export interface Case {
  readonly request: OracleRequest;
  /** Which of Tailscale's modules judges; v1.104 where it is left out. */
  readonly judge?: OracleVersion;
  /** What differs, in words, or null. Where it is left out, the answers must be equal. */
  readonly compare?: (go: Answer, ours: OurAnswer) => string | null;
  /** What else must hold of our answer: what does not, in words, or null. Asked where Go's answer raised nothing. */
  readonly also?: (request: OracleRequest, ours: OurAnswer) => string | null;
  /** True where Go must accept the value or every step: what we make is judged so. */
  readonly mustAccept?: boolean;
  /** A further question that the answers lead to. */
  readonly next?: (go: Answer, ours: OurAnswer) => Case | null;
}

/** One kind of case. A generator draws on its Random alone, so that a case can be made again. */
export interface Kind {
  readonly name: string;
  /** How many of a million cases are of this kind, roughly. */
  readonly weight: number;
  readonly make: (random: Random) => Case;
}
