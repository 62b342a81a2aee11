/**
 * Brings the local chain and the control plane's together, as a Tailscale client does. Source: Go's `tkaSyncIfNeeded` and `tkaSyncLocked`.
 *
 * Rule [Z16]: the lock comes on by a genesis that verifies by itself and is not disallowed here.
 * Rule [Z17]: it goes off by a valid disablement secret, and by nothing else the control plane says. Another lock takes its place only so.
 * Rule [Z18]: what we have and the control plane lacks is computed before its AUMs are taken in: it is sent also where another chain wins then.
 * Rule [Z19]: its AUMs are taken in all or none, each verified.
 * Rule [Z24]: a node far behind is given a part at a time: it asks again as long as its head moves, until both stand at the same head.
 */

import type { SyncOfferResponse, TkaInfo } from "../protocol/index.ts";
import { TkaError, decodeAum, type AumHash, type NodeKey, type VerifiedAum } from "../tka/index.ts";
import { asked } from "./act-context.ts";
import { AgentError, ControlRefusal } from "./errors.ts";
import type { ControlClient } from "./https-client.ts";
import type { LocalLock } from "./local-lock.ts";

export interface SyncContext {
  readonly client: ControlClient;
  readonly lock: LocalLock;
  readonly nodeKey: NodeKey;
  /** State IDs of chains that this node does not follow. */
  readonly disallowed: readonly string[];
  readonly log: (line: string) => void;
}

/** False where the lock that is on at `theirs` was turned off on this node [Z23]. */
async function enable(context: SyncContext, theirs: AumHash): Promise<boolean> {
  const { client, lock, disallowed, log } = context;
  const { GenesisAUM } = await client.bootstrap(asked(context, { Head: "" }));
  try {
    lock.bootstrap(GenesisAUM, disallowed);
  } catch (error) {
    if (!(error instanceof AgentError && error.code === "lock_disallowed")) throw error;
    lock.passOver(theirs);
    log(`tailnet lock: ${error.message}, and is passed over`);
    return false;
  }
  log(`tailnet lock: begun with ${lock.require().head}`);
  return true;
}

async function disable(context: SyncContext): Promise<void> {
  const { client, lock, log } = context;
  const { DisablementSecret } = await client.bootstrap(asked(context, { Head: lock.require().head }));
  if (lock.disable(DisablementSecret)) log("tailnet lock: disabled with a valid disablement secret");
  else
    log("tailnet lock: the control plane says that the lock is off, without a valid disablement secret: it stays on");
}

/** What of ours the control plane lacks. Nothing where all that it names of itself is newer than what we have: it is then far ahead. */
function toSend(lock: LocalLock, { Head, Ancestors, MissingAUMs }: SyncOfferResponse): readonly VerifiedAum[] {
  try {
    return lock.missing(Head, Ancestors);
  } catch (error) {
    const isAhead = error instanceof TkaError && error.code === "no_intersection" && MissingAUMs.length > 0;
    if (!isAhead) throw error;
    return [];
  }
}

/** One round. Gives the control plane's head. */
async function round(context: SyncContext): Promise<string> {
  const { client, lock } = context;
  const offer = lock.offer();
  const answer = await client.syncOffer(asked(context, { Head: offer.head, Ancestors: offer.ancestors }));
  if (answer.Head === offer.head) return answer.Head;
  const sent = toSend(lock, answer);
  if (answer.MissingAUMs.length > 0) lock.inform(answer.MissingAUMs.map(decodeAum));
  const { head } = lock.require();
  const MissingAUMs = sent.map(({ bytes }) => bytes);
  const { Head } = await client.syncSend(asked(context, { Head: head, MissingAUMs, Interactive: false }));
  return Head;
}

/** True where both sides stand at the same head then. */
async function exchange(context: SyncContext): Promise<boolean> {
  const { lock, log } = context;
  for (;;) {
    const { head: before } = lock.require();
    const theirs = await round(context);
    const { head } = lock.require();
    if (head !== before) log(`tailnet lock: head ${head}`);
    if (head === theirs) return true;
    if (head === before) {
      log(`tailnet lock: out of step with the control plane, which stands at ${theirs}`);
      return false;
    }
  }
}

/**
 * Where the control plane has nothing in common with our chain, the lock may have been turned off, and another on, while this node slept:
 * then it has the secret that retired ours. True if that is so, and our chain is gone.
 */
async function isRetired(context: SyncContext, error: unknown): Promise<boolean> {
  if (!(error instanceof ControlRefusal && error.refusal.code === "no_intersection")) return false;
  await disable(context);
  return context.lock.authority === null;
}

/** True where what the control plane said last asks for a sync. */
export function needsSync(lock: LocalLock, said: TkaInfo | null): boolean {
  if (said === null) return false;
  const head = lock.authority?.head ?? null;
  if (said.Disabled) return head !== null;
  return said.Head !== null && said.Head !== head && said.Head !== lock.passedOver;
}

/**
 * Does what `said` asks for. True where both sides stand at the same head then. Throws what the client, the chain's verification or the disk throws: the chain
 * is then as it was, or further on.
 */
export async function syncLock(context: SyncContext, said: TkaInfo): Promise<boolean> {
  const { lock } = context;
  if (said.Disabled) {
    if (lock.authority !== null) await disable(context);
    return false;
  }
  if (said.Head === null) return false;
  if (lock.authority === null && !(await enable(context, said.Head))) return false;
  let isAgreed: boolean;
  try {
    isAgreed = await exchange(context);
  } catch (error) {
    if (!(await isRetired(context, error))) throw error;
    if (!(await enable(context, said.Head))) return false;
    isAgreed = await exchange(context);
  }
  lock.compact();
  return isAgreed;
}
