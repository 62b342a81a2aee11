/**
 * The admin API for streams of the log. Source: Tailscale's `/api/v2/tailnet/{tailnet}/logging/{type}/stream`, as `tailscale-client-go-v2` uses it. It
 * goes to Splunk's collector, or as NDJSON to any other. The token is in no answer.
 */

import { z } from "zod";
import { STREAM_COMPRESSIONS, STREAM_DESTINATIONS, type StreamInfo, type StreamSettings } from "../../durable/index.ts";
import { timeJson, type Outcome } from "../../protocol/index.ts";
import { nothing, noValue, tailnetRoute, time, type AdminRoute, type TailnetCall } from "./route.ts";
import { orZero } from "./shapes.ts";
import { allowsLoopback } from "../outbound/guarded-post.ts";
import { MAX_URL_CHARS, refusedUrl } from "../outbound/outbound-address.ts";
import { sealSecret } from "../outbound/sealed.ts";

/** Of a token: HEC's are of 36 characters. */
const MAX_TOKEN = 2048;
const MAX_USER = 256;
const MOST_MINUTES = 24 * 60;
/** Bytes of a batch, before it is compressed, about. */
const BODY_BYTES = 1_000_000;

/** Tailscale's other ones are refused, saying so. */
const destination = z.enum(STREAM_DESTINATIONS, {
  error: `a log is streamed to ${STREAM_DESTINATIONS.join(" or ")} here: ndjson is for any collector that takes a line of JSON an event`,
});

const streamBody = z.object({
  destinationType: destination,
  url: z.string().max(MAX_URL_CHARS),
  user: orZero(
    z
      .string()
      .max(MAX_USER)
      .regex(/^[^:\p{Cc}]*$/u, { error: "a user's name has no colon" }),
    "",
  ),
  token: orZero(
    z
      .string()
      .max(MAX_TOKEN)
      .regex(/^[\x21-\x7e]*$/, { error: "a token is of printable ASCII" }),
    "",
  ),
  compressionFormat: orZero(z.enum(STREAM_COMPRESSIONS), "none"),
  uploadPeriodMinutes: orZero(z.int().min(0).max(MOST_MINUTES), 0),
});

const stream = z
  .object({
    logType: z.literal("configuration"),
    destinationType: destination,
    url: z.string(),
    user: z.string(),
    compressionFormat: z.enum(STREAM_COMPRESSIONS),
    uploadPeriodMinutes: z.int(),
    hasToken: z.boolean(),
  })
  .meta({ id: "LogStream" });

const status = z
  .object({
    lastActivity: time,
    lastError: z.string(),
    maxBodySize: z.int(),
    numBytesSent: z.int(),
    numEntriesSent: z.int(),
    numSpoofedEntries: z.int(),
    numTotalRequests: z.int(),
    numFailedRequests: z.int(),
    sequence: z.int().meta({ description: "of the last event that was taken" }),
    waiting: z.int().meta({ description: "events that are yet to be sent" }),
    missed: z.int().meta({ description: "events that the log has let go of before they could be sent" }),
    failingSince: time.optional(),
    nextAttempt: time.optional(),
  })
  .meta({ id: "LogStreamStatus" });

function streamJson(info: StreamInfo): z.input<typeof stream> {
  const { destinationType, url, user, compressionFormat, uploadPeriodMinutes, hasToken } = info;
  const logType = "configuration" as const;
  return { logType, destinationType, url, user, compressionFormat, uploadPeriodMinutes, hasToken };
}

function statusJson(info: StreamInfo): z.input<typeof status> {
  const { failing, due, sent, waiting, missed } = info;
  return {
    lastActivity: timeJson(info.lastActivity),
    lastError: info.lastError,
    maxBodySize: BODY_BYTES,
    numBytesSent: info.bytes,
    numEntriesSent: info.entries,
    numSpoofedEntries: 0,
    numTotalRequests: info.requests,
    numFailedRequests: info.failures,
    sequence: sent,
    waiting,
    missed,
    ...(failing === null ? {} : { failingSince: timeJson(failing), nextAttempt: timeJson(due) }),
  };
}

async function set(call: TailnetCall<undefined, z.output<typeof streamBody>>): Promise<Outcome<StreamInfo>> {
  const { env, tailnet, authority, by, body } = call;
  const { token, ...settings }: StreamSettings & { readonly token: string } = body;
  const refused = refusedUrl(settings.url, allowsLoopback(env));
  if (refused !== null) return { ok: false, error: { code: "malformed_request", message: `body.url: ${refused}` } };
  const id = await authority.logStreamId();
  if (!id.ok) return id;
  if (token === "") return authority.setLogStream(by, id.value, settings, null);
  const sealed = await sealSecret(env, { purpose: "log-stream", tailnet, subject: id.value }, token);
  return sealed.ok ? authority.setLogStream(by, id.value, settings, sealed.value) : sealed;
}

const STREAM = "/api/v2/tailnet/:tailnet/logging/configuration/stream";

export const LOG_STREAM_ROUTES: readonly AdminRoute[] = [
  tailnetRoute({
    method: "GET",
    path: STREAM,
    act: "log_stream.read",
    summary: "Where the audit log is streamed to",
    answer: stream,
    call: ({ authority }) => authority.logStream(),
    format: streamJson,
  }),
  tailnetRoute({
    method: "PUT",
    path: STREAM,
    act: "log_stream.set",
    summary: "Streams the audit log from now on; a stream that there is goes on from where it is",
    statuses: [501],
    body: streamBody,
    answer: stream,
    call: set,
    format: streamJson,
  }),
  tailnetRoute({
    method: "DELETE",
    path: STREAM,
    act: "log_stream.set",
    summary: "Ends the stream of the audit log",
    answer: nothing,
    call: ({ authority, by }) => authority.removeLogStream(by),
    format: noValue,
  }),
  tailnetRoute({
    method: "GET",
    path: `${STREAM}/status`,
    act: "log_stream.read",
    summary: "How far the stream of the audit log is, and how it goes",
    answer: status,
    call: ({ authority }) => authority.logStream(),
    format: statusJson,
  }),
];
