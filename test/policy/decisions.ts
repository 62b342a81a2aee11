/**
 * Policies, and what each of them lets through: `laptop > web tcp 22` by both families. The one list is judged three times: by the rules themselves,
 * by the compiled filters, and by Go's.
 */

import type { Name } from "./tailnet.ts";

export interface Decided {
  readonly name: string;
  readonly policy: string;
  readonly allowed: readonly Packet[];
  readonly denied: readonly Packet[];
}

/** `from > to protocol port`. */
export type Packet = `${Name} > ${Name} ${"tcp" | "udp" | "sctp" | "gre"} ${number}`;

const TAGS = `"tagOwners": {"tag:web": [], "tag:db": ["group:ops"], "tag:prod": ["tag:web"]}, "groups": {"group:ops": ["owner@example.com"]}`;

export const DECISIONS: readonly Decided[] = [
  {
    name: "nothing said, all allowed [F11]",
    policy: "{}",
    allowed: ["laptop > web tcp 22", "bob > laptop udp 53", "stranger > web tcp 1"],
    denied: ["laptop > web gre 0"],
  },
  {
    name: "an empty list allows nothing [F11]",
    policy: `{"acls": []}`,
    allowed: [],
    denied: ["laptop > web tcp 22", "laptop > phone tcp 22", "bob > laptop udp 53"],
  },
  { name: "the same for grants [F11]", policy: `{"grants": []}`, allowed: [], denied: ["laptop > web tcp 22"] },
  {
    name: "everyone to everyone",
    policy: `{"acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}]}`,
    allowed: ["laptop > web tcp 22", "db > bob tcp 65535", "db > bob udp 1"],
    denied: ["laptop > web sctp 22"],
  },
  {
    name: "a user's devices to a tag, on two ports and a range",
    policy: `{${TAGS}, "acls": [{"action": "accept", "src": ["owner@example.com"], "dst": ["tag:web:22,80-82"]}]}`,
    allowed: ["laptop > web tcp 22", "phone > web2 udp 80", "laptop > web tcp 82"],
    denied: [
      "laptop > web tcp 21",
      "laptop > web tcp 83",
      "bob > web tcp 22",
      "laptop > db tcp 22",
      "web > web2 tcp 22",
      "web > laptop tcp 22",
    ],
  },
  {
    name: "a group, by the older names of the fields, in any case",
    policy: `{"Groups": {"group:all": ["owner@example.com", "bob@example.com"]}, "ACLs": [{"Action": "accept", "Users": ["group:all"], "Ports": ["bob@example.com:443"]}]}`,
    allowed: ["laptop > bob tcp 443", "bob > bob tcp 443"],
    denied: ["laptop > bob tcp 80", "bob > laptop tcp 443", "web > bob tcp 443"],
  },
  {
    name: "a device with tags is nobody's [F6]",
    policy: `{${TAGS}, "acls": [{"action": "accept", "src": ["autogroup:member"], "dst": ["autogroup:member:*"]}]}`,
    allowed: ["laptop > bob tcp 1", "bob > phone udp 9"],
    denied: ["web > laptop tcp 1", "laptop > web tcp 1", "stranger > laptop tcp 1"],
  },
  {
    name: "all devices with tags",
    policy: `{${TAGS}, "acls": [{"action": "accept", "src": ["autogroup:tagged"], "dst": ["autogroup:tagged:5432"]}]}`,
    allowed: ["web > db tcp 5432", "db > web2 tcp 5432"],
    denied: ["laptop > db tcp 5432", "web > laptop tcp 5432", "stranger > db tcp 5432"],
  },
  {
    name: "one's own devices, and nobody else's",
    policy: `{"acls": [{"action": "accept", "src": ["autogroup:member"], "dst": ["autogroup:self:*"]}]}`,
    allowed: ["laptop > phone tcp 22", "phone > laptop udp 1", "bob > bob tcp 1"],
    denied: ["laptop > bob tcp 22", "bob > laptop tcp 22", "laptop > web tcp 22", "web > web2 tcp 22"],
  },
  {
    name: "one's own devices, of one user only",
    policy: `{"acls": [{"action": "accept", "src": ["bob@example.com"], "dst": ["autogroup:self:22"]}]}`,
    allowed: ["bob > bob tcp 22"],
    denied: ["laptop > phone tcp 22", "bob > bob tcp 23"],
  },
  {
    name: "self beside a tag, in one rule",
    policy: `{${TAGS}, "acls": [{"action": "accept", "src": ["*"], "dst": ["autogroup:self:*", "tag:web:80"]}]}`,
    allowed: ["laptop > phone tcp 22", "db > web tcp 80", "bob > web tcp 80"],
    denied: ["bob > laptop tcp 22", "db > web tcp 81", "web > laptop tcp 22"],
  },
  {
    name: "admins",
    policy: `{${TAGS}, "acls": [{"action": "accept", "src": ["autogroup:admin"], "dst": ["tag:db:*"]}]}`,
    allowed: ["laptop > db tcp 1"],
    denied: ["bob > db tcp 1", "web > db tcp 1"],
  },
  {
    name: "hosts, addresses and prefixes",
    policy: `{"hosts": {"database": "100.64.0.6"}, "acls": [
      {"action": "accept", "src": ["100.64.0.4/31"], "dst": ["database:5432"]},
      {"action": "accept", "src": ["fd7a:115c:a1e0::4/127"], "dst": ["[fd7a:115c:a1e0::6]:5432"]}]}`,
    allowed: ["web > db tcp 5432", "web2 > db tcp 5432"],
    denied: ["laptop > db tcp 5432", "web > db tcp 22", "db > web tcp 5432"],
  },
  {
    name: "a protocol",
    policy: `{"acls": [{"action": "accept", "proto": "udp", "src": ["*"], "dst": ["*:53"]}, {"action": "accept", "proto": "sctp", "src": ["*"], "dst": ["*:9"]}]}`,
    allowed: ["laptop > web udp 53", "laptop > web sctp 9"],
    denied: ["laptop > web tcp 53", "laptop > web udp 9", "laptop > web sctp 53"],
  },
  {
    name: "a protocol without ports, by name and by number",
    policy: `{${TAGS}, "grants": [{"src": ["*"], "dst": ["tag:web"], "ip": ["gre:*"]}, {"src": ["*"], "dst": ["tag:db"], "ip": ["47:*"]}]}`,
    allowed: ["laptop > web gre 0", "laptop > db gre 0"],
    denied: ["laptop > web tcp 1", "laptop > laptop gre 0"],
  },
  {
    name: "grants: ports, protocols and ranges",
    policy: `{${TAGS}, "grants": [{"src": ["group:ops"], "dst": ["tag:prod"], "ip": ["443", "tcp:22", "udp:60000-61000", "tcp:8000-8080"]}]}`,
    allowed: [
      "laptop > web2 tcp 443",
      "laptop > db udp 443",
      "phone > db tcp 22",
      "laptop > db udp 60500",
      "laptop > db tcp 8080",
    ],
    denied: ["laptop > web tcp 443", "laptop > db udp 22", "laptop > db tcp 60500", "bob > db tcp 443"],
  },
  {
    name: "acls and grants add up",
    policy: `{${TAGS}, "acls": [{"action": "accept", "src": ["*"], "dst": ["tag:web:80"]}], "grants": [{"src": ["tag:web"], "dst": ["tag:db"], "ip": ["5432"]}]}`,
    allowed: ["bob > web tcp 80", "web > db tcp 5432"],
    denied: ["bob > db tcp 5432", "web > db tcp 80"],
  },
  {
    name: "a device with several tags, each of which counts",
    policy: `{${TAGS}, "acls": [{"action": "accept", "src": ["tag:prod"], "dst": ["tag:prod:1"]}]}`,
    allowed: ["web2 > db tcp 1", "db > web2 tcp 1"],
    denied: ["web > db tcp 1", "db > web tcp 1"],
  },
  {
    name: "another tailnet's devices reach what was shared with them, if that is said [F7]",
    policy: `{"acls": [{"action": "accept", "src": ["autogroup:shared"], "dst": ["*:443"]}]}`,
    allowed: ["stranger > web tcp 443"],
    denied: ["stranger > db tcp 443", "stranger > laptop tcp 443", "laptop > web tcp 443", "web2 > web tcp 443"],
  },
  {
    name: "an empty group is nobody",
    policy: `{"groups": {"group:none": []}, "acls": [{"action": "accept", "src": ["group:none"], "dst": ["*:*"]}]}`,
    allowed: [],
    denied: ["laptop > web tcp 22", "bob > laptop tcp 1"],
  },
  {
    name: "a user who is not here yet is nobody",
    policy: `{"acls": [{"action": "accept", "src": ["carol@example.com"], "dst": ["*:*"]}, {"action": "accept", "src": ["*"], "dst": ["carol@example.com:*"]}]}`,
    allowed: [],
    denied: ["laptop > web tcp 22", "bob > laptop tcp 1"],
  },
  {
    name: "no exit node, no internet",
    policy: `{"acls": [{"action": "accept", "src": ["*"], "dst": ["autogroup:internet:*"]}]}`,
    allowed: [],
    denied: ["laptop > web tcp 443"],
  },
  {
    name: "an app grants no packet",
    policy: `{${TAGS}, "grants": [{"src": ["*"], "dst": ["tag:web"], "app": {"example.com/cap/x": [{"a": 1}]}}]}`,
    allowed: [],
    denied: ["laptop > web tcp 443"],
  },
];

const PROTOCOLS = { tcp: 6, udp: 17, sctp: 132, gre: 47 } as const;

/** The packet's parts. */
export function packetOf(packet: Packet): { from: Name; to: Name; protocol: number; port: number } {
  const [from = "", , to = "", protocol = "", port = ""] = packet.split(" ");
  return {
    from: from as Name,
    to: to as Name,
    protocol: PROTOCOLS[protocol as keyof typeof PROTOCOLS],
    port: Number(port),
  };
}
