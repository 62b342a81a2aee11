/**
 * A process of its own that runs the faulty Worker in workerd by Miniflare, without wrangler's front, so that thousands of sockets fit and the
 * whole can be killed at any moment. Told what to run by its one argument, as JSON; says `ready` to its parent. Its storage is where the parent says.
 */

import { createWriteStream } from "node:fs";
import { Log, LogLevel, Miniflare, convertV4MiniflareOptions, type V4MiniflareOptions } from "miniflare";
import type { BundledWorker, Migration } from "./bundle.ts";

export interface HostOptions {
  readonly port: number;
  readonly inspectorPort: number;
  /** Folder of all storage. */
  readonly state: string;
  readonly worker: BundledWorker;
  /** D1's, all of them; what is applied already is passed over. */
  readonly migrations: readonly Migration[];
  /** What the Worker logs is added to this file. */
  readonly log: string;
}

function optionsOf({ port, inspectorPort, state, worker, log }: HostOptions): V4MiniflareOptions {
  const logged = createWriteStream(log, { flags: "a" });
  return {
    host: "127.0.0.1",
    port,
    inspectorPort,
    resourcePersistencePath: state,
    cf: false,
    log: new Log(LogLevel.NONE),
    handleStructuredLogs: ({ level, message }) => logged.write(`${level}: ${message}\n`),
    workers: [worker.options],
  } as V4MiniflareOptions;
}

async function migrate(miniflare: Miniflare, { worker, migrations }: HostOptions): Promise<void> {
  for (const binding of worker.databases) {
    const database = await miniflare.getD1Database(binding);
    await database.exec("CREATE TABLE IF NOT EXISTS d1_migrations (name TEXT PRIMARY KEY)");
    const { results } = await database.prepare("SELECT name FROM d1_migrations").all<{ name: string }>();
    const applied = new Set(results.map(({ name }) => name));
    for (const { name, statements } of migrations.filter((each) => !applied.has(each.name))) {
      const done = database.prepare("INSERT INTO d1_migrations (name) VALUES (?)").bind(name);
      await database.batch([...statements.map((statement) => database.prepare(statement)), done]);
    }
  }
}

// Without its parent nobody would end it. Its group is its own: workerd goes with it.
process.once("disconnect", () => process.kill(-process.pid, "SIGKILL"));

const options = JSON.parse(process.argv[2] ?? "") as HostOptions;
const miniflare = new Miniflare(convertV4MiniflareOptions(optionsOf(options)));
await miniflare.ready;
await migrate(miniflare, options);
process.send?.("ready");
