/** zod's shapes as the JSON Schema of an OpenAPI 3.1 document: what has a name stands once, under it. */

import { z } from "zod";

/** A JSON Schema of draft 2020-12, which is that of OpenAPI 3.1. */
export type JsonSchema = z.core.JSONSchema.JSONSchema;

const PREFIX = "#/components/schemas/";

/** What is sent is seen from the sender, and what is answered as it goes out. */
type Direction = "input" | "output";

/** The same with references into the document's components. */
function referring<T>(value: T): T {
  if (Array.isArray(value)) return value.map(referring) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      key === "$ref" && typeof inner === "string" ? inner.replace("#/$defs/", PREFIX) : referring<unknown>(inner),
    ]),
  ) as T;
}

/** The name that a schema refers to, or null. */
export function referred(schema: JsonSchema): string | null {
  return schema.$ref?.startsWith(PREFIX) === true ? schema.$ref.slice(PREFIX.length) : null;
}

/** The named shapes of a document, as they are met. */
export class Components {
  readonly schemas: Record<string, JsonSchema> = {};

  /** The shape as a schema. Throws where two different shapes have one name. */
  of(shape: z.ZodType, io: Direction): JsonSchema {
    const { $schema, $defs = {}, ...schema } = referring(z.toJSONSchema(shape, { io, unrepresentable: "any" }));
    void $schema;
    for (const [name, named] of Object.entries($defs)) this.#add(name, named);
    return schema;
  }

  #add(name: string, { id, ...schema }: JsonSchema): void {
    void id;
    const known = this.schemas[name];
    if (known !== undefined && JSON.stringify(known) !== JSON.stringify(schema))
      throw new Error(`two different shapes are named ${name}`);
    this.schemas[name] = schema;
  }
}
