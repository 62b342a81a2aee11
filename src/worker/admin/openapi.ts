/**
 * The OpenAPI 3.1 document of the admin API, made of its routes: their shapes, acts and rights. Nothing of it is written by hand that a route says.
 *
 * Rule [H40]: the document has every route of the admin API and nothing else, each with every status that it may be answered with.
 */

import { z } from "zod";
import { SCOPES } from "../../protocol/index.ts";
import type { AdminRoute, Media } from "./route.ts";
import { STATUS_OF } from "../http-errors.ts";
import { Components, type JsonSchema } from "./openapi-shapes.ts";
import { parametersOf, pathParameter } from "./path-parameters.ts";
import { ACTS, type Act } from "./rights.ts";

export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query";
  readonly required: boolean;
  readonly description?: string;
  readonly schema: JsonSchema;
}

export type Content = Readonly<Record<string, { readonly schema: JsonSchema }>>;

/** Which credential, and which of its scopes. */
export type Security = Readonly<Record<string, readonly string[]>>;

export interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description: string;
  readonly security?: readonly Security[];
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly required: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly $ref: string } | Answered>>;
}

export interface Answered {
  readonly description: string;
  readonly headers?: Readonly<Record<string, { readonly description: string; readonly schema: JsonSchema }>>;
  readonly content: Content;
}

export interface OpenApi {
  readonly openapi: "3.1.1";
  readonly info: Readonly<Record<string, unknown>>;
  readonly servers: readonly { readonly url: string }[];
  readonly security: readonly Security[];
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>;
    readonly responses: Readonly<Record<string, Answered>>;
    readonly securitySchemes: Readonly<Record<string, unknown>>;
  };
}

const INFO = {
  title: "Tailward's admin API",
  version: "2",
  description:
    "The admin API of a Tailward control plane: Tailscale's paths, names and errors for what both have, and paths of our own for the lock. " +
    "Fields that are not known are passed over; null is the same as absent. Tailward is not affiliated with Tailscale.",
  license: { name: "BSD-3-Clause", identifier: "BSD-3-Clause" },
};

const SECURITY_SCHEMES = {
  bearer: { type: "http", scheme: "bearer", description: "an access token, or an OAuth client's" },
  oauth2: {
    type: "oauth2",
    flows: {
      clientCredentials: {
        tokenUrl: "/api/v2/oauth/token",
        scopes: Object.fromEntries(
          SCOPES.map((scope) => [scope, scope.endsWith(":read") ? "to read" : "to read and change"]),
        ),
      },
    },
  },
  basic: { type: "http", scheme: "basic", description: "the same token as the user's name, with no password" },
};

const ANY_TOKEN: readonly Security[] = [{ bearer: [] }, { basic: [] }];

/** Why it is refused, as every refusal says. */
const errorBody = z
  .object({
    code: z.enum(Object.keys(STATUS_OF) as [string, ...string[]]),
    message: z.string(),
    head: z.string().optional().meta({ description: "the head that counts, where the request was built on another" }),
    index: z.int().optional().meta({ description: "which of the list that was sent" }),
    subject: z.string().optional().meta({ description: "the key or hash in question" }),
    data: z
      .array(z.object({ user: z.string(), errors: z.array(z.string()) }))
      .optional()
      .meta({ description: "the tests of a policy file that failed" }),
  })
  .meta({ id: "Error" });

/** What may be answered to any request. */
const ALWAYS = [401, 403, 429, 500, 503];
const OF_READING = [400, 404, 409];
const OF_CHANGING = [...OF_READING, 413, 422, 501];

function statusesOf({ method, path, query, statuses = [] }: AdminRoute): number[] {
  const isNamed = parametersOf(path).length > 0;
  const isPlain = method === "GET" && query === null && !isNamed;
  const own = method === "GET" ? (isPlain ? [] : OF_READING) : OF_CHANGING;
  // Where a parameter is empty, it is another path.
  const other = isNamed ? [405] : [];
  return [...new Set([...ALWAYS, ...own, ...other, ...statuses])].sort((a, b) => a - b);
}

const RETRY_AFTER = {
  description: "seconds after which to ask again",
  schema: { type: "integer", minimum: 0 },
} as const;

function refusalsOf(components: Components): Record<string, Answered> {
  const schema = components.of(errorBody, "output");
  const codes = Map.groupBy(Object.entries(STATUS_OF), ([, status]) => status);
  return Object.fromEntries(
    [...codes].map(([status, entries]) => [
      `Refused${status}`,
      {
        description: entries.map(([code]) => code).join(", "),
        ...(status === 429 ? { headers: { "Retry-After": RETRY_AFTER } } : {}),
        content: { "application/json": { schema } },
      },
    ]),
  );
}

