/**
 * Revoking compromised keys through nodes: one makes the recovery, others add their signatures, one sends it. Source: Go's
 * `TailnetLockGenerateRecoveryAUM`, `TailnetLockCosignRecoveryAUM` and `TailnetLockSubmitRecoveryAUM`.
 *
 * Rule [Z22]: our key signs no more than a recovery of our own lock: a checkpoint that trusts only keys that our chain trusts (at its head, or
 *             where the recovery forks off) with just their votes, keeps the disablement values, and is valid with our signature on it.
 *             The text that is to be cosigned comes from elsewhere: attacker-controlled.
 */

import {
  AUM_KIND,
  MAX_SCAN,
  aumHash,
  aumParent,
  cosignRevocation,
  encodeAum,
  equalBytes,
  findKey,
  keyId,
  makeRevocation,
  signAum,
  stateAt,
  type Aum,
  type AumHash,
  type Key,
  type State,
} from "../tka/index.ts";
import { asked, insist, notTrusted, type ActContext, type SigningContext } from "./act-context.ts";
import { AgentError } from "./errors.ts";

/** A recovery, and what would come of it as it is. */
export interface Recovery {
  readonly recovery: Aum;
  /** True if with the signatures that it has, it would be the head. */
  readonly counts: boolean;
}

function requireTrustedAt({ lock, signer }: SigningContext, fork: AumHash): State {
  const state = stateAt(lock.chonk, fork, MAX_SCAN);
  if (findKey(state, signer.publicKey) === null) throw notTrusted();
  return state;
}

function judged({ lock }: SigningContext, recovery: Aum): Recovery {
  return { recovery, counts: lock.rehearse([recovery]).head === aumHash(recovery) };
}

/**
 * Makes a recovery without the keys `revoked` (32 bytes each), signed by us. It forks off at `forkFrom`, or where that is null, before they
 * could do harm. Throws `lock_off`, `not_trusted`, TkaError.
 */
export function beginRevocation(
  context: ActContext,
  revoked: readonly Uint8Array[],
  forkFrom: AumHash | null,
): Recovery {
  const { lock, signer } = context;
  const unsigned = makeRevocation(lock.chonk, lock.require(), revoked, signer.publicKey, forkFrom);
  const fork = aumParent(unsigned);
  if (fork !== null) requireTrustedAt(context, fork);
  return judged(context, signAum(unsigned, signer));
}

function unexpected(why: string): AgentError {
  return new AgentError(
    "unexpected_recovery",
    `this is no recovery of our lock: it ${why}`,
    "ask whoever gave it to you; nothing was signed",
  );
}

function isTrustedIn(state: State, key: Key): boolean {
  return findKey(state, keyId(key))?.votes === key.votes;
}

function sameValues(ours: State, theirs: State): boolean {
  const [a, b] = [ours.disablementValues ?? [], theirs.disablementValues ?? []];
  return a.length === b.length && a.every((value, i) => equalBytes(value, b[i] ?? null));
}

/** [Z22] */
function requireRecovery(context: SigningContext, recovery: Aum): void {
  const { state: ours } = context.lock.require();
  const [theirs, fork] = [recovery.state, aumParent(recovery)];
  if (recovery.kind !== AUM_KIND.checkpoint || theirs === null || fork === null) throw unexpected("is another change");
  if (theirs.stateId1 !== ours.stateId1 || theirs.stateId2 !== ours.stateId2) throw unexpected("is another lock's");
  if (context.lock.chonk.aum(fork) === null)
    throw new AgentError(
      "lock_moved",
      `the recovery forks off at ${fork}, which this node does not know`,
      "try again once this node is connected and up to date",
    );
  const before = requireTrustedAt(context, fork);
  const stranger = (theirs.keys ?? []).find((key) => !isTrustedIn(ours, key) && !isTrustedIn(before, key));
  if (stranger !== undefined) throw unexpected("trusts a key that our lock does not trust so");
  if (!sameValues(ours, theirs)) throw unexpected("changes the disablement secrets");
  if ((ours.keys ?? []).every((key) => findKey(theirs, keyId(key)) !== null)) throw unexpected("revokes no key");
}

/** Adds our signature to a recovery. Throws `lock_off`, `not_trusted`, `unexpected_recovery`, `lock_moved`, TkaError. */
export function cosignRecovery(context: SigningContext, recovery: Aum): Recovery {
  requireRecovery(context, recovery);
  return judged(context, cosignRevocation(recovery, context.signer));
}

/** Sends a recovery. Gives the head that the control plane is at then. Throws `lock_off`, or what the client throws. */
export async function finishRecovery(context: ActContext, recovery: Aum): Promise<string> {
  context.lock.require();
  const body = asked(context, { Head: aumHash(recovery), MissingAUMs: [encodeAum(recovery)], Interactive: false });
  const { Head } = await insist(() => context.client.syncSend(body));
  return Head;
}
