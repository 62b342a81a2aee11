/** Routes of the record: rebuilding it, and what the queues gave up on. */

import { z } from "zod";
import { timeJson } from "../../protocol/index.ts";
import { controlRoute, given, tailnetRoute, time, type AdminRoute } from "./route.ts";
import { orNull } from "./shapes.ts";
import { MOST_LETTERS, listDeadLetters, replayDeadLetters, type DeadLetter } from "../queues/dead-letters.ts";
import { restoreTailnet } from "./rewind.ts";
import { rebuildPage } from "../record/rebuild.ts";

const difference = z.object({ missing: z.int(), differing: z.int(), surplus: z.int() });

const deadLetter = z
  .object({ id: z.string(), queue: z.string(), tailnet: z.string().nullable(), message: z.unknown(), died: time })
  .meta({ id: "DeadLetter" });

function letterJson({ id, queue, body, tailnetId, died }: DeadLetter): z.input<typeof deadLetter> {
  return { id, queue, tailnet: tailnetId, message: JSON.parse(body) as unknown, died: timeJson(died) };
}

export const RECORD_ROUTES: readonly AdminRoute[] = [
  tailnetRoute({
    method: "POST",
    path: "/api/v2/tailnet/:tailnet/record/rebuild",
    act: "record.rebuild",
    summary: "Rebuilds a page of the tailnet's record from its object, and proves it equal",
    body: z.object({ cursor: orNull(z.string()) }),
    answer: z.object({ cursor: z.string().nullable(), rows: z.int(), found: difference, left: difference }),
    call: ({ env, tailnet, body }) => rebuildPage(env, tailnet, body.cursor),
    format: (rebuilt) => rebuilt,
  }),
  tailnetRoute({
    method: "POST",
    path: "/api/v2/tailnet/:tailnet/restored",
    act: "tailnet.restored",
    summary: "Says that the tailnet's object was restored as an older copy: another epoch begins",
    answer: z.object({ epoch: z.string() }),
    call: ({ authority, by }) => authority.beginEpoch(by),
    format: (begun) => begun,
  }),
  tailnetRoute({
    method: "POST",
    path: "/api/v2/tailnet/:tailnet/restore",
    act: "tailnet.restored",
    summary: "Restores the tailnet's object as it was at a time of the last thirty days, or takes such a restore back",
    body: z.union([
      z.strictObject({ time: z.iso.datetime({ offset: true }) }),
      z.strictObject({ bookmark: z.string().min(1).max(200) }),
    ]),
    answer: z.object({ epoch: z.string(), undo: z.string() }),
    call: ({ env, tailnet, by, body }) =>
      restoreTailnet(env, tailnet, by, "time" in body ? { time: Date.parse(body.time) } : body),
    format: (restored) => restored,
  }),
  controlRoute({
    method: "GET",
    path: "/api/v2/tailward/dead-letters",
    act: "dead_letters.read",
    summary: "Messages that a queue gave up on",
    answer: z.object({ deadLetters: z.array(deadLetter) }),
    call: async ({ env }) => given(await listDeadLetters(env)),
    format: (letters) => ({ deadLetters: letters.map(letterJson) }),
  }),
  controlRoute({
    method: "POST",
    path: "/api/v2/tailward/dead-letters/replay",
    act: "dead_letters.replay",
    summary: "Sends such messages again: those with these IDs, or the oldest",
    body: z.object({ ids: orNull(z.array(z.string()).max(MOST_LETTERS)) }),
    answer: z.object({ replayed: z.int() }),
    call: async ({ env, body }) => given(await replayDeadLetters(env, body.ids)),
    format: (replayed) => ({ replayed }),
  }),
];
