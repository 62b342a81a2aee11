/**
 * schemathesis's configuration. Two kinds of exception stand here and nowhere else, each with its reason: checks that are not made, and operations that cannot
 * be answered with success.
 */

import { operationsOf, type ApiDocument } from "./document.ts";
import type { Pools } from "./scene.ts";

/** Checks that say nothing about this API. All others are made. */
const UNCHECKED: Readonly<Record<string, string>> = {
  positive_data_acceptance:
    "what a body means is beyond its schema: a tag has to have an owner, a policy file's own tests have to pass, a secret has to be the right one",
  ensure_resource_availability:
    "it takes a tailnet that was just made for what hangs off it: that has no stream, no lock and no device yet, and not found is right",
};

/** And this where a session asks: it is none of the document's credentials, which are for programs. */
const UNCHECKED_IN_SESSION = "ignored_auth";

/** How often a parameter of a path is one that there is. */
const KNOWN = 0.9;

function list(values: readonly string[]): string {
  return `[${values.map((value) => JSON.stringify(value)).join(", ")}]`;
}

function parameter(name: string, dictionary: string): string {
  return `"path.${name}" = { dictionary = ${JSON.stringify(dictionary)}, probability = ${KNOWN} }`;
}

/** Operations that are asked with values of their own, by the names of the pools. */
const PARTICULAR: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  deleteTailnet: { tailnet: "spareTailnet" },
  putTailnetKeysByKeyId: { keyId: "clientKey" },
  postWebhooksByWebhookIdDeliveriesByDeliveryIdReplay: { webhookId: "toldWebhook" },
};

/** Operations that end what their path names; a login is denied by these, and approved by the others. */
function endings(document: ApiDocument): string[] {
  const words = /\/(delete|deny)$/;
  return operationsOf(document)
    .filter(({ id }) => !Object.hasOwn(PARTICULAR, id))
    .filter(({ method, path }) => method === "delete" || (method === "post" && words.test(path)))
    .map(({ id }) => id);
}

/** What there is one of, or as many as are named by one operation alone, is not divided. */
function halves(ids: readonly string[]): readonly [kept: readonly string[], doomed: readonly string[]] {
  const half = Math.ceil(ids.length / 2);
  return ids.length < 4 ? [ids, ids] : [ids.slice(0, half), ids.slice(half)];
}

/** What is deleted is not asked for any more: it is named by deleting operations alone. */
function dictionaries(pools: Pools): string[] {
  return Object.entries(pools).flatMap(([name, ids]) => {
    const [kept, doomed] = halves(ids);
    const all = { [name]: ids, [`kept ${name}`]: kept, [`doomed ${name}`]: doomed };
    return Object.entries(all).flatMap(([title, values]) => [
      `[dictionaries.${JSON.stringify(title)}]`,
      `values = ${list(values)}`,
    ]);
  });
}

/** What a browser sends from a page of the control plane's own. */
function sessionOf(origin: string): string {
  return `headers = { Cookie = "\${TAILWARD_COOKIE}", Origin = ${JSON.stringify(origin)}, "Sec-Fetch-Site" = "same-origin" }`;
}

const BEARER = ["[auth.openapi.bearer]", 'bearer = "${TAILWARD_TOKEN}"'];

/** The configuration, in TOML. The token, or the cookie, is in the environment; `session` is the origin of one, or null. */
export function configOf(document: ApiDocument, pools: Pools, seed: number, session: string | null): string {
  const names = Object.keys(pools);
  const all = (which: string): string[] => names.map((name) => parameter(name, `${which} ${name}`));
  return [
    `seed = ${seed}`,
    "# One: Python 3.11 fails where two threads parse at once.",
    "workers = 1",
    "request-timeout = 60",
    `suppress-health-check = ["all"]`,
    ...(session === null ? [] : [sessionOf(session)]),
    "[warnings]",
    "enabled = false",
    ...dictionaries(pools),
    ...(session === null ? BEARER : []),
    ...[...Object.keys(UNCHECKED), ...(session === null ? [] : [UNCHECKED_IN_SESSION])].flatMap((check) => [
      `[checks.${check}]`,
      "enabled = false",
    ]),
    "[parameters]",
    ...all("kept"),
    "[[operations]]",
    `include-operation-id = ${list(endings(document))}`,
    "[operations.parameters]",
    ...all("doomed"),
    ...Object.entries(PARTICULAR).flatMap(([id, own]) => [
      "[[operations]]",
      `include-operation-id = ${JSON.stringify(id)}`,
      "[operations.parameters]",
      ...names.map((name) => parameter(name, own[name] ?? `kept ${name}`)),
    ]),
    "",
  ].join("\n");
}
