/**
 * A tailnet's object as it was at another time: Cloudflare keeps thirty days of every object (point-in-time recovery), which only the object itself can ask for.
 * The runtime on this machine keeps none, and says so.
 *
 * Rule [O57]: an object that is rewound ends at once, and with it all that it has in memory; the one that begins is told that it is an older copy before
 *            anything else is asked of it, by whoever has rewound it.
 */

import { randomText } from "../random-id.ts";
import { ControlError } from "../refuse.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
/** How far Cloudflare goes back. */
const MOST_BACK_MS = 30 * DAY_MS;
/** Milliseconds until the object ends: its answer is out by then. */
const END_MS = 200;
const NO_RECOVERY = "does not implement point-in-time recovery";

/** Where to: a time in milliseconds since the epoch, or a bookmark of an earlier rewinding, to take that back. */
export type RewindTo = { readonly time: number } | { readonly bookmark: string };

export interface Rewound {
  /** The object that ends. The next one is another. */
  readonly instance: string;
  /** What the object was until now: by it the rewinding can be taken back, for thirty days. */
  readonly undo: string;
}

/** An object as it is in memory; every time that it begins it is another. */
export class Instance {
  readonly id = randomText(16);

  /** Throws `try_again` where this is still the one that is to end. */
  requireOther(ended: string | null): void {
    if (ended === this.id) throw new ControlError("try_again", "the object has not ended yet: ask again");
  }
}

function refuseTime(time: number, created: number, now: number): void {
  if (time > now) throw new ControlError("invalid_argument", "this time has not come yet");
  if (time < created) throw new ControlError("invalid_argument", "the tailnet was not there yet at that time");
  if (time < now - MOST_BACK_MS) throw new ControlError("invalid_argument", "no more than thirty days are kept");
}

/** Has the object end, and begin as it was. `created`: since when there is the tailnet. Throws `invalid_argument`, `not_supported`. */
export async function rewind(
  ctx: DurableObjectState,
  { id }: Instance,
  to: RewindTo,
  created: number,
  now: number,
): Promise<Rewound> {
  const { storage } = ctx;
  if ("time" in to) refuseTime(to.time, created, now);
  try {
    const bookmark = "time" in to ? await storage.getBookmarkForTime(to.time) : to.bookmark;
    const undo = await storage.onNextSessionRestoreBookmark(bookmark);
    setTimeout(() => {
      ctx.abort("rewound");
    }, END_MS);
    return { instance: id, undo };
  } catch (error) {
    if (String(error).includes(NO_RECOVERY))
      throw new ControlError(
        "not_supported",
        "this runtime keeps no earlier states: on Cloudflare thirty days are kept",
      );
    if ("bookmark" in to) throw new ControlError("invalid_argument", "there is no such bookmark");
    throw error;
  }
}
