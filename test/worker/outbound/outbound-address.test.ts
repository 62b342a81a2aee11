/** Where nothing is sent, whoever configures it [W31][W32]. */

import { describe, expect, test } from "vitest";
import { POST_LIMITS, guardedPost, refusedNow } from "../../../src/worker/outbound/guarded-post.ts";
import { refusedUrl } from "../../../src/worker/outbound/outbound-address.ts";
import { forThisTest } from "../../support/workerd/for-this-test.ts";
import { Receiver } from "../../support/workerd/hooks.ts";

/** Hosts that are not the internet's, in spellings that a URL takes. */
const CLOSED = [
  [
    "this machine",
    "127.0.0.1",
    "127.1",
    "0x7f000001",
    "2130706433",
    "017700000001",
    "[::1]",
    "localhost",
    "localhost.",
  ],
  ["nobody", "0.0.0.0", "0", "[::]"],
  ["private networks", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "[fd00::1]", "[fc00::1]"],
  [
    "metadata services",
    "169.254.169.254",
    "2852039166",
    "[fd00:ec2::254]",
    "168.63.129.16",
    "100.100.100.200",
    "192.0.0.192",
  ],
  ["metadata by name", "metadata.google.internal", "instance-data", "metadata"],
  ["tailnets", "100.64.0.1", "100.127.255.255", "[fd7a:115c:a1e0::1]"],
  ["links", "169.254.0.1", "[fe80::1]", "[febf::1]"],
  [
    "IPv4 in IPv6's clothes",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b:1::a00:1]",
  ],
  ["tunnels", "[2002:7f00:1::]", "[2001:0:7f00:1::]"],
  ["groups and what is reserved", "224.0.0.1", "255.255.255.255", "240.0.0.1", "[ff02::1]", "[4000::1]"],
  [
    "documentation and benchmarks",
    "192.0.2.1",
    "198.18.0.1",
    "198.51.100.7",
    "203.0.113.9",
    "[2001:db8::1]",
    "[3fff::1]",
  ],
  [
    "local names",
    "router",
    "printer.local",
    "a.localhost",
    "git.corp",
    "nas.lan",
    "x.internal",
    "1.0.0.127.in-addr.arpa",
    "a.onion",
  ],
] as const;

const OPEN = [
  "example.com",
  "example.com.",
  "93.184.216.34",
  "100.63.255.255",
  "100.128.0.1",
  "[2606:2800:21f:cb07::1]",
  "hooks.slack.com",
];

describe("an address", () => {
  test.each(CLOSED)("of %s is refused [W31]", (_what, ...hosts) => {
    for (const host of hosts) expect([host, refusedUrl(`https://${host}/hook`, false)]).not.toEqual([host, null]);
  });

  test("of the internet is not", () => {
    for (const host of OPEN) expect([host, refusedUrl(`https://${host}/hook`, false)]).toEqual([host, null]);
  });

  test.each([
    ["http://example.com/", "https"],
    ["ftp://example.com/", "https"],
    ["javascript:alert(1)", "https"],
    ["https://me@example.com/", "user"],
    ["https://me:secret@example.com/", "user"],
    ["https://example.com:22/", "port"],
    ["https://example.com:80/", "port"],
    ["example.com", "URL"],
    ["https://exam\nple.com/", "URL"],
    [" https://example.com/", "URL"],
    ["https://example.com/\u0000", "URL"],
    ["", "URL"],
    [`https://example.com/${"a".repeat(2048)}`, "longer"],
  ])("as %.40s is refused", (url, why) => {
    expect(refusedUrl(url, false)).toContain(why);
  });

  test("on a port of 443, or from 1024 on, is taken", () => {
    for (const port of ["443", "1024", "8443"]) expect(refusedUrl(`https://example.com:${port}/`, false)).toBeNull();
  });

  test("of this machine is taken where that is set, and no other local one", () => {
    for (const url of ["http://127.0.0.1:9000/", "https://localhost/", "http://[::1]:80/", "http://127.9.9.9/"])
      expect([url, refusedUrl(url, true)]).toEqual([url, null]);
    for (const url of [
      "http://10.0.0.1/",
      "https://10.0.0.1/",
      "http://example.com/",
      "https://a.localhost/",
      "ftp://localhost/",
    ])
      expect([url, refusedUrl(url, true)]).not.toEqual([url, null]);
  });
});

describe("a name", () => {
  test.each([
    ["10.0.0.1"],
    ["127.0.0.1"],
    ["169.254.169.254"],
    ["::1"],
    ["fd00::1"],
    ["::ffff:10.0.0.1"],
    ["100.64.0.1"],
  ])("that leads to %s is refused, also beside a public address [W32]", async (address) => {
    const receiver = new Receiver();
    for (const addresses of [[address], ["93.184.216.34", address], [address, "2606:2800:21f:cb07::1"]]) {
      await receiver.behave({ addresses });
      expect(await guardedPost({}, receiver.url, {}, "x")).toMatchObject({ ok: false, status: null });
      expect(await refusedNow({}, receiver.url)).toContain(address);
    }
    expect(await receiver.received()).toEqual([]);
  });

  test("that leads nowhere, or of which nobody knows, is refused", async () => {
    const receiver = new Receiver();
    await receiver.behave({ addresses: [] });
    expect(await refusedNow({}, receiver.url)).toContain("has no address");
    for (const addresses of [null, ["nonsense"]]) {
      await receiver.behave({ addresses });
      expect(await refusedNow({}, receiver.url)).toContain("could not be looked up");
    }
    expect(await receiver.received()).toEqual([]);
  });

  test("is looked up before every attempt [W32]", async () => {
    const receiver = new Receiver();
    expect(await guardedPost({}, receiver.url, { "x-a": "1" }, "one")).toEqual({ ok: true, status: 200, error: null });
    await receiver.behave({ addresses: ["192.168.0.1"] });
    expect((await guardedPost({}, receiver.url, {}, "two")).ok).toBe(false);
    const [first, ...others] = await receiver.received();
    expect([first?.body, first?.headers["x-a"], others.length]).toEqual(["one", "1", 0]);
  });

  test("is not let through by the setting for this machine", async () => {
    const receiver = new Receiver();
    await receiver.behave({ addresses: ["127.0.0.1"] });
    expect(await refusedNow({ WEBHOOKS_ALLOW_LOOPBACK: "true" }, receiver.url)).toContain("127.0.0.1");
  });
});

test("a redirect is not followed [W32]", async () => {
  const [receiver, elsewhere] = [new Receiver(), new Receiver()];
  for (const status of [301, 302, 303, 307, 308]) {
    await receiver.behave({ status, location: elsewhere.url });
    const { ok, error } = await guardedPost({}, receiver.url, {}, "x");
    expect([ok, error]).toEqual([false, `answered ${status}: redirects are not followed`]);
  }
  expect((await receiver.received()).length).toBe(5);
  expect(await elsewhere.received()).toEqual([]);
});

test("what is not a success is said, without the address", async () => {
  const receiver = new Receiver();
  for (const status of [400, 404, 410, 500, 503]) {
    await receiver.behave({ status });
    expect(await guardedPost({}, receiver.url, {}, "x")).toEqual({ ok: false, status, error: `answered ${status}` });
  }
});

test("a receiver that does not answer is given up on", async () => {
  const receiver = new Receiver();
  await receiver.behave({ status: 0 });
  forThisTest(POST_LIMITS, { timeoutMs: 100 });
  const { ok, error } = await guardedPost({}, receiver.url, {}, "x");
  await receiver.behave({ status: 200 });
  expect([ok, error]).toEqual([false, "no answer within 0.1 seconds"]);
});
