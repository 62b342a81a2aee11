/** Long chains, their trunk made once: no-ops signed by one key, with checkpoints here and there. */

import {
  AUM_KIND,
  EMPTY_STATE,
  KEY_25519,
  encodeAum,
  hashToBytes,
  makeAum,
  sealAum,
  signAum,
  type Aum,
  type AumHash,
} from "../../../src/tka/index.ts";
import { toBase64 } from "../../support/answer-ports.ts";
import { signerAt } from "./keys.ts";
import type { Random } from "./random.ts";

interface Link {
  readonly text: string;
  readonly hash: AumHash;
}

/** AUMs on the trunk: past every limit of a walk. */
const LENGTH = 2120;
const SIGNER = signerAt(0);
const KEYS = [{ kind: KEY_25519, votes: 1n, publicKey: SIGNER.publicKey, meta: null }];
const STATE = { ...EMPTY_STATE, keys: KEYS, disablementValues: [new Uint8Array(32)], stateId1: 3n, stateId2: 4n };

function link(aum: Aum): Link {
  const signed = signAum(aum, SIGNER);
  return { text: toBase64(encodeAum(signed)), hash: sealAum(signed).hash };
}

function after(parent: Link, checkpoint: boolean, votes: bigint | null = null): Link {
  const prevAumHash = hashToBytes(parent.hash);
  return link(
    checkpoint
      ? makeAum(AUM_KIND.checkpoint, { prevAumHash, state: STATE })
      : makeAum(AUM_KIND.noOp, { prevAumHash, votes }),
  );
}

function grow(from: Link, count: number, every: number, votes: bigint | null): Link[] {
  const out: Link[] = [];
  for (let i = 1; i <= count; i++) out.push(after(out.at(-1) ?? from, i % every === 0, votes));
  return out;
}

const GENESIS = link(makeAum(AUM_KIND.checkpoint, { state: STATE }));
const trunks = new Map<number, readonly Link[]>();

/** The trunk with a checkpoint after so many AUMs each. */
function trunk(every: number): readonly Link[] {
  const known = trunks.get(every);
  if (known !== undefined) return known;
  const made = [GENESIS, ...grow(GENESIS, LENGTH, every, null)];
  trunks.set(every, made);
  return made;
}

export interface LongChain {
  readonly oldest: AumHash;
  readonly genesis: string;
  readonly whole: readonly string[];
  readonly part: readonly string[];
  /** Of the whole, the oldest first. */
  readonly hashes: readonly AumHash[];
}

/** A chain, and a part of it that may end in a short fork. Lengths gather around the limits of walks: 400, 1,000 and 2,000. */
export function longChain(random: Random): LongChain {
  const links = trunk(random.pick([50, 700]));
  const near = (limit: number): number => limit + random.between(-3, 3);
  const length = random.chance(0.5) ? random.between(60, 1990) : near(random.pick([400, 1000, 1998, 2003, 2050]));
  const whole = links.slice(0, length);
  const behind = random.chance(0.5)
    ? random.between(1, length - 1)
    : Math.min(length - 1, near(random.pick([5, 50, 400, 1000])));
  const kept = links.slice(0, Math.max(1, length - behind));
  const fork = random.chance(0.5)
    ? grow(kept.at(-1) as Link, random.between(1, 3), 2, BigInt(random.between(1, 9)))
    : [];
  const texts = (list: readonly Link[]): string[] => list.map(({ text }) => text);
  return {
    oldest: GENESIS.hash,
    genesis: GENESIS.text,
    whole: texts(whole),
    part: texts([...kept, ...fork]),
    hashes: whole.map(({ hash }) => hash),
  };
}
