/** The keys of a tailnet as the admin API lists them, of whichever kind: each group of commands shows its own. */

import { printable } from "../node/index.ts";
import { boolean, list, optional, record, text, withDefault, type ShapeOf } from "../protocol/index.ts";
import { NOTHING, type AdminPlace } from "./admin-place.ts";

export const key = record({
  id: text,
  keyType: withDefault(text, "auth"),
  /** There once, when it is made. A secret. */
  key: withDefault(text, ""),
  description: withDefault(text, ""),
  created: text,
  expires: withDefault(text, ""),
  invalid: withDefault(boolean, false),
  capabilities: optional(
    record({
      devices: record({
        create: record({ reusable: boolean, ephemeral: boolean, preauthorized: boolean, tags: list(text, 64) }),
      }),
    }),
  ),
  scopes: list(text, 1000),
  tags: list(text, 64),
  userId: withDefault(text, ""),
  lastUsed: withDefault(text, ""),
});
const keys = record({ keys: list(key, 100_000) });

export type Key = ShapeOf<typeof key>;

/** All keys of a kind, whosever. */
export async function keysOfKind(place: AdminPlace, kind: "auth" | "api" | "client"): Promise<Key[]> {
  const all = await place.ask("GET", place.path("/keys?all=true"), keys);
  return all.keys.filter(({ keyType }) => keyType === kind);
}

export async function revokeKey(place: AdminPlace, id: string): Promise<void> {
  await place.ask("DELETE", place.path(`/keys/${encodeURIComponent(id)}`), NOTHING);
  place.terminal.out(`${printable(id)} is revoked\n`);
}

export function standingOf({ invalid, expires }: Key): readonly string[] {
  return [invalid ? "invalid" : "good", expires === "" ? "for good" : `until ${expires}`];
}
