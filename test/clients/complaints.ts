/** What clients complain of: the health warnings of `tailscale status`, and the lines of their logs that sound like trouble, grouped. */

import type { Scene } from "./scene.ts";

interface Group {
  readonly kind: "health" | "log";
  readonly text: string;
  count: number;
  readonly versions: Set<string>;
  readonly plays: Set<string>;
}

/** Lines that say nothing of their own: the log's own bookkeeping, and the end of a complaint. */
const SAYS_NOTHING = /"logtail"|\{"text"|\[RATELIMIT\]|health\([^)]*\): ok/;

const SOUNDS_LIKE_TROUBLE =
  /error|fail|warn|panic|unexpected|invalid|refus|denied|mismatch|timeout|timed out|cannot|can't|could not|unable|not supported|bad |EOF/i;

/** The same complaint of two clients is the same text: what differs from run to run is taken out. */
export function normalised(line: string): string {
  return line
    .replace(/^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d /, "")
    .replaceAll(/\b(?:nodekey|mkey|discokey|d|tlpub|privkey|nlpub):[0-9a-f]+\b/g, "KEY")
    .replaceAll(/\[[A-Za-z0-9+/]{5}\]/g, "[KEY]")
    .replaceAll(/\/run\/plays\/\S+|\/tmp\/\S+/g, "PATH")
    .replaceAll(/\b\d+\.\d+\.\d+\.\d+(?:\/\d+)?(?::\d+)?\b/g, "ADDR")
    .replaceAll(/\[?\b[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){3,}\]?(?:\/\d+)?(?::\d+)?/g, "ADDR")
    .replaceAll(/\b\d+(?:\.\d+)?(?:ms|µs|s|m|h|d|ns)\b/g, "TIME")
    .replaceAll(/\b[A-Z2-7]{52}\b/g, "AUM")
    .replaceAll(/nodeid:\d+\(\w+\)/g, "NODE")
    .replaceAll(/\b[0-9a-f]{32,}\b/g, "HEX")
    .replaceAll(/\b\d+\b/g, "N")
    .trim();
}

export class Complaints {
  readonly #groups = new Map<string, Group>();

  add(kind: "health" | "log", line: string, version: string, play: string): void {
    const text = normalised(line);
    const id = `${kind} ${text}`;
    const group = this.#groups.get(id) ?? { kind, text, count: 0, versions: new Set(), plays: new Set() };
    group.count++;
    group.versions.add(version);
    group.plays.add(play);
    this.#groups.set(id, group);
  }

  /** The most frequent first. */
  get groups(): readonly Group[] {
    return [...this.#groups.values()].sort((a, b) => b.count - a.count);
  }
}

/** Reads the clients of a run before they end. */
export async function collectComplaints(scene: Scene, into: Complaints): Promise<void> {
  for (const client of scene.clients) {
    const { version } = client.release;
    if (client.isRunning)
      for (const line of (await client.status().catch(() => null))?.Health ?? [])
        into.add("health", line, version, scene.play.title);
    for (const line of client.log().split("\n"))
      if (SOUNDS_LIKE_TROUBLE.test(normalised(line)) && !SAYS_NOTHING.test(line))
        into.add("log", line, version, scene.play.title);
  }
}
