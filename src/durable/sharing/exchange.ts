/** The exchange between two tailnets' objects: one asks, and both have taken what the other has to say. Retries are the caller's alarm. */

import type { Outcome } from "../../protocol/index.ts";
import type { ObjectsEnv } from "../env.ts";
import { log } from "../log.ts";
import { ControlError } from "../refuse.ts";
import type { Claim } from "./acts.ts";
import { loseTailnet, statementFor, takeStatement } from "./links.ts";
import { encodeStatement, parseStatement } from "./statement.ts";
import type { Tailnet } from "../authority/tailnet.ts";

/** What the one that is asked gives back. */
export interface Exchanged {
  /** Digest of the asker's statement that it has taken. */
  readonly taken: string;
  /** Its own statement. */
  readonly statement: string;
}

const FIRST_RETRY_MS = 5000;
const LAST_RETRY_MS = 10 * 60 * 1000;

function authorityOf(env: ObjectsEnv, tailnet: string) {
  return env.TAILNET_AUTHORITY.get(env.TAILNET_AUTHORITY.idFromName(tailnet));
}

/** Takes a statement and answers with our own. Attacker-controlled. */
export function answerExchange(tailnet: Tailnet, statement: string, now: number): Exchanged {
  const { id } = tailnet.info();
  const theirs = parseStatement(statement);
  if (theirs.from === id) throw new ControlError("malformed_request", "a tailnet shares nothing with itself");
  const taken = takeStatement(tailnet, theirs, now);
  return { taken, statement: encodeStatement(statementFor(tailnet, theirs.from)) };
}

/** Takes what the other has answered to a statement of ours with the digest `said`. */
function takeAnswer(tailnet: Tailnet, other: string, said: string, { taken, statement }: Exchanged, now: number): void {
  const theirs = parseStatement(statement);
  if (theirs.from !== other) throw new ControlError("malformed_request", "another tailnet has answered");
  takeStatement(tailnet, theirs, now);
  if (taken === said) tailnet.shares.acknowledge(other, said);
  else postpone(tailnet, other, now);
}

/** Links that have something to say by now. */
export function dueLinks(tailnet: Tailnet, now: number): string[] {
  if (tailnet.find() === null) return [];
  return tailnet.store.rows("SELECT other FROM links WHERE due <= ? ORDER BY due", now).map((row) => row.text("other"));
}

/** When the next link has something to say, in milliseconds since the epoch, or null for none. */
export function nextDue(tailnet: Tailnet): number | null {
  if (tailnet.find() === null) return null;
  return tailnet.store.row("SELECT MIN(due) AS due FROM links")?.integerOrNull("due") ?? null;
}

/** Puts the next try off, each time for longer. */
export function postpone(tailnet: Tailnet, other: string, now: number): void {
  const link = tailnet.shares.link(other);
  if (link !== null) tailnet.shares.postpone(other, now + Math.min(FIRST_RETRY_MS * 2 ** link.tries, LAST_RETRY_MS));
}

/** What came of telling another tailnet what we have to say. Pure of storage: the caller runs the acts. */
export type Told =
  | { readonly kind: "answered"; readonly said: string; readonly answer: Exchanged }
  | { readonly kind: "gone" }
  | { readonly kind: "failed" };

/** Sends our statement. Never throws. */
export async function tell(env: ObjectsEnv, tailnet: Tailnet, other: string): Promise<Told> {
  try {
    const statement = statementFor(tailnet, other);
    const outcome = await authorityOf(env, other).exchangeShares(encodeStatement(statement));
    if (outcome.ok) return { kind: "answered", said: statement.digest, answer: outcome.value };
    return { kind: outcome.error.code === "unknown_tailnet" ? "gone" : "failed" };
  } catch (error) {
    log.warn("another tailnet was not told of a share; it will be told again", { other }, error);
    return { kind: "failed" };
  }
}

/** Takes what came of it. */
export function settleTold(tailnet: Tailnet, other: string, told: Told, now: number): void {
  if (told.kind === "gone") loseTailnet(tailnet, other, now);
  else if (told.kind === "failed") postpone(tailnet, other, now);
  else takeAnswer(tailnet, other, told.said, told.answer, now);
}

/** Claims an invite at the tailnet that made it. Never throws. */
export async function claimAt(env: ObjectsEnv, home: string, claim: Claim): Promise<Outcome<null>> {
  try {
    return await authorityOf(env, home).claimShare(claim);
  } catch (error) {
    log.warn("an invite was not claimed", { home }, error);
    const message = "the tailnet of the node cannot be asked at the moment: accept the invite again";
    return { ok: false, error: { code: "try_again", message } };
  }
}
