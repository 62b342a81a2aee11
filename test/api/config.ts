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
};

/** How often a parameter of a path is one that there is. */
const KNOWN = 0.9;

function list(values: readonly string[]): string {
  return `[${values.map((value) => JSON.stringify(value)).join(", ")}]`;
}

function parameter(name: string, dictionary: string): string {
  return `"path.${name}" = { dictionary = ${JSON.stringify(dictionary)}, probability = ${KNOWN} }`;
}

/** What is deleted is not asked for any more: it is named by deleting operations alone. */
function split(pools: Pools): { readonly kept: Pools; readonly doomed: Pools } {
  const halves = Object.entries(pools).map(([name, ids]) => {
    const half = name === "tailnet" ? ids.length : Math.ceil(ids.length / 2);
    return [name, ids.slice(0, half), name === "tailnet" ? ids : ids.slice(half)] as const;
  });
  return {
    kept: Object.fromEntries(halves.map(([name, kept]) => [name, kept])),
    doomed: Object.fromEntries(halves.map(([name, , doomed]) => [name, doomed])),
  };
}

/** Operations that end what their path names; a login is denied by these, and approved by the others. */
function endings(document: ApiDocument): string[] {
  const words = /\/(delete|suspend|deny)$/;
  return operationsOf(document)
    .filter(({ method, path }) => method === "delete" || (method === "post" && words.test(path)))
    .map(({ id }) => id);
}

/** The configuration, in TOML. The token is in the environment. */
export function configOf(document: ApiDocument, pools: Pools, seed: number): string {
  const { kept, doomed } = split(pools);
  const named = Object.keys(pools).filter((name) => kept[name]?.length && doomed[name]?.length);
  return [
    `seed = ${seed}`,
    "# One: Python 3.11 fails where two threads parse at once.",
    "workers = 1",
    `suppress-health-check = ["all"]`,
    "[warnings]",
    "enabled = false",
    ...named.flatMap((name) => [
      `[dictionaries."kept ${name}"]`,
      `values = ${list(kept[name] ?? [])}`,
      `[dictionaries."doomed ${name}"]`,
      `values = ${list(doomed[name] ?? [])}`,
    ]),
    "[auth.openapi.bearer]",
    'bearer = "${TAILWARD_TOKEN}"',
    ...Object.keys(UNCHECKED).flatMap((check) => [`[checks.${check}]`, "enabled = false"]),
    "[parameters]",
    ...named.map((name) => parameter(name, `kept ${name}`)),
    "[[operations]]",
    `include-operation-id = ${list(endings(document))}`,
    "[operations.parameters]",
    ...named.map((name) => parameter(name, `doomed ${name}`)),
    "",
  ].join("\n");
}
