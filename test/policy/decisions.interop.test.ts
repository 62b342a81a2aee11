/** Go's packet filter as the judge: what a client lets through by our compiled rules is what the policies say. */

import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isAllowed, parsePolicy, type PolicyNode } from "../../src/policy/index.ts";
import { Oracle, type OracleVersion } from "../interop/oracle-client.ts";
import { PROBES, anyPolicy } from "./any-policy.ts";
import { DECISIONS, packetOf, type Packet } from "./decisions.ts";
import { NODES, PEOPLE, compiled, lets, type FilterRule, type Name } from "./tailnet.ts";

interface Judged {
  readonly accepted: readonly boolean[];
  readonly capabilities: readonly (Readonly<Record<string, readonly unknown[]>> | null)[];
}

/** The device as one that has an address of one family only. */
function ofFamily(node: PolicyNode, family: number): PolicyNode {
  return { ...node, addresses: node.addresses.filter((_, i) => i === family) };
}

describe.each<OracleVersion>(["v1.104", "v1.102"])("Go's %s", (version) => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await Oracle.start(version);
  });
  afterAll(() => oracle.close());

  async function judged(policy: string, packet: Packet): Promise<Judged> {
    const { from, to, protocol, port } = packetOf(packet);
    const rules: unknown = JSON.parse(compiled(policy).for(NODES[to]).packetFilter);
    const packets = [0, 1].map((family) => {
      const address = (name: Name): string | undefined => NODES[name].addresses[family];
      return { from: address(from), to: address(to), protocol, port };
    });
    return oracle.ask<Judged>("filter.judge", { rules, local: NODES[to].addresses, packets });
  }

  async function verdicts(policy: string, packets: readonly Packet[]): Promise<string[]> {
    const all = await Promise.all(packets.map(async (packet) => ({ packet, ...(await judged(policy, packet)) })));
    return all.map(({ packet, accepted }) => `${packet}: ${accepted.map((yes) => (yes ? "yes" : "no")).join()}`);
  }

  test.each(DECISIONS)("$name", async ({ policy, allowed, denied }) => {
    expect(await verdicts(policy, allowed)).toEqual(allowed.map((packet) => `${packet}: yes,yes`));
    expect(await verdicts(policy, denied)).toEqual(denied.map((packet) => `${packet}: no,no`));
  });

  test("random policies mean the same to the rules, to our reading of the filters, and to Go", async () => {
    for (const policy of fc.sample(anyPolicy, { numRuns: 60, seed: 20_261_125 })) {
      const [parsed, whole] = [parsePolicy(policy, PEOPLE), compiled(policy)];
      for (const to of Object.values(NODES).filter(({ sharedWith }) => sharedWith === null)) {
        const filter = JSON.parse(whole.for(to).packetFilter) as FilterRule[];
        const packets = Object.values(NODES).flatMap((from) =>
          PROBES.flatMap(([protocol, port]) =>
            [0, 1].map((family) => ({
              from: from.addresses[family] ?? "",
              to: to.addresses[family] ?? "",
              protocol,
              port,
              // Addresses in rules are of one family: these are judged by their filters alone.
              byRules: family === 0 ? isAllowed(parsed, ofFamily(from, 0), ofFamily(to, 0), protocol, port) : null,
            })),
          ),
        );
        const { accepted } = await oracle.ask<Judged>("filter.judge", { rules: filter, local: to.addresses, packets });
        const wrong = packets.filter(
          (packet, i) =>
            lets(filter, packet.from, packet.to, packet.protocol, packet.port) !== accepted[i] ||
            (packet.byRules !== null && packet.byRules !== accepted[i]),
        );
        expect(wrong, policy).toEqual([]);
      }
    }
  });

  test("a capability is there for whom it was granted", async () => {
    const policy = `{"tagOwners": {"tag:web": []}, "grants": [{"src": ["owner@example.com"], "dst": ["tag:web"], "app": {"example.com/cap/x": [{"a": 1}]}}]}`;
    expect((await judged(policy, "laptop > web tcp 1")).capabilities).toEqual(
      [0, 1].map(() => ({ "example.com/cap/x": [{ a: 1 }] })),
    );
    for (const packet of ["bob > web tcp 1", "laptop > db tcp 1"] as const)
      expect((await judged(policy, packet)).capabilities.flatMap((map) => Object.keys(map ?? {}))).toEqual([]);
  });

  test("an SSHPolicy has Go's names and no others", async () => {
    const text = `{"ssh": [{"action": "accept", "src": ["autogroup:member"], "dst": ["autogroup:self"], "users": ["autogroup:nonroot", "root"], "acceptEnv": ["A_*"]}]}`;
    for (const policy of [text, "{}"]) {
      expect(() => parsePolicy(policy, PEOPLE)).not.toThrow();
      const ours: unknown = JSON.parse(compiled(policy).for(NODES.laptop).sshPolicy);
      expect(await oracle.ask<unknown>("ssh.decode", { policy: ours })).toEqual(ours);
    }
  });
});
