/** What an operator watches of one tailnet: what is on its way and has not arrived, and who is there. Numbers alone. */

import type { Row } from "../store.ts";
import type { Tailnet } from "../authority/tailnet.ts";

/** How what is sealed stands to the storage keys. */
export interface Sealing {
  /** Secrets and addresses that are sealed under an older key, and under one that is not configured any more. */
  readonly sealedOlder: number;
  readonly sealedLost: number;
}

export interface Watched extends Sealing {
  /** Events that D1 is not known to have, and since when the oldest of them has waited, in milliseconds since the epoch, or null. */
  readonly recordPending: number;
  readonly recordPendingSince: number | null;
  /** Changes that not all sessions objects are known to have heard of. */
  readonly sessionsBehind: number;
  /** How often what is pending was sent again since anything last arrived. */
  readonly resends: number;
  /** Messages that webhook endpoints have yet to be told, and endpoints that are failing. */
  readonly webhooksPending: number;
  readonly webhooksFailing: number;
  /** Events that the collector of the log has yet to take, and 1 while it takes none; 0 where the log is streamed nowhere. */
  readonly streamBehind: number;
  readonly streamFailing: number;
  /** Nodes that are connected. */
  readonly online: number;
}

export function watchedOf(tailnet: Tailnet, sealing: Sealing): Watched {
  const one = (sql: string): Row => {
    const row = tailnet.store.row(sql);
    if (row === null) throw new Error("a count gives a row");
    return row;
  };
  const pending = one(
    "SELECT COUNT(*) AS n, (SELECT at FROM events WHERE seq = (SELECT MIN(seq) FROM outbox)) AS since FROM outbox",
  );
  const { outbox } = tailnet;
  const stream = tailnet.store.row("SELECT sent, failing FROM log_streams WHERE ended IS NULL");
  const news = outbox.news(-1);
  return {
    ...sealing,
    recordPending: pending.integer("n"),
    recordPendingSince: pending.integerOrNull("since"),
    sessionsBehind: news === null ? 0 : news.seq - outbox.told,
    resends: outbox.tries,
    webhooksPending: one("SELECT COUNT(*) AS n FROM webhook_deliveries").integer("n"),
    webhooksFailing: one("SELECT COUNT(*) AS n FROM webhooks WHERE failing IS NOT NULL AND deleted IS NULL").integer(
      "n",
    ),
    streamBehind: stream === null ? 0 : Math.max(0, tailnet.info().seq - stream.integer("sent")),
    streamFailing: stream === null || stream.integerOrNull("failing") === null ? 0 : 1,
    online: one("SELECT COUNT(*) AS n FROM presence WHERE online = 1").integer("n"),
  };
}
