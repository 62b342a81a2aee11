/** What devices are given: no more than concerns them, the same where nothing has changed for them. */

import { describe, expect, test } from "vitest";
import { DEFAULT_POLICY, isOfNodes, parsePolicy, type PolicyNode } from "../../src/policy/index.ts";
import { NODES, PEOPLE, compiled, compiledFor, filterOf } from "./tailnet.ts";

const TAGS = `"tagOwners": {"tag:web": [], "tag:db": [], "tag:prod": []}`;
const TO_WEB = `{${TAGS}, "acls": [{"action": "accept", "src": ["autogroup:member"], "dst": ["tag:web:22"]}]}`;

function manyDevices(count: number): PolicyNode[] {
  return Array.from({ length: count }, (_, i) => ({
    ...NODES.laptop,
    id: i + 1,
    stableId: `n${i + 1}`,
    addresses: [`100.64.${(i + 1) >> 8}.${(i + 1) & 255}`, `fd7a:115c:a1e0::${(i + 1).toString(16)}`],
  }));
}

describe("packet filters", () => {
  test("all allowed is one rule, without anybody's address", () => {
    const everything = [{ SrcIPs: ["*"], DstPorts: [{ IP: "*", Ports: { First: 0, Last: 65535 } }] }];
    expect(filterOf("{}", "laptop")).toEqual(everything);
    expect(filterOf(DEFAULT_POLICY, "web")).toEqual(everything);
  });

  test("a device gets the rules that lead to it, with its own addresses [F8]", () => {
    expect(filterOf(TO_WEB, "db")).toEqual([]);
    expect(filterOf(TO_WEB, "web")).toEqual([
      {
        SrcIPs: ["100.64.0.1-100.64.0.3", "fd7a:115c:a1e0::1-fd7a:115c:a1e0::3"],
        DstPorts: ["100.64.0.4", "fd7a:115c:a1e0::4"].map((IP) => ({ IP, Ports: { First: 22, Last: 22 } })),
      },
    ]);
  });

  test("neighbours are one range: the filter of a large tailnet is a small one", () => {
    const nodes = [...manyDevices(3000), { ...NODES.web, id: 4000 }];
    const filter = compiled(TO_WEB, nodes).for({ ...NODES.web, id: 4000 }).packetFilter;
    expect(filter.length).toBeLessThan(400);
  });

  test("a gap stays a gap", () => {
    const nodes = [NODES.laptop, NODES.bob, NODES.web];
    const [rule] = JSON.parse(compiled(TO_WEB, nodes).for(NODES.web).packetFilter) as { SrcIPs: string[] }[];
    expect(rule?.SrcIPs).toEqual(["100.64.0.1", "100.64.0.3", "fd7a:115c:a1e0::1", "fd7a:115c:a1e0::3"]);
  });

  test("capabilities are granted on the device's own addresses", () => {
    const policy = `{${TAGS}, "grants": [{"src": ["tag:db"], "dst": ["tag:web"], "app": {"example.com/cap/x": [{"a": [1]}]}}]}`;
    const SrcIPs = ["100.64.0.6", "fd7a:115c:a1e0::6"];
    const Dsts = ["100.64.0.4/32", "fd7a:115c:a1e0::4/128"];
    expect(filterOf(policy, "web")).toEqual([
      { SrcIPs, CapGrant: [{ Dsts, CapMap: { "example.com/cap/x": [{ a: [1] }] } }] },
    ]);
    expect(filterOf(policy, "db")).toEqual([]);
  });

  test("what a device routes is a destination of its own", () => {
    const router = { ...NODES.web, routes: ["10.1.0.0/16", "0.0.0.0/0"] };
    const policy = `{"acls": [{"action": "accept", "src": ["*"], "dst": ["10.0.0.0/8:22", "autogroup:internet:443"]}]}`;
    const [rule] = JSON.parse(compiled(policy, [router]).for(router).packetFilter) as { DstPorts: { IP: string }[] }[];
    const targets = rule?.DstPorts.map(({ IP }) => IP) ?? [];
    expect(targets[0]).toBe("10.0.0.0-10.255.255.255");
    expect(targets).toContain("8.0.0.0/7");
    expect(targets.some((target) => target.startsWith("10.") && target !== targets[0])).toBe(false);
  });
});

