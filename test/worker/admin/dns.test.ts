/** What an admin sets for names, and what nodes are told of it. */

import { describe, expect, test } from "vitest";
import { admin, join, makeTailnet } from "../../support/workerd/control.ts";
import { refused } from "../../support/workerd/refused.ts";
import { TestNode } from "../../support/workerd/test-node.ts";

/** The DNSConfig of the next message of a socket. */
async function configOf(socket: { readonly text: () => Promise<string> }): Promise<unknown> {
  return (JSON.parse(await socket.text()) as { readonly DNSConfig?: unknown }).DNSConfig;
}

describe("names", () => {
  test("are those of the tailnet until somebody says otherwise, and nodes are told of it at once", async () => {
    const name = `names${crypto.randomUUID().slice(0, 8)}.test`;
    const tailnet = await makeTailnet(name);
    const dns = `/api/v2/tailnet/${tailnet}/dns`;
    const node = new TestNode("node");
    await join(tailnet, node);
    const socket = await node.listen();
    expect(await configOf(socket)).toEqual({ Domains: [name], Proxied: true });
    const given = await admin("POST", `${dns}/nameservers`, { dns: ["192.0.2.53", "2001:db8::53"] });
    expect(given.json).toEqual({ dns: ["192.0.2.53", "2001:db8::53"], magicDNS: true });
    const Resolvers = [{ Addr: "192.0.2.53" }, { Addr: "2001:db8::53" }];
    expect(await configOf(socket)).toEqual({ Resolvers, Domains: [name], Proxied: true });
    await admin("POST", `${dns}/searchpaths`, { searchPaths: ["corp.test"] });
    expect(await configOf(socket)).toEqual({ Resolvers, Domains: [name, "corp.test"], Proxied: true });
    await admin("PATCH", `${dns}/split-dns`, { "corp.test": ["192.0.2.54"] });
    expect(await configOf(socket)).toMatchObject({ Routes: { "corp.test": [{ Addr: "192.0.2.54" }] } });
    expect((await admin("PATCH", `${dns}/split-dns`, { "corp.test": null })).json).toEqual({});
    expect(await configOf(socket)).not.toHaveProperty("Routes");
    await admin("POST", `${dns}/preferences`, { magicDNS: false });
    expect(await configOf(socket)).toEqual({ Resolvers, Domains: ["corp.test"] });
    for (const [path, json] of [
      ["nameservers", { dns: ["192.0.2.53", "2001:db8::53"] }],
      ["searchpaths", { searchPaths: ["corp.test"] }],
      ["preferences", { magicDNS: false }],
      ["split-dns", {}],
    ] as const)
      expect((await admin("GET", `${dns}/${path}`)).json).toEqual(json);
  });

  test("are set as a whole too", async () => {
    const dns = `/api/v2/tailnet/${await makeTailnet()}/dns`;
    await admin("PATCH", `${dns}/split-dns`, { "old.test": ["192.0.2.1"], "corp.test": ["192.0.2.1"] });
    const put = await admin("PUT", `${dns}/split-dns`, { "corp.test": ["192.0.2.54"] });
    expect(put.json).toEqual({ "corp.test": ["192.0.2.54"] });
    const whole = {
      nameservers: [{ address: "192.0.2.53", useWithExitNode: false }],
      splitDNS: { "other.test": [{ address: "192.0.2.55", useWithExitNode: false }] },
      searchPaths: ["corp.test"],
      preferences: { overrideLocalDNS: true, magicDNS: true },
    };
    expect((await admin("POST", `${dns}/configuration`, whole)).json).toEqual(whole);
    expect((await admin("GET", `${dns}/configuration`)).json).toEqual(whole);
    expect((await admin("POST", `${dns}/configuration`, {})).json).toEqual({
      nameservers: [],
      splitDNS: {},
      searchPaths: [],
      preferences: { overrideLocalDNS: false, magicDNS: false },
    });
    const byExitNode = { nameservers: [{ address: "192.0.2.53", useWithExitNode: true }] };
    refused(await admin("POST", `${dns}/configuration`, byExitNode), "malformed_request");
  });

  test.each([
    ["POST", "nameservers", { dns: ["dns.example"] }],
    ["POST", "nameservers", { dns: Array.from({ length: 17 }, () => "192.0.2.1") }],
    ["POST", "searchpaths", { searchPaths: ["Corp.test"] }],
    ["POST", "searchpaths", { searchPaths: ["corp.test."] }],
    ["PATCH", "split-dns", { "corp..test": ["192.0.2.1"] }],
    ["PATCH", "split-dns", { "corp.test": ["here"] }],
    ["POST", "preferences", {}],
  ])("are refused where no node could make anything of them: %s %s %j", async (method, path, body) => {
    refused(await admin(method, `/api/v2/tailnet/${await makeTailnet()}/dns/${path}`, body), "malformed_request");
  });
});
