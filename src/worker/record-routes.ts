/** Routes of the record: rebuilding it, and what the queues gave up on. */

import { list, optional, record, text } from "../protocol/index.ts";
import { byOf, tailnetOf, tailnetRoute, type AdminContext, type AdminRoute } from "./admin-route.ts";
import { readBody } from "./body.ts";
import { answer } from "./http-errors.ts";
import { MOST_LETTERS, listDeadLetters, replayDeadLetters, type DeadLetter } from "./queue-dead-letters.ts";
import { rebuildPage } from "./record-rebuild.ts";

const rebuildBody = record({ cursor: optional(text) });
const replayBody = record({ ids: optional(list(text, MOST_LETTERS)) });

async function rebuild(c: AdminContext): Promise<Response> {
  const tailnet = await tailnetOf(c);
  if (tailnet instanceof Response) return tailnet;
  const body = await readBody(c, rebuildBody);
  if (body instanceof Response) return body;
  return answer(c, await rebuildPage(c.env, tailnet, body.cursor));
}

function letterJson({ id, queue, body, tailnetId, died }: DeadLetter) {
  return { id, queue, tailnet: tailnetId, message: JSON.parse(body) as unknown, died: new Date(died).toISOString() };
}

async function deadLetters(c: AdminContext): Promise<Response> {
  return c.json({ deadLetters: (await listDeadLetters(c.env)).map(letterJson) });
}

async function replay(c: AdminContext): Promise<Response> {
  const body = await readBody(c, replayBody);
  if (body instanceof Response) return body;
  return c.json({ replayed: await replayDeadLetters(c.env, body.ids) });
}

export const RECORD_ROUTES: readonly AdminRoute[] = [
  { method: "POST", path: "/api/v2/tailnet/:tailnet/record/rebuild", act: "record.rebuild", handle: rebuild },
  {
    method: "POST",
    path: "/api/v2/tailnet/:tailnet/restored",
    act: "tailnet.restored",
    handle: tailnetRoute(
      (authority, c) => authority.beginEpoch(byOf(c)),
      (begun) => begun,
    ),
  },
  { method: "GET", path: "/api/v2/tailward/dead-letters", act: "dead_letters.read", handle: deadLetters },
  { method: "POST", path: "/api/v2/tailward/dead-letters/replay", act: "dead_letters.replay", handle: replay },
];
