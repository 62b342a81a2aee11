/**
 * A route of the admin API: its act, what it takes and what it answers, as data: the door, the OpenAPI document and the tests read it. Bodies, queries
 * and answers are zod's shapes. A file of routes exports a list of these.
 */

import type { Context } from "hono";
import { z } from "zod";
import type { By, TailnetAuthority } from "../../durable/index.ts";
import type { Outcome } from "../../protocol/index.ts";
import { shapeBody, shapeQuery } from "./shapes.ts";
import type { AppTypes } from "../app-types.ts";
import type { WorkerEnv } from "../env.ts";
import { answer, refuse } from "../http-errors.ts";
import { authorityOf } from "../objects.ts";
import { noteRefused } from "./refused-acts.ts";
import type { Act } from "./rights.ts";

export type AdminContext = Context<AppTypes>;

/** What is sent or answered that is not JSON alone: by media type. */
export interface Media {
  readonly media: Readonly<Record<string, z.ZodType>>;
}

/** What is said of a route, and what it is told. */
interface Described {
  readonly method: "GET" | "POST" | "PATCH" | "PUT" | "DELETE";
  readonly path: `/api/v2/${string}`;
  readonly act: Act;
  /** Acts by which it opens too: what is asked for decides which it is, and the route asks again. */
  readonly otherActs?: readonly Act[];
  /** A line for people. */
  readonly summary: string;
  /** True where it is refused, whoever asks. */
  readonly isRefused?: true;
  /** The status of its success, where that is not 200: what it asks for is done after the answer. */
  readonly success?: 202;
  /** Statuses that it may be answered with beside those that any route of its kind may. */
  readonly statuses?: readonly number[];
}

export interface AdminRoute extends Described {
  readonly query: z.ZodType | null;
  /** Null where no body is read. */
  readonly body: z.ZodType | Media | null;
  /** The body of a success. */
  readonly answer: z.ZodType | Media;
  readonly handle: (c: AdminContext) => Promise<Response>;
}

type Authority = DurableObjectStub<TailnetAuthority>;

/** A request that was let in, and understood. */
export interface Call<Q, B> {
  readonly c: AdminContext;
  readonly env: WorkerEnv;
  readonly by: By;
  readonly query: Q;
  readonly body: B;
  /** A parameter of the path. Attacker-controlled. */
  readonly param: (name: string) => string;
}

/** One that is of a tailnet. */
export interface TailnetCall<Q, B> extends Call<Q, B> {
  readonly tailnet: string;
  readonly authority: Authority;
}

interface Spec<Q extends z.ZodType, B extends z.ZodType, A extends z.ZodType, C, T> extends Described {
  readonly query?: Q;
  readonly body?: B;
  readonly answer: A;
  /** The one call. */
  readonly call: (call: C) => Promise<Outcome<T>>;
  /** What is answered of what it gives. */
  readonly format: (value: T, call: C) => z.input<A>;
}

const NOTHING = z.undefined();
type Nothing = typeof NOTHING;

function route<Q extends z.ZodType, B extends z.ZodType, A extends z.ZodType, C, T>(
  spec: Spec<Q, B, A, C, T>,
  callOf: (call: Call<z.output<Q>, z.output<B>>) => C,
): AdminRoute {
  const { query = null, body = null, format, call, ...described } = spec;
  const handle = async (c: AdminContext): Promise<Response> => {
    const asked = query === null ? undefined : shapeQuery(c, query);
    if (asked instanceof Response) return asked;
    const sent = body === null ? undefined : await shapeBody(c, body);
    if (sent instanceof Response) return sent;
    const { env } = c;
    const param = (name: string): string => c.req.param(name) ?? "";
    const understood = callOf({
      c,
      env,
      by: c.var.by,
      query: asked as z.output<Q>,
      body: sent as z.output<B>,
      param,
    });
    const outcome = await call(understood);
    if (!outcome.ok) {
      // What an object refuses by somebody's role is told of like what the door does.
      if (outcome.error.code === "forbidden") await noteRefused(c, described.act, outcome.error.message);
      return refuse(c, outcome.error);
    }
    return answer(c, { ok: true, value: format(outcome.value, understood) }, described.success);
  };
  return { ...described, query, body, handle };
}

/** A route of the whole control plane. */
export function controlRoute<T, A extends z.ZodType, Q extends z.ZodType = Nothing, B extends z.ZodType = Nothing>(
  spec: Spec<Q, B, A, Call<z.output<Q>, z.output<B>>, T>,
): AdminRoute {
  return route(spec, (call) => call);
}

/** A route of a tailnet, which the door has found. */
export function tailnetRoute<T, A extends z.ZodType, Q extends z.ZodType = Nothing, B extends z.ZodType = Nothing>(
  spec: Spec<Q, B, A, TailnetCall<z.output<Q>, z.output<B>>, T>,
): AdminRoute {
  return route(spec, (call) => {
    const { tailnet } = call.c.var;
    return { ...call, tailnet, authority: authorityOf(call.env, tailnet) };
  });
}

export function byOf(c: AdminContext): By {
  return c.var.by;
}

/** For acts that answer with nothing. */
export const nothing = z.object({});

export function noValue(): Record<string, never> {
  return {};
}

/** A value that is had without an object's word. */
export function given<T>(value: T): Outcome<T> {
  return { ok: true, value };
}

/** A time as Tailscale's API writes it: Go's zero time for none. */
export const time = z.string().meta({ format: "date-time" });
