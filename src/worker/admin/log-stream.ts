/**
 * The admin API for streams of the log. Source: Tailscale's `/api/v2/tailnet/{tailnet}/logging/{type}/stream`, as `tailscale-client-go-v2` uses it. It
 * goes to Splunk's collector, or as NDJSON to any other. The token is in no answer.
 */

import { z } from "zod";
import {
  STREAM_COMPRESSIONS,
  STREAM_DESTINATIONS,
  openSecret,
  randomId,
  sealSecret,
  type SealedFor,
  type StreamInfo,
} from "../../durable/index.ts";
import { timeJson, type Outcome } from "../../protocol/index.ts";
import { nothing, noValue, tailnetRoute, time, type AdminRoute, type TailnetCall } from "./route.ts";
import { orZero } from "./shapes.ts";
import type { WorkerEnv } from "../env.ts";
import { MAX_URL_CHARS } from "../outbound/outbound-address.ts";
import { shownAddress, takeAddress } from "../outbound/sealed-address.ts";
import { isConfiguredToken } from "../bearer-token.ts";

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
    warning: z.string().optional().meta({ description: "what could not be found out of the address when it was set" }),
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

/** A stream with its address. */
interface Shown {
  readonly info: StreamInfo;
  readonly url: string;
  readonly warning: string | null;
}

function streamJson({ info, url, warning }: Shown): z.input<typeof stream> {
  const { destinationType, user, compressionFormat, uploadPeriodMinutes, box } = info;
  const settings = { destinationType, url, user, compressionFormat, uploadPeriodMinutes };
  return {
    logType: "configuration",
    ...settings,
    hasToken: box !== null,
    ...(warning === null ? {} : { warning }),
  };
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

function sealedFor(purpose: SealedFor["purpose"], tailnet: string, subject: string): SealedFor {
  return { purpose, tailnet, subject };
}

async function shown(
  env: WorkerEnv,
  tailnet: string,
  outcome: Outcome<StreamInfo>,
  warning: string | null = null,
): Promise<Outcome<Shown>> {
  if (!outcome.ok) return outcome;
  const { id, address, origin } = outcome.value;
  const url = await shownAddress(env, sealedFor("log-stream-address", tailnet, id), address, origin);
  return { ok: true, value: { info: outcome.value, url, warning } };
}

type StreamBody = z.output<typeof streamBody>;

/** True if the stream goes to the same place as is asked for now, by the same token or by the one that it has. */
async function isSamePlace(env: WorkerEnv, tailnet: string, info: StreamInfo, wanted: StreamBody): Promise<boolean> {
  if (info.destinationType !== wanted.destinationType || info.user !== wanted.user) return false;
  const address = await openSecret(env, sealedFor("log-stream-address", tailnet, info.id), info.address);
  if (!address.ok || address.value !== wanted.url) return false;
  if (wanted.token === "") return true;
  if (info.box === null) return false;
  const token = await openSecret(env, sealedFor("log-stream", tailnet, info.id), info.box);
  return token.ok && isConfiguredToken(wanted.token, token.value);
}

/** Another place: a stream of its own, so that the one before it hears of its end [W26]. A token goes to no other address than it was given for. */
async function turn(
  { env, tailnet, authority, by, body }: TailnetCall<undefined, StreamBody>,
  before: StreamInfo | null,
): Promise<Outcome<Shown>> {
  const id = randomId("s");
  const { token, url, ...settings } = body;
  const what = sealedFor("log-stream-address", tailnet, id);
  const address = await takeAddress(env, what, url, { code: "malformed_request", field: "body.url" });
  if (!address.ok) return address;
  const sealed = token === "" ? null : await sealSecret(env, sealedFor("log-stream", tailnet, id), token);
  if (sealed !== null && !sealed.ok) return sealed;
  const { origin } = new URL(url);
  const made = { ...settings, id, origin, address: address.value.box, box: sealed?.value ?? null };
  return shown(env, tailnet, await authority.setLogStream(by, before?.id ?? null, made), address.value.warning);
}

async function set(call: TailnetCall<undefined, StreamBody>): Promise<Outcome<Shown>> {
  const { env, tailnet, authority, by, body } = call;
  const found: Outcome<StreamInfo | null> = await authority.findLogStream();
  if (!found.ok) return found;
  const before = found.value;
  if (before === null || !(await isSamePlace(env, tailnet, before, body))) return turn(call, before);
  const { compressionFormat, uploadPeriodMinutes } = body;
  return shown(
    env,
    tailnet,
    await authority.changeLogStream(by, before.id, { compressionFormat, uploadPeriodMinutes }),
  );
}

const STREAM = "/api/v2/tailnet/:tailnet/logging/configuration/stream";

export const LOG_STREAM_ROUTES: readonly AdminRoute[] = [
  tailnetRoute({
    method: "GET",
    path: STREAM,
    act: "log_stream.read",
    summary: "Where the audit log is streamed to",
    answer: stream,
    call: async ({ authority, env, tailnet }) => shown(env, tailnet, await authority.logStream()),
    format: streamJson,
  }),
  tailnetRoute({
    method: "PUT",
    path: STREAM,
    act: "log_stream.set",
    summary:
      "Streams the audit log from now on; where there is a stream, from where that is, whose place hears of its end",
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
    summary: "Ends the stream of the audit log, which is told so",
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
