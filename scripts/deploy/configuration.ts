/** The configuration of a deployment: wrangler.toml with what is this deployment's own put in. What Cloudflare has to have is read from it. */

import { join } from "node:path";
import { experimental_readRawConfig } from "wrangler";
import type { Settings } from "./settings.ts";

/** What of wrangler.toml is looked at. The rest is passed on as it is. */
interface Raw {
  readonly name: string;
  readonly main: string;
  readonly vars?: Readonly<Record<string, unknown>>;
  readonly d1_databases: readonly RawDatabase[];
  readonly queues: {
    readonly producers?: readonly { readonly queue: string }[];
    readonly consumers?: readonly { readonly queue: string; readonly dead_letter_queue?: string }[];
  };
}

interface RawDatabase {
  readonly binding: string;
  readonly database_name: string;
  readonly migrations_dir: string;
}

/** Its own type names types of packages that are not here. */
const readRawConfig = experimental_readRawConfig as unknown as (from: { readonly config: string }) => {
  readonly rawConfig: unknown;
};

/** What a deployment needs at Cloudflare. */
export interface Wanted {
  readonly worker: string;
  readonly database: RawDatabase;
  readonly queues: readonly string[];
}

export interface Configuration {
  readonly wanted: Wanted;
  /** The configuration to deploy by, once the database has an ID. */
  readonly deployed: (settings: Settings, databaseId: string) => object;
}

/** The address under which people and nodes reach it, where it is known before it is deployed. */
export function publicUrlOf({ domain, variables }: Settings): string | null {
  return variables["PUBLIC_URL"] ?? (domain === undefined ? null : `https://${domain}`);
}

/** Reads `wrangler.toml` of the folder `root`. */
export function readConfiguration(root: string): Configuration {
  const { rawConfig } = readRawConfig({ config: join(root, "wrangler.toml") });
  const raw = rawConfig as Raw;
  const [database] = raw.d1_databases;
  if (database === undefined) throw new Error("wrangler.toml has no D1 database");
  const { producers = [], consumers = [] } = raw.queues;
  const queues = [
    ...producers.map(({ queue }) => queue),
    ...consumers.flatMap(({ queue, dead_letter_queue: dead }) => (dead === undefined ? [queue] : [queue, dead])),
  ];
  const deployed = (settings: Settings, databaseId: string): object => {
    const { domain } = settings;
    const url = publicUrlOf(settings);
    return {
      ...raw,
      main: join(root, raw.main),
      vars: { ...raw.vars, ...(url === null ? {} : { PUBLIC_URL: url }), ...settings.variables },
      d1_databases: [{ ...database, database_id: databaseId, migrations_dir: join(root, database.migrations_dir) }],
      ...(settings.counters === true
        ? { analytics_engine_datasets: [{ binding: "COUNTERS", dataset: raw.name }] }
        : {}),
      ...(domain === undefined ? {} : { workers_dev: false, routes: [{ pattern: domain, custom_domain: true }] }),
    };
  };
  return { wanted: { worker: raw.name, database, queues: [...new Set(queues)].sort() }, deployed };
}
