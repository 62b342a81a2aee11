/**
 * A batch of the log as a collector takes it: for Splunk's HTTP event collector, events one after another, each with its time; else NDJSON, a line a
 * record. Each record has its hash, so that the last one of a batch is a head; the newest of all goes in a header.
 */

import { gzipSync } from "node:zlib";
import { auditRecord, formatAuditHead, headInDetail, jsonLine, type AuditRecord } from "../../protocol/index.ts";
import { zstdFrames, type StreamBatch, type StreamSettings } from "../../durable/index.ts";

const SPLUNK_PATH = "/services/collector/event";
const MS_PER_S = 1000;

function splunkEvent(record: AuditRecord, name: string, at: number): object {
  const { kind, epoch, sequence, hash } = record;
  return {
    time: at / MS_PER_S,
    host: name,
    source: "tailward",
    sourcetype: "tailward:audit",
    event: record,
    fields: { kind, epoch, sequence, hash },
  };
}

/** The batch as text. */
export function batchText({ destinationType, name, events }: StreamBatch): string {
  const lines = events.map((event) => {
    const record = auditRecord(event);
    return jsonLine(destinationType === "splunk" ? splunkEvent(record, name, event.at) : record);
  });
  return lines.map((line) => `${line}\n`).join("");
}

/** Where it goes: a collector of Splunk's that is named by its host alone has its usual path. */
export function batchUrl({ destinationType }: StreamSettings, url: string): string {
  const parsed = new URL(url);
  if (destinationType === "splunk" && parsed.pathname === "/") parsed.pathname = SPLUNK_PATH;
  return parsed.href;
}

function authorization({ destinationType, user }: StreamSettings, token: string | null): Record<string, string> {
  if (token === null) return {};
  if (destinationType === "splunk") return { authorization: `Splunk ${token}` };
  return { authorization: user === "" ? `Bearer ${token}` : `Basic ${btoa(`${user}:${token}`)}` };
}

/** What goes with it. The token goes into its header and nowhere else. */
export function batchHeaders(batch: StreamBatch, token: string | null): Record<string, string> {
  const head = headInDetail(batch.head);
  return {
    "content-type": batch.destinationType === "splunk" ? "application/json" : "application/x-ndjson",
    "user-agent": "Tailward-Log-Stream/1",
    ...(batch.compressionFormat === "none" ? {} : { "content-encoding": batch.compressionFormat }),
    ...(head === null ? {} : { "tailward-log-head": formatAuditHead(head) }),
    ...authorization(batch, token),
  };
}

export function compressed({ compressionFormat }: StreamSettings, text: string): Uint8Array<ArrayBuffer> {
  const bytes = new TextEncoder().encode(text);
  switch (compressionFormat) {
    case "none":
      return new Uint8Array(bytes);
    case "gzip":
      return new Uint8Array(gzipSync(bytes));
    case "zstd":
      return new Uint8Array(zstdFrames(bytes));
  }
}
