/** The admin API's document and its page [H40]. That answers are as it says is held by the suite that asks for them all, `npm run test:api`. */

import { createHash } from "node:crypto";
import { exports } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { ADMIN_ROUTES } from "../../../src/worker/admin/api.ts";
import { openApiOf, type OpenApi } from "../../../src/worker/admin/openapi.ts";
import { ORIGIN } from "../../support/workerd/signed-request.ts";

const document = openApiOf(ADMIN_ROUTES);
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

/** All that is referred to. */
function references(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => (key === "$ref" ? [String(inner)] : references(inner)));
}

function isThere(reference: string): boolean {
  const found = reference
    .replace("#/", "")
    .split("/")
    .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], document);
  return found !== undefined;
}

describe("the OpenAPI document [H40]", () => {
  test("has every route, and nothing else", () => {
    const described = operations.map(({ path, method }) => `${method.toUpperCase()} ${path}`);
    const routes = ADMIN_ROUTES.map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`);
    expect(described.sort()).toEqual(routes.sort());
  });

  test("names each operation by a name of its own", () => {
    const names = operations.map(({ operation }) => operation.operationId);
    expect(names).toEqual([...new Set(names)]);
  });

  test("describes every parameter of a path, and refers to nothing that is not there", () => {
    for (const { path, operation } of operations) {
      const named = operation.parameters.filter((parameter) => parameter.in === "path").map(({ name }) => `{${name}}`);
      expect(named, path).toEqual([...path.matchAll(/\{\w+\}/g)].map(([name]) => name));
    }
    expect(references(document).filter((reference) => !isThere(reference))).toEqual([]);
  });

  test("is served to anybody", async () => {
    const response = await exports.default.fetch(`${ORIGIN}/api/v2/openapi.json`);
    expect(response.headers.get("content-type")).toContain("application/json");
    expect(await response.json<OpenApi>()).toEqual(JSON.parse(JSON.stringify(document)));
  });

  test("is served as a page that runs nothing and fetches nothing", async () => {
    const response = await exports.default.fetch(`${ORIGIN}/api/docs`);
    const page = await response.text();
    for (const { operation } of operations) expect(page).toContain(`id="${operation.operationId}"`);
    expect(page).not.toMatch(/<script|<link|<img|javascript:/);
    const [, style = ""] = /<style>([^]*)<\/style>/.exec(page) ?? [];
    const digest = createHash("sha256").update(style).digest("base64");
    expect(response.headers.get("content-security-policy")).toContain(`style-src 'sha256-${digest}';`);
    expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
  });
});
