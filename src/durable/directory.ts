/**
 * Which tailnet a machine is in by which node key, in buckets by machine key; one bucket lists the tailnets. A convenience for routing, never
 * a permission: the authority checks the pair again.
 */

import { DurableObject } from "cloudflare:workers";
import { createHash } from "node:crypto";
import type { NodeKey } from "../tka/index.ts";
import type { MachineKey } from "../protocol/index.ts";
import type { ObjectsEnv } from "./env.ts";
import { DIRECTORY_MIGRATIONS } from "./schema.ts";
import { Store } from "./store.ts";

/** Never changed once in use: a bucket's name is where its routes are. */
const BUCKETS = 64;
/** The bucket that lists the tailnets. */
export const TAILNETS_BUCKET = "tailnets";

/** The name of the bucket that holds a machine's routes. */
export function bucketOf(machineKey: MachineKey): string {
  return `machines-${(createHash("sha256").update(machineKey).digest()[0] ?? 0) % BUCKETS}`;
}

export interface TailnetEntry {
  readonly id: string;
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly created: number;
}

export class Directory extends DurableObject<ObjectsEnv> {
  readonly #store: Store;

  constructor(ctx: DurableObjectState, env: ObjectsEnv) {
    super(ctx, env);
    this.#store = new Store(ctx.storage);
    this.#store.migrate(DIRECTORY_MIGRATIONS);
  }

  /** Records a route. A node key is in one tailnet: a new route takes the place of the old one. */
  route(machineKey: MachineKey, nodeKey: NodeKey, tailnet: string): void {
    this.#store.run(
      "INSERT OR REPLACE INTO routes (machine_key, node_key, tailnet) VALUES (?, ?, ?)",
      machineKey,
      nodeKey,
      tailnet,
    );
  }

  /** The tailnet of the pair, or null. */
  find(machineKey: MachineKey, nodeKey: NodeKey): string | null {
    const row = this.#store.row(
      "SELECT tailnet FROM routes WHERE machine_key = ? AND node_key = ?",
      machineKey,
      nodeKey,
    );
    return row?.text("tailnet") ?? null;
  }

  /** Lists a tailnet under a new name, or gives the one that has the name. */
  list(id: string, name: string): TailnetEntry {
    this.#store.run("INSERT OR IGNORE INTO tailnets (id, name, created) VALUES (?, ?, ?)", id, name, Date.now());
    return this.#entries("WHERE name = ?", name)[0] as TailnetEntry;
  }

  tailnets(): TailnetEntry[] {
    return this.#entries("ORDER BY name");
  }

  #entries(clause: string, ...values: string[]): TailnetEntry[] {
    return this.#store
      .rows(`SELECT id, name, created FROM tailnets ${clause}`, ...values)
      .map((row) => ({ id: row.text("id"), name: row.text("name"), created: row.integer("created") }));
  }
}
