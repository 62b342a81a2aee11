/** Random policies over the small tailnet of these tests, out of few words, so that rules meet. */

import fc from "fast-check";

const SOURCES = [
  "* owner@example.com bob@example.com carol@example.com group:ops group:none autogroup:member autogroup:admin",
  "autogroup:tagged autogroup:shared tag:web tag:db tag:prod host 100.64.0.0/30 100.64.0.2 fd7a:115c:a1e0::4/127 10.0.0.0/8",
].flatMap((line) => line.split(" "));
const DESTINATIONS = SOURCES.filter((name) => name !== "autogroup:shared" && !name.includes("::"));
const PORTS = ["*", "22", "80,443", "20-25"];
const PROTOCOLS = ["", "tcp", "udp", "6", "sctp"];
const NAMES = {
  groups: { "group:ops": ["owner@example.com", "bob@example.com"], "group:none": [] },
  hosts: { host: "100.64.0.4" },
  tagOwners: { "tag:web": [], "tag:db": [], "tag:prod": [] },
};

const some = (words: readonly string[]): fc.Arbitrary<string[]> =>
  fc.uniqueArray(fc.constantFrom(...words), { minLength: 1, maxLength: 3 });

const target = fc
  .tuple(fc.constantFrom(...DESTINATIONS), fc.constantFrom(...PORTS))
  .map(([name, ports]) => `${name}:${ports}`);
const acl = fc.record({
  action: fc.constant("accept"),
  src: some(SOURCES),
  dst: fc.array(target, { minLength: 1, maxLength: 3 }),
  proto: fc.constantFrom(...PROTOCOLS),
});
const ofOneself = fc.record({
  action: fc.constant("accept"),
  src: some(["*", "owner@example.com", "group:ops", "autogroup:member"]),
  dst: fc.constantFrom(["autogroup:self:22"], ["autogroup:self:*", "tag:web:80"]),
});
const grant = fc.record({
  src: some(SOURCES),
  dst: some(DESTINATIONS),
  ip: some(["*", "22", "tcp:80", "udp:53", "tcp:20-25", "sctp:22"]),
});

export const anyPolicy: fc.Arbitrary<string> = fc
  .record({
    acls: fc.array(fc.oneof(acl, ofOneself), { maxLength: 3 }),
    grants: fc.array(grant, { maxLength: 2 }),
  })
  .map((rules) => JSON.stringify({ ...NAMES, ...rules }));

/** Packets by which policies of these words can be told apart. */
export const PROBES: readonly (readonly [protocol: number, port: number])[] = [
  ...[22, 23, 53, 80, 443, 8080].map((port) => [6, port] as const),
  ...[22, 53, 80].map((port) => [17, port] as const),
  [132, 22],
];
