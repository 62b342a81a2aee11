/**
 * The baseline: a Worker and an object that do the least that could be called the same. `POST /insert/<object>` inserts the body as a row;
 * `/hop/…` asks another object first, as the control plane asks its directory; `/signed/…` verifies the request's signature besides.
 * `/fill`, `/find` and `/all` write rows and read one or all of them. `/wait/<object>` accepts a WebSocket that hibernates; `POST /tell/<object>` sends the body to all of them.
 */

import { DurableObject } from "cloudflare:workers";
import { requireSignature } from "../../../../src/worker/nodes/request-auth.ts";
import { Hono } from "hono";

interface BareEnv {
  readonly BARE: DurableObjectNamespace<Bare>;
}

export class Bare extends DurableObject<BareEnv> {
  constructor(ctx: DurableObjectState, env: BareEnv) {
    super(ctx, env);
    ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY, body TEXT NOT NULL)");
  }

  insert(body: string): number {
    return this.ctx.storage.sql.exec<{ id: number }>("INSERT INTO rows (body) VALUES (?) RETURNING id", body).one().id;
  }

  find(id: number): string | null {
    const [row] = this.ctx.storage.sql.exec<{ body: string }>("SELECT body FROM rows WHERE id = ?", id).toArray();
    return row?.body ?? null;
  }

  fill(count: number, body: string): void {
    for (let i = 0; i < count; i++) this.ctx.storage.sql.exec("INSERT INTO rows (body) VALUES (?)", body);
  }

  all(): string {
    const rows = this.ctx.storage.sql.exec<{ body: string }>("SELECT body FROM rows ORDER BY id").toArray();
    return rows.map(({ body }) => body).join(",");
  }

  /** Sends `text` to all who wait; says how many. */
  tell(text: string): number {
    const waiting = this.ctx.getWebSockets();
    for (const socket of waiting) socket.send(text);
    return waiting.length;
  }

  /** Answered, as a node's first message is. */
  override webSocketMessage(socket: WebSocket): void {
    socket.send("{}");
  }

  override fetch(): Response {
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server);
    return new Response(null, { status: 101, webSocket: client });
  }
}

const app = new Hono<{ Bindings: BareEnv }>();
app.post("/insert/:object", async (c) => {
  const id = await c.env.BARE.getByName(c.req.param("object")).insert(await c.req.text());
  return c.json({ id });
});
app.post("/hop/:object", async (c) => {
  const body = await c.req.text();
  await c.env.BARE.getByName("directory").find(1);
  return c.json({ id: await c.env.BARE.getByName(c.req.param("object")).insert(body) });
});
app.use("/signed/*", requireSignature as never);
app.post("/signed/:object", async (c) => {
  const body = await c.req.text();
  await c.env.BARE.getByName("directory").find(1);
  return c.json({ id: await c.env.BARE.getByName(c.req.param("object")).insert(body) });
});
app.post("/fill/:object", async (c) => {
  const { count, text } = await c.req.json<{ count: number; text: string }>();
  await c.env.BARE.getByName(c.req.param("object")).fill(count, text);
  return c.json({});
});
app.post("/find/:object", async (c) => c.json({ body: await c.env.BARE.getByName(c.req.param("object")).find(1) }));
app.post("/all/:object", async (c) => c.body(await c.env.BARE.getByName(c.req.param("object")).all()));
app.get("/wait/:object", (c) => c.env.BARE.getByName(c.req.param("object")).fetch(c.req.raw));
app.post("/tell", async (c) => {
  const began = Date.now();
  const { objects, text } = await c.req.json<{ objects: readonly string[]; text: string }>();
  const told = await Promise.all(objects.map((name) => c.env.BARE.getByName(name).tell(text)));
  return c.json({ began, told: told.reduce((sum, count) => sum + count, 0) });
});

export default { fetch: app.fetch };
