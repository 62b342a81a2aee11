/** The part of a tailnet's object that is about its log: each method is one act, as in TailnetAuthority. */

import type { Outcome } from "../../protocol/index.ts";
import type { By } from "../audit/events.ts";
import { logHead, type LogHead } from "../audit/head.ts";
import {
  changeStream,
  findStream,
  removeStream,
  setStream,
  streamInfo,
  type StreamInfo,
} from "../audit/stream-acts.ts";
import { settleBatch, takeBatch, type StreamBatch, type StreamResult } from "../audit/stream-batches.ts";
import type { NewStream, StreamManner } from "../audit/streams.ts";
import { eventsPage, type EventsPage } from "../delivery/record.ts";
import { WebhookAuthority } from "./webhooks.ts";

export class LogAuthority extends WebhookAuthority {
  /** Where the log stands. */
  logHead(): Promise<Outcome<LogHead>> {
    return this.acts.act(logHead);
  }

  /** Events after the one with the number `after`, up to `limit`, as long as whoever asks may [P54]. */
  logPage(by: By, after: number, limit: number): Promise<Outcome<EventsPage>> {
    return this.acts.act((tailnet, now) => {
      tailnet.refuseOutdated(by, now);
      return eventsPage(tailnet, after, limit);
    });
  }

  logStream(): Promise<Outcome<StreamInfo>> {
    return this.acts.living(streamInfo);
  }

  /** The same, or null where the log is streamed nowhere. */
  findLogStream(): Promise<Outcome<StreamInfo | null>> {
    return this.acts.living(findStream);
  }

  /** Changes how the stream with that ID is sent. */
  changeLogStream(by: By, id: string, manner: StreamManner): Promise<Outcome<StreamInfo>> {
    return this.acts.living((tailnet, now) => changeStream(tailnet, by, id, manner, now));
  }

  /** Sets where the log goes, in the place of the stream with the ID `seen`, or of none. */
  setLogStream(by: By, seen: string | null, made: NewStream): Promise<Outcome<StreamInfo>> {
    return this.acts.living((tailnet, now) => setStream(tailnet, by, seen, made, now));
  }

  removeLogStream(by: By): Promise<Outcome<null>> {
    return this.acts.living((tailnet, now) => removeStream(tailnet, by, now));
  }

  /** What is to be sent of the log, once; null where there is nothing to be done. */
  takeLogBatch(stream: string, batch: number): Promise<Outcome<StreamBatch | null>> {
    return this.acts.act((tailnet) => takeBatch(tailnet, stream, batch));
  }

  /** How it went. */
  settleLogBatch(stream: string, batch: number, result: StreamResult): Promise<Outcome<null>> {
    return this.acts.act((tailnet, now) => settleBatch(tailnet, stream, batch, result, now));
  }
}
