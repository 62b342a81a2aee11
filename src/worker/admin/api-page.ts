/**
 * The admin API's document as a page to read: no script, no other file, nothing of another host. What it shows is all ours; it is escaped none the less.
 */

import { html, raw } from "hono/html";
import { sha256 } from "../../durable/index.ts";
import type { Content, OpenApi, Operation } from "./openapi.ts";
import { referred, type JsonSchema } from "./openapi-shapes.ts";

/** What `html` makes. */
type Piece = ReturnType<typeof html>;

const STYLE = `
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --get: #1a7f4b; --change: #9a5b00; --remove: #b3261e; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 56rem; margin: 0 auto; padding: 2rem 1rem 6rem; }
h1 { font-size: 1.8rem; line-height: 1.2; } h2 { margin: 2.5rem 0 .5rem; font-size: 1.15rem; text-transform: capitalize; }
h3 { font-size: .95rem; margin: 1rem 0 .25rem; }
code { font: .875em ui-monospace, monospace; overflow-wrap: anywhere; }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1rem; text-transform: capitalize; }
details { border: 1px solid var(--line); border-radius: .5rem; margin: .5rem 0; }
summary { cursor: pointer; padding: .5rem .75rem; display: grid; grid-template-columns: 4.5rem 1fr; gap: 0 .5rem; }
summary > span { grid-column: 2; opacity: .75; font-size: .9rem; }
details[open] > summary { border-bottom: 1px solid var(--line); background: var(--soft); }
details > div { padding: .25rem .75rem .75rem; }
b.GET { color: var(--get); } b.POST, b.PUT, b.PATCH { color: var(--change); } b.DELETE { color: var(--remove); }
ul { margin: 0; padding-left: 1.25rem; } li { margin: .1rem 0; } i { opacity: .7; }
@media (prefers-color-scheme: dark) { :root { --get: #5fd39a; --change: #e8b25c; --remove: #ff8a80; } }
`;

/** The page's policy: its own style, and nothing else. */
export const PAGE_POLICY =
  `default-src 'none'; style-src 'sha256-${sha256(STYLE).toString("base64")}'; base-uri 'none'; ` +
  "form-action 'none'; frame-ancestors 'none'";

function anchorOf(name: string): string {
  return name.replaceAll(" ", "-");
}

/** A sentence, with what stands in backticks as code. */
function sentence(text: string): Piece[] {
  return text.split("`").map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : html`${part}`));
}

/** A schema in a word or two. */
function wordOf(schema: JsonSchema | boolean): string {
  if (typeof schema === "boolean") return "anything";
  const name = referred(schema);
  if (name !== null) return name;
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.anyOf !== undefined) return schema.anyOf.map(wordOf).join(" | ");
  if (schema.type === "array") return `list of ${wordOf((schema.items as JsonSchema | undefined) ?? true)}`;
  const format = schema.format ?? schema.contentEncoding;
  return `${[schema.type ?? "anything"].flat().join(" | ")}${format === undefined ? "" : ` (${format})`}`;
}

function isList(schema: JsonSchema): boolean {
  return schema.type === "array" && typeof schema.items === "object" && !Array.isArray(schema.items);
}

/** Its fields, and theirs. */
function fieldsOf(schema: JsonSchema): Piece | string {
  if (isList(schema)) return fieldsOf(schema.items as JsonSchema);
  if (schema.anyOf !== undefined) return html`${schema.anyOf.map((one) => fieldsOf(one))}`;
  const { properties = {}, required = [] } = schema;
  if (Object.keys(properties).length === 0) return "";
  const rows = Object.entries(properties).map(([name, field]) => {
    const inner = typeof field === "boolean" ? "" : fieldsOf(field);
    const said = typeof field === "boolean" ? undefined : field.description;
    return html`<li>
      <code>${name}</code>
      ${typeof field === "boolean" ? wordOf(field) : shapeLink(field)}${required.includes(name) ? "" : html` <i>optional</i>`}${
        said === undefined ? "" : html` – ${said}`
      }${inner}
    </li>`;
  });
  return html`<ul>
    ${rows}
  </ul>`;
}

