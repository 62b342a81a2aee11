/** What policies let through, judged by their rules and by the filters that are made of them. */

import { describe, expect, test } from "vitest";
import { isAllowed, parsePolicy } from "../../src/policy/index.ts";
import { DECISIONS, packetOf, type Packet } from "./decisions.ts";
import { NODES, PEOPLE, filterOf, lets } from "./tailnet.ts";

/** By the compiled filter of the receiver, for both families, which must agree. */
function byFilter(policy: string, packet: Packet): boolean {
  const { from, to, protocol, port } = packetOf(packet);
  const filter = filterOf(policy, to);
  const [v4, v6] = [0, 1].map((family) =>
    lets(filter, NODES[from].addresses[family] ?? "", NODES[to].addresses[family] ?? "", protocol, port),
  );
  expect(v4, packet).toBe(v6);
  return v4 === true;
}

describe.each(DECISIONS)("$name", ({ policy, allowed, denied }) => {
  test("by the compiled filters", () => {
    expect(allowed.filter((packet) => !byFilter(policy, packet))).toEqual([]);
    expect(denied.filter((packet) => byFilter(policy, packet))).toEqual([]);
  });

  test("by the rules themselves", () => {
    const parsed = parsePolicy(policy, PEOPLE);
    const byRules = (packet: Packet): boolean => {
      const { from, to, protocol, port } = packetOf(packet);
      return isAllowed(parsed, NODES[from], NODES[to], protocol, port);
    };
    expect(allowed.filter((packet) => !byRules(packet))).toEqual([]);
    expect(denied.filter(byRules)).toEqual([]);
  });
});
