/**
 * What a play is: one story with real clients, in a file of its own under `plays/`, whose default export it is. It is given a scene and does with
 * it what a person would; it fails by throwing.
 *
 * A play is run once for each column that it names: with clients of one release alone, with all releases mixed in one tailnet, and with trouble
 * in the middle. Where its middle is, it says by `scene.middle()`.
 */

import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Scene } from "./scene.ts";
import { RELEASES } from "./versions.ts";

/** What goes wrong in the middle of a run. */
export type Trouble = "none" | "client killed" | "Worker killed" | "bridge killed";

export interface Column {
  readonly title: string;
  /** The versions of its clients, in turn. */
  readonly versions: readonly string[];
  readonly trouble: Trouble;
}

const ALL = RELEASES.map(({ version }) => version);

/** Each release alone. */
export const ALONE: readonly Column[] = ALL.map((version) => ({
  title: version,
  versions: [version],
  trouble: "none" as const,
}));
export const MIXED: Column = { title: "mixed", versions: ALL, trouble: "none" };
/** The same mixed tailnet, and what happens to it midway. */
export const TROUBLED: readonly Column[] = (["client killed", "Worker killed", "bridge killed"] as const).map(
  (trouble) => ({
    title: trouble,
    versions: ALL,
    trouble,
  }),
);
export const EVERY: readonly Column[] = [...ALONE, MIXED, ...TROUBLED];

export interface Play {
  /** What holds, in a few words: a row of the table. */
  readonly title: string;
  readonly columns: readonly Column[];
  /** True where nothing else may be under way meanwhile: it stops what others need. */
  readonly alone?: boolean;
  /** True where it needs a namespace for each client. */
  readonly namespaces?: boolean;
  /** True where its control plane is the one that lies (hostile/worker.ts). */
  readonly hostile?: boolean;
  run(scene: Scene): Promise<void>;
}

const FOLDER = fileURLToPath(new URL("plays/", import.meta.url));

/** All plays, by file name. */
export async function loadPlays(): Promise<Play[]> {
  const files = readdirSync(FOLDER)
    .filter((name) => name.endsWith(".ts"))
    .sort();
  return Promise.all(
    files.map(
      async (name) => ((await import(new URL(`plays/${name}`, import.meta.url).href)) as { default: Play }).default,
    ),
  );
}
