/** The rows of the table, and the goals that they are held to. */

import { HANDFUL } from "./fixtures.ts";
import type { Subject } from "./subjects.ts";

export interface Case {
  readonly subject: Subject;
  readonly title: string;
  /** How many of it one run does. */
  readonly each: number;
  /** Rounds are fewer where one round takes seconds. */
  readonly rounds: number;
}

const OFTEN = 9;
const SELDOM = 7;

export const CASES: readonly Case[] = [
  { subject: "bare", title: "host's Ed25519 verify alone", each: 2 * HANDFUL, rounds: OFTEN },
  { subject: "direct", title: "verify a direct signature", each: HANDFUL, rounds: OFTEN },
  { subject: "rotation", title: "verify a rotation over one", each: HANDFUL, rounds: OFTEN },
  { subject: "newcomers", title: "verify 2,000 rotations, a key each", each: 1, rounds: SELDOM },
  { subject: "recheck", title: "re-check 10,000 unchanged peers", each: 1, rounds: SELDOM },
  { subject: "resume", title: "open 2,000 AUMs at the stored head", each: 1, rounds: SELDOM },
  { subject: "open", title: "open 2,000 AUMs in full", each: 1, rounds: SELDOM },
  { subject: "inform", title: "inform 50 AUMs", each: 1, rounds: OFTEN },
  { subject: "hash", title: "hash an AddKey", each: 1, rounds: OFTEN },
  { subject: "encode", title: "encode an AddKey", each: 1, rounds: OFTEN },
  { subject: "decode", title: "decode an AddKey", each: 1, rounds: OFTEN },
  { subject: "hash-checkpoint", title: "hash a checkpoint of 20 keys", each: 1, rounds: OFTEN },
  { subject: "decode-checkpoint", title: "decode a checkpoint of 20 keys", each: 1, rounds: OFTEN },
  { subject: "kdf", title: "disablement KDF", each: 1, rounds: SELDOM },
];

export type Ours = "Node" | "workerd";

export interface Goal {
  readonly title: string;
  readonly subject: Subject;
  /** What the subject's time is held against: Go's time for the same, or so many runs of the same host's bare verify. */
  readonly against: "Go" | { readonly bareVerifies: number };
  readonly atLeast: number;
  /** Where it must be reached. */
  readonly hosts: readonly Ours[];
}

const BOTH: readonly Ours[] = ["Node", "workerd"];

export const GOALS: readonly Goal[] = [
  {
    title: "direct signature: share of the bare verify rate",
    subject: "direct",
    against: { bareVerifies: 1 },
    atLeast: 0.9,
    hosts: BOTH,
  },
  {
    title: "rotation: share of the bare verify rate",
    subject: "rotation",
    against: { bareVerifies: 2 },
    atLeast: 0.9,
    hosts: BOTH,
  },
  { title: "re-check: times as fast as Go", subject: "recheck", against: "Go", atLeast: 20, hosts: BOTH },
  { title: "open at the stored head: times as fast as Go", subject: "resume", against: "Go", atLeast: 5, hosts: BOTH },
  // The object always goes on from its stored head.
  { title: "open in full: times as fast as Go", subject: "open", against: "Go", atLeast: 5, hosts: ["Node"] },
];
