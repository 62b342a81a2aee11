/** Reads the imports of a source file and judges them by the table. Pure: `test/layering.test.ts` brings the files. */

import { posix } from "node:path";

import { parseSync } from "vite";

import { INNER, LAYERS, type FolderRule, type InnerRule, type Outside } from "./layering-table.ts";

export interface Import {
  /** The module's name as written; `(computed)` where an import() is given anything but a plain string. */
  readonly specifier: string;
  readonly line: number;
  readonly typesOnly: boolean;
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly [field: string]: unknown;
}

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";

function* nodesOf(value: unknown): Generator<Node> {
  if (Array.isArray(value)) {
    for (const item of value) yield* nodesOf(item);
  } else if (isNode(value)) {
    yield value;
    for (const field of Object.values(value)) if (typeof field === "object") yield* nodesOf(field);
  }
}

/** The node that names a module, or undefined for a node that imports nothing. */
function sourceOf(node: Node): unknown {
  switch (node.type) {
    case "ImportDeclaration":
    case "ExportAllDeclaration":
    case "ImportExpression":
    case "TSImportType":
      return node["source"];
    case "ExportNamedDeclaration":
      return node["source"] ?? undefined;
    case "TSExternalModuleReference":
      return node["expression"];
    default:
      return undefined;
  }
}

const isTypesOnly = (node: Node): boolean =>
  node.type === "TSImportType" || node["importKind"] === "type" || node["exportKind"] === "type";

/** Every import, export from, import() and import type in a TypeScript source, in order. Throws if it does not parse. */
export function importsOf(source: string): Import[] {
  const { program, errors } = parseSync("source.ts", source);
  if (errors.length > 0) throw new Error(`does not parse: ${errors[0]?.message ?? ""}`);
  const found: Import[] = [];
  for (const node of nodesOf(program)) {
    const named = sourceOf(node);
    if (named === undefined) continue;
    const isText = isNode(named) && named.type === "Literal" && typeof named["value"] === "string";
    found.push({
      specifier: isText ? String(named["value"]) : "(computed)",
      line: source.slice(0, node.start).split("\n").length,
      typesOnly: isTypesOnly(node),
    });
  }
  return found;
}

const matches = (entry: Outside, specifier: string): boolean =>
  /[/:]\*$/.test(entry.name) ? specifier.startsWith(entry.name.slice(0, -1)) : entry.name === specifier;

function judgeOutside(rule: FolderRule, { specifier, typesOnly }: Import): string | null {
  const entry = rule.outside.find((candidate) => matches(candidate, specifier));
  if (entry === undefined) return `[L3] may not import ${specifier}`;
  return entry.typesOnly === true && !typesOnly ? `[L3] may import only types of ${specifier}` : null;
}

/** `from` and `to` are paths inside the folder. */
function judgeInner(inner: InnerRule, from: string, to: string, typesOnly: boolean): string | null {
  if (inner.doors.includes(from)) return null;
  if (inner.doors.includes(to)) return `[L5] may not import the door ${to}`;
  if (typesOnly && inner.typesAnywhere !== null) return null;
  const [there = ""] = to.split("/");
  if (there === to) return null;
  const [here = ""] = from.split("/");
  if (here === from) return `[L5] stands beside the folders, and may not import ${there}`;
  return here === there || inner.folders[here]?.includes(there) === true
    ? null
    : `[L5] ${here} may not import ${there}`;
}

function judgeOurs(folder: string, rule: FolderRule, path: string, imported: Import): string | null {
  const { specifier, typesOnly } = imported;
  const target = posix.normalize(posix.join(posix.dirname(path), specifier));
  const [top, other, ...rest] = target.split("/");
  if (top !== "src" || other === undefined) return `[L1] may not leave src/ for ${specifier}`;
  if (other === folder) {
    const inner = INNER[folder];
    return inner === undefined
      ? null
      : judgeInner(inner, posix.relative(`src/${folder}`, path), rest.join("/"), typesOnly);
  }
  if (!rule.ours.includes(other)) return `[L1] ${folder} may not import ${other}`;
  return rest.join("/") === "index.ts" ? null : `[L2] enters ${other} by ${rest.join("/")}, not by its index.ts`;
}

/** What is wrong with a file of `src/`, one line each; none if it keeps the rules. `path` is like `src/tka/aum.ts`. */
export function violationsOf(path: string, source: string): string[] {
  const folder = path.split("/")[1] ?? "";
  const rule = LAYERS[folder];
  if (rule === undefined) return [`${path}: [L1] no such folder in the table`];
  const found = importsOf(source).flatMap((imported) => {
    const wrong = imported.specifier.startsWith(".")
      ? judgeOurs(folder, rule, path, imported)
      : judgeOutside(rule, imported);
    return wrong === null ? [] : [`${path}:${imported.line}: ${wrong}`];
  });
  if (/(?:^|\/)(?:utils?|helpers?|common)(?:\/|\.ts$)/.test(path)) found.push(`${path}: [L4] a name that says nothing`);
  return found;
}
