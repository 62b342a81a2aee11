/** Durations as people write them. */

import { UsageError } from "./usage-error.ts";

const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** Seconds of a duration as `90d`, `12h`, `30m`, `10s`. Throws UsageError. */
export function seconds(value: string): number {
  const [, count = "", unit = ""] = /^(\d{1,9})([smhd])$/.exec(value) ?? [];
  if (unit === "") throw new UsageError(`--expiry takes a duration, as 90d, 12h or 30m, not ${value}`, 2);
  return Number(count) * SECONDS[unit as keyof typeof SECONDS];
}