function contentOf(components: Components, shape: z.ZodType | Media, io: "input" | "output"): Content {
  const byType = "media" in shape ? shape.media : { "application/json": shape };
  return Object.fromEntries(Object.entries(byType).map(([type, of]) => [type, { schema: components.of(of, io) }]));
}

/** A body that may be left away reads as null. */
function mustBeSent(body: z.ZodType | Media): boolean {
  return "media" in body || !body.safeParse(null).success;
}

function parametersIn(components: Components, { path, query }: AdminRoute): Parameter[] {
  const ofPath = parametersOf(path).map((name): Parameter => {
    const { pattern, description } = pathParameter(name);
    return { name, in: "path", required: true, description, schema: { type: "string", pattern } };
  });
  if (query === null) return ofPath;
  const { properties = {}, required = [] } = components.of(query, "input");
  const ofQuery = Object.entries(properties).map(([name, shape]): Parameter => {
    const { description, ...schema } = typeof shape === "boolean" ? {} : shape;
    const said = description === undefined ? {} : { description };
    return { name, in: "query", required: required.includes(name), ...said, schema };
  });
  return [...ofPath, ...ofQuery];
}

/** `GET /api/v2/tailnet/{tailnet}/devices` is `getTailnetDevices`. */
function operationIdOf({ method, path }: AdminRoute): string {
  const words = path
    .slice("/api/v2/".length)
    .split(/[^A-Za-z0-9:]+/)
    .map((word) => (word.startsWith(":") ? `By${word.charAt(1).toUpperCase()}${word.slice(2)}` : word))
    .filter((word) => word !== "ByTailnet" && word !== "");
  return method.toLowerCase() + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
}

function tagOf({ act }: AdminRoute): string {
  const what = act.split(".")[0] ?? act;
  return what === "dns" ? "DNS" : what.replaceAll("_", " ");
}

function allowedTo(act: Act): string {
  const right = ACTS[act];
  const roles = right.roles.length === 0 ? "the operator alone" : `the operator, ${right.roles.join(", ")}`;
  const scope = right.scope === null ? "" : ` A credential's scope: \`${right.scope}\`.`;
  return `${roles}.${scope}${right.personal === true ? " An OAuth client may not." : ""}`;
}

function rightOf({ act, otherActs = [] }: AdminRoute): string {
  if (otherActs.length === 0) return `Allowed to: ${allowedTo(act)}`;
  return [act, ...otherActs].map((one) => `\`${one}\` to: ${allowedTo(one)}`).join(" ");
}

function operationOf(components: Components, route: AdminRoute): Operation {
  const { body, summary } = route;
  const ok: Answered = { description: "done", content: contentOf(components, route.answer, "output") };
  const refusals = statusesOf(route).map((status) => [
    String(status),
    { $ref: `#/components/responses/Refused${status}` },
  ]);
  return {
    operationId: operationIdOf(route),
    tags: [tagOf(route)],
    summary,
    description: rightOf(route),
    ...securityOf(route),
    parameters: parametersIn(components, route),
    ...(body === null
      ? {}
      : { requestBody: { required: mustBeSent(body), content: contentOf(components, body, "input") } }),
    responses: {
      ...(route.isRefused === true ? {} : { [String(route.success ?? 200)]: ok }),
      ...(Object.fromEntries(refusals) as Record<string, { $ref: string }>),
    },
  };
}

/** An OAuth client's scope that is enough, beside the credentials that any route takes; nothing where no client may. */
function securityOf({ act }: AdminRoute): Pick<Operation, "security"> {
  const { scope, personal = false } = ACTS[act];
  return scope === null || personal ? {} : { security: [...ANY_TOKEN, { oauth2: [scope] }] };
}

/** The path as OpenAPI writes it. */
function templateOf(path: string): string {
  return path.replaceAll(/:(\w+)/g, "{$1}");
}

export function openApiOf(routes: readonly AdminRoute[]): OpenApi {
  const components = new Components();
  const responses = refusalsOf(components);
  const paths: Record<string, Record<string, Operation>> = {};
  for (const route of routes) {
    const operations = (paths[templateOf(route.path)] ??= {});
    operations[route.method.toLowerCase()] = operationOf(components, route);
  }
  return {
    openapi: "3.1.1",
    info: INFO,
    servers: [{ url: "/" }],
    security: ANY_TOKEN,
    tags: [...new Set(routes.map(tagOf))].map((name) => ({ name })),
    paths,
    components: { schemas: components.schemas, responses, securitySchemes: SECURITY_SCHEMES },
  };
}