/** A named shape is described in its own place. */
function shapeLink(schema: JsonSchema): Piece {
  const name = referred(schema) ?? (isList(schema) ? referred(schema.items as JsonSchema) : null);
  return name === null ? html`${wordOf(schema)}` : html`<a href="#shape-${name}">${wordOf(schema)}</a>`;
}

function contentPiece(heading: string, content: Content): Piece {
  return html`<h3>${heading}</h3>
    ${Object.entries(content).map(
      ([type, { schema }]) => html`<div><code>${type}</code> ${shapeLink(schema)}${fieldsOf(schema)}</div>`,
    )}`;
}

function parametersPiece({ parameters }: Operation): Piece | string {
  if (parameters.length === 0) return "";
  return html`<h3>Parameters</h3>
    <ul>
      ${parameters.map(
        ({ name, in: where, required, description = "", schema }) =>
          html`<li>
            <code>${name}</code> in the ${where}, ${wordOf(schema)}${required ? "" : html` <i>optional</i>`}
            ${sentence(description)}
          </li>`,
      )}
    </ul>`;
}

function operationPiece(method: string, path: string, operation: Operation): Piece {
  const ok = operation.responses["200"];
  const refusals = Object.keys(operation.responses).filter((status) => status !== "200");
  return html`<details id="${operation.operationId}">
    <summary><b class="${method}">${method}</b><code>${path}</code><span>${operation.summary}</span></summary>
    <div>
      <p>${sentence(operation.description)}</p>
      ${parametersPiece(operation)}
      ${operation.requestBody === undefined ? "" : contentPiece("Body", operation.requestBody.content)}
      ${ok !== undefined && "content" in ok ? contentPiece("Answer", ok.content) : ""}
      <h3>Refusals</h3>
      ${refusals.map((status) => html`<a href="#refused-${status}">${status}</a> `)}
    </div>
  </details>`;
}

function operationsOf({ paths }: OpenApi, tag: string): Piece[] {
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations)
      .filter(([, { tags }]) => tags.includes(tag))
      .map(([method, operation]) => operationPiece(method.toUpperCase(), path, operation)),
  );
}

function shapesPiece({ components: { schemas, responses } }: OpenApi): Piece {
  return html`<h2 id="shapes">Shapes</h2>
    ${Object.entries(schemas).map(
      ([name, schema]) =>
        html`<h3 id="shape-${name}">${name}</h3>
          ${fieldsOf(name === "Error" ? { ...schema, properties: { ...schema.properties, code: { type: "string" } } } : schema)}`,
    )}
    <h2 id="refusals">Refusals</h2>
    <ul>
      ${Object.entries(responses).map(
        ([name, { description }]) =>
          html`<li id="refused-${name.slice("Refused".length)}">
            <b>${name.slice("Refused".length)}</b> ${description}
          </li>`,
      )}
    </ul>`;
}

/** The whole page. */
export function apiPage(document: OpenApi, where: string): Piece {
  const tags = document.tags.map(({ name }) => name);
  const { title, description } = document.info as { title: string; description: string };
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>${title}</title>
        ${raw(`<style>${STYLE}</style>`)}
      </head>
      <body>
        <h1>${title}</h1>
        <p>${sentence(description)}</p>
        <p>
          For programs: <a href="${where}"><code>${where}</code></a
          >, OpenAPI ${document.openapi}.
        </p>
        <nav>${[...tags, "shapes", "refusals"].map((tag) => html`<a href="#${anchorOf(tag)}">${tag}</a>`)}</nav>
        ${tags.map(
          (tag) =>
            html`<h2 id="${anchorOf(tag)}">${tag}</h2>
              ${operationsOf(document, tag)}`,
        )}
        ${shapesPiece(document)}
      </body>
    </html>`;
}
