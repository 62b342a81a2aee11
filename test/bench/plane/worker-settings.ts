/** What a wrangler.toml says of a Worker, as Miniflare takes it: objects, D1, queues and their consumers. */

import { join } from "node:path";
import type { MiniflareOptions } from "miniflare";
import { unstable_readConfig as readConfig } from "wrangler";
import { ROOT } from "../root.ts";

type Workers = MiniflareOptions extends { workers: readonly (infer Worker)[] } ? Worker : never;
export type WorkerConfig = Workers extends { config: infer Config } ? Config : never;
export type Bindings = NonNullable<WorkerConfig["env"]>;

/** What is taken of a wrangler.toml. Its own type names types of packages that are not here. */
interface WranglerFile {
  readonly name: string;
  readonly durable_objects: { readonly bindings: readonly { readonly name: string; readonly class_name: string }[] };
  readonly d1_databases: readonly { readonly binding: string; readonly database_id?: string }[];
  readonly queues: {
    readonly producers?: readonly { readonly binding: string; readonly queue: string }[];
    readonly consumers?: readonly Consumer[];
  };
  readonly vars: Readonly<Record<string, unknown>>;
}

interface Consumer {
  readonly queue: string;
  readonly dead_letter_queue?: string;
  readonly max_batch_size?: number;
  /** Seconds. */
  readonly max_batch_timeout?: number;
  readonly max_retries?: number;
  /** Seconds. */
  readonly retry_delay?: number;
}

export type Settings = Pick<WorkerConfig, "name" | "env" | "exports" | "triggers">;

const given = <T>(name: string, value: T | null | undefined): Record<string, T> =>
  value === undefined || value === null ? {} : { [name]: value };

/** The Worker's name, bindings, exported classes and triggers. `path` from the root. */
export function settingsOf(path: string): Settings {
  const config = readConfig({ config: join(ROOT, path) }, { hideWarnings: true }) as unknown as WranglerFile;
  const { name } = config;
  const env: Bindings = {};
  const exports: NonNullable<WorkerConfig["exports"]> = {};
  for (const { name: binding, class_name: exportName } of config.durable_objects.bindings) {
    env[binding] = { type: "durable-object", worker: name, exportName };
    exports[exportName] = { type: "durable-object", storage: "sqlite" };
  }
  for (const { binding, database_id: id } of config.d1_databases)
    env[binding] = { type: "d1", ...given("id", id ?? binding) };
  for (const { binding, queue } of config.queues.producers ?? []) env[binding] = { type: "queue", name: queue };
  for (const [key, value] of Object.entries(config.vars)) env[key] = { type: "text", value: String(value) };
  // A line for each change would measure the terminal.
  env["LOG_LEVEL"] = { type: "text", value: "warn" };
  const triggers = (config.queues.consumers ?? []).map((consumer) => ({
    type: "queue" as const,
    name: consumer.queue,
    ...given("deadLetterQueue", consumer.dead_letter_queue),
    ...given("maxBatchSize", consumer.max_batch_size),
    ...given("maxBatchTimeout", consumer.max_batch_timeout),
    ...given("maxRetries", consumer.max_retries),
    ...given("retryDelay", consumer.retry_delay),
  }));
  return { name, env, exports, triggers };
}
