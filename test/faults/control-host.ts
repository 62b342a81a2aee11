/**
 * A process of its own that runs the faulty Worker in workerd by Miniflare, without wrangler's front, so that thousands of sockets fit and the
 * whole can be killed at any moment. Told what to run by its one argument, as JSON; says `ready` to its parent. Its storage is where the parent says.
 */

import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { Log, LogLevel, Miniflare, convertV4MiniflareOptions, type V4MiniflareOptions } from "miniflare";
import { unstable_getMiniflareWorkerOptions } from "wrangler";
import { ROOT, d1Migrations, modulesIn } from "./bundle.ts";

export interface HostOptions {
  readonly port: number;
  readonly inspectorPort: number;
  /** Folder of all storage. */
  readonly state: string;
  /** Folder of the bundle. */
  readonly bundle: string;
  /** What the Worker logs is added to this file. */
  readonly log: string;
  readonly ownerToken: string;
}

function optionsOf({ port, inspectorPort, state, bundle, log, ownerToken }: HostOptions): V4MiniflareOptions {
  const { workerOptions } = unstable_getMiniflareWorkerOptions(join(ROOT, "wrangler.toml"));
  const logged = createWriteStream(log, { flags: "a" });
  return {
    host: "127.0.0.1",
    port,
    inspectorPort,
    resourcePersistencePath: state,
    cf: false,
    log: new Log(LogLevel.NONE),
    handleStructuredLogs: ({ level, message }) => logged.write(`${level}: ${message}\n`),
    workers: [
      {
        ...workerOptions,
        name: "tailward",
        rootPath: bundle,
        modulesRoot: bundle,
        modules: modulesIn(bundle),
        bindings: { ...(workerOptions as { bindings?: object }).bindings, OWNER_TOKEN: ownerToken },
      },
    ],
  } as V4MiniflareOptions;
}

/** Brings D1 to the newest schema. */
async function migrate(miniflare: Miniflare, databases: readonly string[]): Promise<void> {
  for (const binding of databases) {
    const database = await miniflare.getD1Database(binding);
    await database.exec("CREATE TABLE IF NOT EXISTS d1_migrations (name TEXT PRIMARY KEY)");
    const { results } = await database.prepare("SELECT name FROM d1_migrations").all<{ name: string }>();
    const applied = new Set(results.map(({ name }) => name));
    for (const { name, statements } of d1Migrations().filter((each) => !applied.has(each.name))) {
      const done = database.prepare("INSERT INTO d1_migrations (name) VALUES (?)").bind(name);
      await database.batch([...statements.map((statement) => database.prepare(statement)), done]);
    }
  }
}

async function main(): Promise<void> {
  const options = JSON.parse(process.argv[2] ?? "") as HostOptions;
  const v4 = optionsOf(options);
  const miniflare = new Miniflare(convertV4MiniflareOptions(v4));
  await miniflare.ready;
  const { d1Databases = {} } = (v4 as { workers: { d1Databases?: object }[] }).workers[0] ?? {};
  await migrate(miniflare, Object.keys(d1Databases));
  process.send?.("ready");
}

await main();
