/** What is counted, and when objects were awake. Objects and Worker are one isolate here, so one tally serves all. */

/** From and until when an object had something to do: milliseconds since the epoch. */
interface Awake {
  readonly object: string;
  readonly from: number;
  readonly until: number;
}

let counts = new Map<string, number>();
let awake: Awake[] = [];
/** Cursors tell what they have read and written once they are done; they are asked at the end. */
let cursors: { readonly kind: string; readonly cursor: SqlStorageCursor<Record<string, SqlStorageValue>> }[] = [];

export function count(what: string, by = 1): void {
  counts.set(what, (counts.get(what) ?? 0) + by);
}

/** Keeps a cursor of an object of that kind, for its rows. */
export function keepCursor(kind: string, cursor: SqlStorageCursor<Record<string, SqlStorageValue>>): void {
  cursors.push({ kind, cursor });
}

/** Does `work`, during which these objects are awake. */
export async function whileAwake<T>(objects: readonly string[], work: () => Promise<T> | T): Promise<T> {
  const from = Date.now();
  try {
    return await work();
  } finally {
    const until = Date.now();
    for (const object of objects) awake.push({ object, from, until });
  }
}

/** Milliseconds for which each kind of object was awake: what overlaps in one object counts once. */
function awakeMs(): Map<string, number> {
  const byObject = Map.groupBy(awake, ({ object }) => object);
  const totals = new Map<string, number>();
  for (const [object, spans] of byObject) {
    let [total, reached] = [0, 0];
    for (const { from, until } of spans.sort((a, b) => a.from - b.from)) {
      total += Math.max(0, until - Math.max(from, reached));
      reached = Math.max(reached, until);
    }
    const kind = object.split(" ")[0] ?? object;
    totals.set(kind, (totals.get(kind) ?? 0) + total);
  }
  return totals;
}

/** All that was counted since the last time. */
export function takeTally(): Record<string, number> {
  for (const { kind, cursor } of cursors) {
    count(`rows read ${kind}`, cursor.rowsRead);
    count(`rows written ${kind}`, cursor.rowsWritten);
  }
  for (const [kind, ms] of awakeMs()) count(`awake ms ${kind}`, ms);
  const taken = Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
  counts = new Map<string, number>();
  awake = [];
  cursors = [];
  return taken;
}
