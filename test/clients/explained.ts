/**
 * Complaints of clients that are no fault of the control plane's. docs/compatibility.md says of each, under the same name, why it is there; a
 * complaint that none of these explains is listed by itself at the end of a run, and one in `tailscale status` fails it.
 */

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const PAGE = fileURLToPath(new URL("../../docs/compatibility.md", import.meta.url));

const EXPLAINED: readonly (readonly [name: string, ...patterns: readonly RegExp[]])[] = [
  ["locked-out", /this node is locked out/, /lock is dropping peer/, /failed to decode self node key signature: EOF/],
  ["locked-out-peer", /got disco ping from .* for node not in peers/, /open-conn-track: timeout opening/],
  [
    "not-up-yet",
    /Tailscale is (starting|stopped)/,
    /state=(NeedsLogin|Stopped), wantRunning=false/,
    /You are logged out\.$/,
  ],
  [
    "refused",
    /this auth key (is not valid|was for one node|has expired|was revoked)/,
    /requested tags .* are invalid or not permitted/,
    /policy does not permit you to SSH/,
  ],
  [
    "own-network",
    /use of closed network connection/,
    /context canceled/,
    /client connection force closed/,
    /network state changed, but stringification/,
    /error: network down/,
    /monitor: \[unexpected\] (old|new)/,
  ],
  [
    "server-away",
    /unexpected EOF/,
    /connection refused/,
    /connection reset/,
    /N Bad Gateway/,
    /http2: client conn could not be established/,
    /not in map poll/,
  ],
  ["ten-seconds", /connection attempts aborted by context/, /lookup invalid IP/],
  [
    "first-packets",
    /no UDP or DERP addr/,
    /not connected to (any DERP relay|home DERP region)/,
    /could not connect to the .*relay server/,
  ],
  ["peer-restarted", /CallMeMaybe from peer via DERP whose netmap discokey/, /derp-N does not know about peer/],
  ["no-way-out", /netcheck reported send error/],
  [
    "bare-machine",
    /TPM: error opening/,
    /enumerating tailscale0 addresses for cleanup failed/,
    /peerAPI listen, harmless/,
    /timeout waiting for initial portlist/,
    /iptables/,
    /inotify addwatch/,
  ],
  ["own-stack", /CreateEndpoint error/, /tun dev stats polling/],
  ["its-own-end", /work queue shutdown failed/, /failed to get MTU of TUN device/],
];

/** The name under which the page explains it, or null. `text` is as `normalised` leaves it. */
export function explanationOf(text: string): string | null {
  return EXPLAINED.find(([, ...patterns]) => patterns.some((pattern) => pattern.test(text)))?.[0] ?? null;
}

/** The names that the page does not have. */
export function missingOnPage(): string[] {
  const page = readFileSync(PAGE, "utf8");
  return EXPLAINED.map(([name]) => name).filter((name) => !page.includes(`| ${name} |`));
}
