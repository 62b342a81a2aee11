/** Routes of the record: rebuilding it, and what the queues gave up on. */

import { Hono, type Context } from "hono";
import { isTailnetId, list, optional, record, text } from "../protocol/index.ts";
import type { AppTypes } from "./app-types.ts";
import { readBody } from "./body.ts";
import { answer, refuse } from "./http-errors.ts";
import { MOST_LETTERS, listDeadLetters, replayDeadLetters, type DeadLetter } from "./queue-dead-letters.ts";
import { rebuildPage } from "./record-rebuild.ts";

type RecordContext = Context<AppTypes>;

const rebuildBody = record({ cursor: optional(text) });
const replayBody = record({ ids: optional(list(text, MOST_LETTERS)) });

async function rebuild(c: RecordContext): Promise<Response> {
  const tailnet = c.req.param("tailnet") ?? "";
  if (!isTailnetId(tailnet)) return refuse(c, { code: "unknown_tailnet", message: "there is no such tailnet" });
  const body = await readBody(c, rebuildBody);
  if (body instanceof Response) return body;
  return answer(c, await rebuildPage(c.env, tailnet, body.cursor));
}

function letterJson({ id, queue, body, tailnetId, died }: DeadLetter) {
  return { id, queue, tailnet: tailnetId, message: JSON.parse(body) as unknown, died: new Date(died).toISOString() };
}

async function deadLetters(c: RecordContext): Promise<Response> {
  return c.json({ deadLetters: (await listDeadLetters(c.env)).map(letterJson) });
}

async function replay(c: RecordContext): Promise<Response> {
  const body = await readBody(c, replayBody);
  if (body instanceof Response) return body;
  return c.json({ replayed: await replayDeadLetters(c.env, body.ids) });
}

export const recordRoutes = new Hono<AppTypes>();
recordRoutes.post("/api/v2/tailnet/:tailnet/record/rebuild", rebuild);
recordRoutes.get("/api/v2/tailward/dead-letters", deadLetters);
recordRoutes.post("/api/v2/tailward/dead-letters/replay", replay);
