/** News as tests of sessions make it, lose it, and read it. */

import { runInDurableObject } from "cloudflare:test";
import { expect, vi } from "vitest";
import { NodeSessions } from "../../../src/durable/index.ts";
import type { MapResponse } from "../../../src/protocol/index.ts";
import { sessions } from "./control.ts";
import type { TestNode } from "./test-node.ts";

/** Loses every call by which an authority hurries the sessions objects, until the mocks are restored. */
export function cutAdvance(): void {
  vi.spyOn(NodeSessions.prototype, "advance").mockImplementation((_tailnet, seq) =>
    Promise.resolve({ seq, sessions: 1 }),
  );
}

/**
 * Has the alarms of the object that holds the tailnet's sockets compare it at each ring: tests of others leave tailnets and open streams there, and an
 * alarm compares a part. Until the mocks are restored, or the object is made anew.
 */
export async function itsTurn(tailnet: string): Promise<void> {
  await runInDurableObject(sessions(tailnet, "socket"), ({ audience, connections, presence }) => {
    const held = audience.tailnets.bind(audience);
    const told = presence.tailnets.bind(presence);
    vi.spyOn(audience, "tailnets").mockImplementation(() => new Set([...held()].filter((each) => each === tailnet)));
    vi.spyOn(presence, "tailnets").mockImplementation(async () => (await told()).filter((each) => each === tailnet));
    vi.spyOn(connections.maps, "areKeptAlive", "get").mockReturnValue(false);
  });
}

/** The host names of the peers that a response tells of anew. */
export function changed({ PeersChanged }: MapResponse): string[] {
  return (PeersChanged ?? []).map(({ Hostinfo }) => Hostinfo?.Hostname ?? "");
}

/** Has a node go by another host name. */
export async function rename(node: TestNode, hostname: string): Promise<void> {
  expect((await node.register("", { Hostinfo: { Hostname: hostname } })).status).toBe(200);
}
