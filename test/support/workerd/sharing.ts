/** Two tailnets and what they share, as tests arrange it. */

import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect } from "vitest";
import type { By, Share } from "../../../src/durable/index.ts";
import { parseShareInvite, type MapNode, type Outcome, type ShareInviteParts } from "../../../src/protocol/index.ts";
import { authorityOf } from "./control.ts";
import type { TestNode } from "./test-node.ts";
import { eventually } from "../eventually.ts";

export const BY_TEST: By = { actor: { type: "USER", id: "owner", name: "Owner" }, origin: "CONFIG_API", group: "" };

export function valueOf<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new Error(`${outcome.error.code}: ${outcome.error.message}`);
  return outcome.value;
}

export function codeOf(outcome: Outcome<unknown>): string {
  return outcome.ok ? "ok" : outcome.error.code;
}

/** The stable ID of a node, as it sees it itself. */
export async function stableIdOf(node: TestNode): Promise<string> {
  return (await node.map()).Node?.StableID ?? "";
}

/** Invites to a node; the parts of the invite. */
export async function invite(tailnet: string, node: TestNode): Promise<ShareInviteParts> {
  const made = valueOf(await authorityOf(tailnet).createShare(BY_TEST, await stableIdOf(node)));
  const parts = parseShareInvite(made.invite);
  if (parts === null) throw new Error("no invite");
  return parts;
}

/** Shares a node of one tailnet with another, and waits until both sides have told each other everything. */
export async function share(home: string, node: TestNode, other: string): Promise<Share> {
  const accepted = valueOf(await authorityOf(other).acceptShare(BY_TEST, await invite(home, node)));
  await settled(home, other);
  return accepted;
}

/** Links of a tailnet that have something to say. */
export function pending(tailnet: string): Promise<number> {
  return runInDurableObject(authorityOf(tailnet), (_, { storage }) => {
    const rows = storage.sql.exec<{ links: number }>("SELECT COUNT(*) AS links FROM links WHERE due IS NOT NULL");
    return rows.one().links;
  });
}

/** Waits until none of these has anything to say. */
export async function settled(...tailnets: readonly string[]): Promise<void> {
  await eventually(async () => {
    for (const tailnet of tailnets) expect(await pending(tailnet)).toBe(0);
  });
}

export interface Cut {
  /** How many calls were lost. */
  readonly lost: () => number;
  readonly mend: () => void;
}

/** Loses what a tailnet's object sends to others: `request` on its way, `answer` once it has been acted on. */
export async function cut(tailnet: string, what: "request" | "answer"): Promise<Cut> {
  let isCut = true;
  let count = 0;
  const lose = async <T>(call: () => Promise<T>): Promise<T> => {
    if (!isCut) return call();
    count++;
    if (what === "answer") await call();
    throw new Error("Network connection lost.");
  };
  const get = (id: DurableObjectId): unknown => {
    const stub = env.TAILNET_AUTHORITY.get(id);
    return {
      exchangeShares: (statement: string) => lose(async () => stub.exchangeShares(statement)),
      claimShare: (claim: Parameters<typeof stub.claimShare>[0]) => lose(async () => stub.claimShare(claim)),
    };
  };
  const wires = { idFromName: (name: string) => env.TAILNET_AUTHORITY.idFromName(name), get };
  await runInDurableObject(authorityOf(tailnet), (instance) => {
    const held = instance as unknown as { env: typeof env };
    held.env = { ...held.env, TAILNET_AUTHORITY: wires as unknown as typeof env.TAILNET_AUTHORITY };
  });
  return { lost: () => count, mend: () => void (isCut = false) };
}

/** Rings a tailnet's alarm, as time would, once its links are due. */
export async function ring(tailnet: string): Promise<void> {
  const stub = authorityOf(tailnet);
  await runInDurableObject(stub, (_, { storage }) => {
    storage.sql.exec("UPDATE links SET due = 0 WHERE due IS NOT NULL").toArray();
  });
  await runDurableObjectAlarm(stub);
}

/** The peers of a node by their node keys. */
export async function peersOf(node: TestNode): Promise<Map<string, MapNode>> {
  return new Map(((await node.map()).Peers ?? []).map((peer) => [peer.Key, peer]));
}

/** The kinds of a tailnet's events from a seq on, each with what it is about. */
export function eventsOf(tailnet: string, after = 0): Promise<{ kind: string; target: string; new: string }[]> {
  return runInDurableObject(authorityOf(tailnet), (_, { storage }) =>
    storage.sql
      .exec<{ kind: string; target: string; new: string }>(
        "SELECT kind, target, new FROM events WHERE seq > ? ORDER BY seq",
        after,
      )
      .toArray(),
  );
}
