/** Where the admin API describes itself: its OpenAPI document, and the same as a page. Both are for anybody: they say nothing of a tailnet. */

import { Hono } from "hono";
import { ADMIN_ROUTES } from "./api.ts";
import { PAGE_POLICY, apiPage } from "./api-page.ts";
import type { AppTypes } from "../app-types.ts";
import { openApiOf, type OpenApi } from "./openapi.ts";

const DOCUMENT_PATH = "/api/v2/openapi.json";
const PAGE_PATH = "/api/docs";
const FRESH = "public, max-age=300";

/** Made when it is first asked for. */
let made: OpenApi | null = null;

function document(): OpenApi {
  made ??= openApiOf(ADMIN_ROUTES);
  return made;
}

export const apiDocs = new Hono<AppTypes>();
apiDocs.get(DOCUMENT_PATH, (c) => {
  c.header("cache-control", FRESH);
  c.header("access-control-allow-origin", "*");
  return c.json(document());
});
apiDocs.get(PAGE_PATH, async (c) => {
  c.header("cache-control", FRESH);
  c.header("content-security-policy", PAGE_POLICY);
  c.header("x-content-type-options", "nosniff");
  c.header("referrer-policy", "no-referrer");
  return c.html(await apiPage(document(), DOCUMENT_PATH));
});
