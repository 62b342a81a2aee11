/**
 * `tailward admin rebuild [tailnet]`: rebuilds the record (D1) of a tailnet from its object, page by page, and says what was found. `tailward admin
 * restore`: has it be what it was at another time. `tailward admin restored`: tells a tailnet's object that it is an older copy of itself.
 */

import type { Command } from "commander";
import { integer, nullable, record, text, type ShapeOf } from "../protocol/index.ts";
import { printable } from "../node/index.ts";
import type { AdminPlace } from "./admin-place.ts";
import { columns } from "./columns.ts";
import { UsageError } from "./usage-error.ts";

const difference = record({ missing: integer, differing: integer, surplus: integer });
const page = record({ cursor: nullable(text), rows: integer, found: difference, left: difference });

type Difference = ShapeOf<typeof difference>;
type Page = ShapeOf<typeof page>;

interface Rebuilt {
  readonly rows: number;
  /** What was found before anything was written, and what is left: nothing. */
  readonly found: Difference;
  readonly left: Difference;
}

function sum(a: Difference, b: Difference): Difference {
  return { missing: a.missing + b.missing, differing: a.differing + b.differing, surplus: a.surplus + b.surplus };
}

/** Asks page after page, each for bounded work. Throws where a page was left unequal, which the control plane never says. */
async function rebuild(place: AdminPlace, tailnet: string): Promise<Rebuilt> {
  const none = { missing: 0, differing: 0, surplus: 0 };
  let whole: Rebuilt = { rows: 0, found: none, left: none };
  for (let cursor: string | null = "tailnet:-1"; cursor !== null;) {
    const done: Page = await place.ask("POST", place.path("/record/rebuild", tailnet), page, { cursor });
    if (done.cursor === cursor) throw new UsageError("the control plane's answer leads nowhere: ask again");
    const { rows, found, left } = whole;
    whole = { rows: rows + done.rows, found: sum(found, done.found), left: sum(left, done.left) };
    cursor = done.cursor;
  }
  return whole;
}

function rebuiltText({ rows, found, left }: Rebuilt): string {
  const line = (when: string, { missing, differing, surplus }: Difference): string[] => [
    `  ${when}`,
    `${missing} missing`,
    `${differing} differing`,
    `${surplus} surplus`,
  ];
  const isEqual = left.missing + left.differing + left.surplus === 0;
  return [
    `Compared the record with ${rows} rows of the tailnet's object.\n`,
    columns([line("before", found), line("after", left)]),
    isEqual ? "The record is equal, row by row.\n" : "The record is NOT equal: run it again.\n",
  ].join("");
}

interface RestoreFlags {
  readonly to?: string;
  readonly undo?: string;
  readonly confirm: boolean;
}

/** What to restore to. Throws UsageError. */
function pointOf({ to, undo }: RestoreFlags): { readonly time: string } | { readonly bookmark: string } {
  if ((to === undefined) === (undo === undefined)) throw new UsageError("say either --to TIME or --undo BOOKMARK");
  if (undo !== undefined) return { bookmark: undo };
  const time = Date.parse(to ?? "");
  if (Number.isNaN(time)) throw new UsageError(`--to takes a time such as 2026-11-25T12:00:00Z, not ${to ?? ""}`);
  return { time: new Date(time).toISOString() };
}

async function restore(place: AdminPlace, tailnet: string, flags: RestoreFlags): Promise<void> {
  const point = pointOf(flags);
  const when = "time" in point ? `as it was at ${point.time}` : "as it was before the restore";
  if (!flags.confirm) {
    const would = `${printable(tailnet)} would be restored ${when}: all that came since is undone`;
    place.terminal.out(`${would}. Run this again with --confirm\n`);
    return;
  }
  const done = await place.ask("POST", place.path("/restore", tailnet), record({ epoch: text, undo: text }), point);
  place.print(
    done,
    ({ epoch, undo }) =>
      `Restored ${when}; epoch ${epoch} begins. To take it back: --undo ${undo}\nNow: tailward admin rebuild ${tailnet}\n`,
  );
}

export function addRebuild(admin: Command, place: AdminPlace): void {
  admin
    .command("rebuild [tailnet]")
    .description("rebuild the record (D1) of a tailnet from its object, and prove it equal; a deleted one by its ID")
    .action(async (tailnet: string | undefined) => {
      place.print(await rebuild(place, tailnet ?? place.tailnet), rebuiltText);
    });
  admin
    .command("restore <tailnet>")
    .description("restore a tailnet's object as it was at a time of the last thirty days (on Cloudflare)")
    .option("--to <time>", "the time, such as 2026-11-25T12:00:00Z")
    .option("--undo <bookmark>", "take a restore back, by what it printed")
    .option("--confirm", "do it; without this, only say what would be done", false)
    .action(async (tailnet: string, flags: RestoreFlags) => {
      await restore(place, tailnet, flags);
    });
  admin
    .command("restored <tailnet>")
    .description("say, once, that the tailnet's object was restored from an older copy; then rebuild its record")
    .action(async (tailnet: string) => {
      const begun = await place.ask("POST", place.path("/restored", tailnet), record({ epoch: text }));
      place.print(begun, ({ epoch }) => `Epoch ${epoch} begins. Now: tailward admin rebuild ${tailnet}\n`);
    });
}
