/**
 * Pages for people: one layout, one style, and the headers that keep a page to itself. What stands in a page goes through hono's `html`, which escapes it.
 *
 * Rule [H38]: a page runs no script but its own, named by its hash; it is shown in no frame, sends forms to this origin alone, and is kept in no cache.
 */

import type { Context } from "hono";
import { html, raw } from "hono/html";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { sha256 } from "../../durable/index.ts";
import { PAGE_STYLE } from "./page-style.ts";

export type Markup = ReturnType<typeof html>;

export interface Page {
  readonly title: string;
  readonly body: Markup;
  /** A script of ours, or none. */
  readonly script?: string;
  readonly status?: ContentfulStatusCode;
}

function hashSource(text: string): string {
  return `'sha256-${sha256(text).toString("base64")}'`;
}

const STYLE_SOURCE = hashSource(PAGE_STYLE);

function policyFor(script: string | undefined): string {
  return [
    "default-src 'none'",
    `style-src ${STYLE_SOURCE}`,
    ...(script === undefined ? [] : [`script-src ${hashSource(script)}`, "connect-src 'self'"]),
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join("; ");
}

/** The headers of a page [H38]. */
function guardPage(c: Context, script?: string): void {
  c.header("content-security-policy", policyFor(script));
  c.header("x-content-type-options", "nosniff");
  // To other origins nothing; to ours too much would be `no-referrer`: a form then names no origin, and is refused [H34].
  c.header("referrer-policy", "same-origin");
  c.header("cache-control", "no-store");
  c.header("cross-origin-opener-policy", "same-origin");
}

/** Answers with a page. */
export async function showPage(c: Context, { title, body, script, status = 200 }: Page): Promise<Response> {
  guardPage(c, script);
  const markup = await html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title} · Tailward</title>
        ${raw(`<style>${PAGE_STYLE}</style>`)}
      </head>
      <body>
        <header>Tailward</header>
        <main>
          <h1>${title}</h1>
          ${body}
        </main>
        ${raw(script === undefined ? "" : `<script>${script}</script>`)}
      </body>
    </html>`;
  return c.html(markup, status);
}
