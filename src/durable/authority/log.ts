/** The part of a tailnet's object that is about its log: each method is one act, as in TailnetAuthority. */

import type { Outcome } from "../../protocol/index.ts";
import type { By } from "../audit/events.ts";
import { logHead, type LogHead } from "../audit/head.ts";
import {
  removeStream,
  setStream,
  settleBatch,
  streamId,
  streamInfo,
  takeBatch,
  type StreamBatch,
  type StreamInfo,
  type StreamResult,
} from "../audit/stream-acts.ts";
import type { StreamSettings } from "../audit/streams.ts";
import { WebhookAuthority } from "./webhooks.ts";

export class LogAuthority extends WebhookAuthority {
  /** Where the log stands. */
  logHead(): Promise<Outcome<LogHead>> {
    return this.acts.act(logHead);
  }

  logStream(): Promise<Outcome<StreamInfo>> {
    return this.acts.living(streamInfo);
  }

  /** What the token of the stream is to be sealed for. */
  logStreamId(): Promise<Outcome<string>> {
    return this.acts.living(streamId);
  }

  /** Sets where the log goes. `box`: the token, sealed, or null. */
  setLogStream(by: By, id: string, settings: StreamSettings, box: Uint8Array | null): Promise<Outcome<StreamInfo>> {
    return this.acts.living((tailnet, now) => setStream(tailnet, by, id, settings, box, now));
  }

  removeLogStream(by: By): Promise<Outcome<null>> {
    return this.acts.living((tailnet, now) => removeStream(tailnet, by, now));
  }

  /** What is to be sent of the log, once; null where there is nothing to be done. */
  takeLogBatch(batch: number): Promise<Outcome<StreamBatch | null>> {
    return this.acts.act((tailnet) => takeBatch(tailnet, batch));
  }

  /** How it went. */
  settleLogBatch(batch: number, result: StreamResult): Promise<Outcome<null>> {
    return this.acts.act((tailnet, now) => settleBatch(tailnet, batch, result, now));
  }
}
