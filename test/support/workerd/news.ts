/** News as tests of sessions make it, lose it, and read it. */

import { expect, vi } from "vitest";
import { NodeSessions } from "../../../src/durable/index.ts";
import type { MapResponse } from "../../../src/protocol/index.ts";
import type { TestNode } from "./test-node.ts";

/** Loses every call by which an authority hurries the sessions objects, until the mocks are restored. */
export function cutAdvance(): void {
  vi.spyOn(NodeSessions.prototype, "advance").mockImplementation((_tailnet, seq) =>
    Promise.resolve({ seq, sessions: 1 }),
  );
}

/** The host names of the peers that a response tells of anew. */
export function changed({ PeersChanged }: MapResponse): string[] {
  return (PeersChanged ?? []).map(({ Hostinfo }) => Hostinfo?.Hostname ?? "");
}

/** Has a node go by another host name. */
export async function rename(node: TestNode, hostname: string): Promise<void> {
  expect((await node.register("", { Hostinfo: { Hostname: hostname } })).status).toBe(200);
}