describe("digests", () => {
  const digest = (policy: string, nodes: readonly PolicyNode[], of: PolicyNode): string =>
    compiled(policy, nodes).digestFor(of);
  const all = Object.values(NODES);

  test("stay while nothing changes for the device", () => {
    const more = [...all, { ...NODES.db, id: 9, stableId: "n9", addresses: ["100.64.0.9", "fd7a:115c:a1e0::9"] }];
    expect(digest(TO_WEB, more, NODES.web)).toBe(digest(TO_WEB, all, NODES.web));
    expect(digest(TO_WEB, more, NODES.db)).toBe(digest(TO_WEB, all, NODES.db));
    expect(digest(TO_WEB, all, NODES.web)).toHaveLength(16);
  });

  test("change with its rules, its sources, its SSH and its attributes", () => {
    const before = digest(TO_WEB, all, NODES.web);
    const more = [...all, { ...NODES.bob, id: 9, stableId: "n9", addresses: ["100.64.0.9", "fd7a:115c:a1e0::9"] }];
    const others = [
      digest(TO_WEB, more, NODES.web),
      digest(TO_WEB, all, { ...NODES.web, tags: [] }),
      digest(TO_WEB.replace(":22", ":23"), all, NODES.web),
      digest(
        TO_WEB.replace(
          /}$/,
          `, "ssh": [{"action": "accept", "src": ["tag:db"], "dst": ["tag:web"], "users": ["root"]}]}`,
        ),
        all,
        NODES.web,
      ),
      digest(TO_WEB.replace(/}$/, `, "randomizeClientPort": true}`), all, NODES.web),
    ];
    expect(new Set([before, ...others]).size).toBe(others.length + 1);
  });

  test("of a device are another wherever it is given something else, and nowhere else", () => {
    const policies = [
      "{}",
      TO_WEB,
      `{"acls": []}`,
      `{"acls": [{"action": "accept", "src": ["autogroup:member"], "dst": ["autogroup:self:*"]}]}`,
      `{"acls": [{"action": "accept", "src": ["autogroup:shared"], "dst": ["*:22"]}]}`,
      `{"acls": [{"action": "accept", "src": ["*"], "dst": ["100.64.0.4:22", "[fd7a:115c:a1e0::6]:22"]}]}`,
      `{"ssh": [{"action": "accept", "src": ["autogroup:member"], "dst": ["autogroup:self"], "users": ["root"]}]}`,
      `{${TAGS}, "grants": [{"src": ["tag:db"], "dst": ["tag:web"], "app": {"example.com/cap/x": [1]}}]}`,
      `{${TAGS}, "grants": [{"src": ["tag:db"], "dst": ["tag:web"], "app": {"example.com/cap/x": [2]}}]}`,
    ];
    for (const node of all) {
      const given = policies.map((policy) => JSON.stringify(compiled(policy).for(node)));
      const digests = policies.map((policy) => compiled(policy).digestFor(node));
      for (const [i, whole] of given.entries())
        expect(given.map((other) => other === whole)).toEqual(digests.map((other) => other === digests[i]));
    }
  });

  test("do not depend on who was asked first", () => {
    const [one, two] = [compiled(TO_WEB), compiled(TO_WEB)];
    const forwards = all.map((node) => one.digestFor(node));
    expect(all.toReversed().map((node) => two.digestFor(node))).toEqual(forwards.toReversed());
  });
});

describe("whether devices matter to a policy", () => {
  test.each([
    ["{}", false],
    [DEFAULT_POLICY, false],
    [`{"acls": [{"action": "accept", "src": ["10.0.0.0/8"], "dst": ["*:22"]}]}`, false],
    [TO_WEB, true],
    [`{"acls": [{"action": "accept", "src": ["*"], "dst": ["autogroup:self:*"]}]}`, true],
    [`{"acls": [{"action": "accept", "src": ["autogroup:shared"], "dst": ["*:*"]}]}`, true],
    [`{"nodeAttrs": [{"target": ["autogroup:member"], "attr": ["x"]}]}`, true],
    [
      `{"ssh": [{"action": "accept", "src": ["autogroup:member"], "dst": ["autogroup:self"], "users": ["root"]}]}`,
      true,
    ],
  ])("%s", (policy, expected) => {
    expect(isOfNodes(parsePolicy(policy, PEOPLE))).toBe(expected);
  });
});

describe("attributes", () => {
  test("go to those who are named", () => {
    const policy = `{${TAGS}, "nodeAttrs": [{"target": ["tag:web"], "attr": ["drive:share", "x"]}], "randomizeClientPort": true}`;
    expect(compiledFor(policy, "web").attributes).toEqual(
      expect.arrayContaining(["drive:share", "x", "randomize-client-port"]),
    );
    expect(compiledFor(policy, "db").attributes).not.toContain("drive:share");
  });
});

describe("a short policy that stands for very much [F16]", () => {
  const devices = manyDevices(300).map((node, i) =>
    i % 2 === 0 ? node : { ...node, user: null, tags: [i % 4 === 1 ? "tag:web" : "tag:db"] },
  );
  const first = devices[1] ?? NODES.web;
  const many = (rule: string): string => Array.from({ length: 2000 }, () => rule).join(",");

  test.each([
    ["many rules with many sources", `"acls": [${many('{"action": "accept", "src": ["tag:db"], "dst": ["*:1"]}')}]`],
    [
      "many ports",
      `"acls": [{"action": "accept", "src": ["*"], "dst": ["tag:web:${Array.from({ length: 50_000 }, () => "1").join(",")}"]}]`,
    ],
    [
      "many rules of ssh",
      `"ssh": [${many('{"action": "accept", "src": ["tag:db"], "dst": ["tag:web"], "users": ["u"]}')}]`,
    ],
  ])("by %s gives nothing", (_, section) => {
    const policy = compiled(`{${TAGS}, ${section}}`, devices);
    expect(policy.isTooLargeFor(first)).toBe(true);
    expect(policy.for(first)).toEqual({ packetFilter: "[]", sshPolicy: '{"rules":[]}', attributes: [] });
  });

  test("and one that only looks so gives what it says", () => {
    const policy = compiled(
      `{${TAGS}, "acls": [${many('{"action": "accept", "src": ["*"], "dst": ["tag:web:1"]}')}]}`,
      devices,
    );
    expect(policy.isTooLargeFor(first)).toBe(false);
    expect(JSON.parse(policy.for(first).packetFilter)).toHaveLength(2000);
  });
});
