/** Holds the table of deliberate departures in docs/compatibility.md to the predicates that the fuzzer has. */

import { readFileSync } from "node:fs";

import { DEPARTURES } from "./departures.ts";

const TABLE = new URL("../../../docs/compatibility.md", import.meta.url);

/** The ids in the table of deliberate departures. */
export function documentedDepartures(): string[] {
  const section =
    readFileSync(TABLE, "utf8")
      .split(/^## /m)
      .find((part) => part.startsWith("Deliberate departures")) ?? "";
  return [...section.matchAll(/^\| (go-\d+) \|/gm)].map((match) => match[1] ?? "");
}

/** Throws unless table and predicates name the same departures. */
export function requireDocumented(): void {
  const documented = documentedDepartures().sort();
  const known = DEPARTURES.map(({ id }) => id).sort();
  if (documented.join() !== known.join())
    throw new Error(
      `docs/compatibility.md lists the departures ${documented.join(" ")}, the fuzzer knows ${known.join(" ")}`,
    );
}
