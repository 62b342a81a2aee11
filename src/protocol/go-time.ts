/** Times as Go's JSON writes them, RFC 3339. */

/** Go's zero time: never, or none. */
export const ZERO_TIME = "0001-01-01T00:00:00Z";

/** A time in milliseconds since the epoch, or the zero time for null. */
export function timeJson(at: number | null): string {
  return at === null ? ZERO_TIME : new Date(at).toISOString();
}
