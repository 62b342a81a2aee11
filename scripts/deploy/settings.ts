/**
 * What a deployment is told, and keeps for the next time, in the folder `.deploy`, which git ignores: `settings.json`, and `secrets.json`, which is for its
 * owner's eyes alone. Cloudflare shows no secret again: a copy of that file in a safe place is the only one there is.
 */

import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** All that is remembered of what was said on the command line. */
export interface Settings {
  /** The account's ID, where a login has several. */
  readonly account?: string;
  /** A host of the account's own zone, under which it is to be reached. */
  readonly domain?: string;
  /** Where D1 is made: a hint of Cloudflare's, such as weur. */
  readonly location?: string;
  /** The first tailnet, and who owns it. */
  readonly tailnet?: string;
  readonly owner?: string;
  /** True where requests are counted in Analytics Engine, which has to be on in the account. */
  readonly counters?: boolean;
  /** Variables of the Worker, which win over those of wrangler.toml. */
  readonly variables: Readonly<Record<string, string>>;
  /** Secrets that were kept, and are not known to have been sent. */
  readonly unsent: readonly string[];
}

export type Secrets = Readonly<Record<string, string>>;

const PRIVATE_FILE = 0o600;
const PRIVATE_FOLDER = 0o700;

function readJson<T>(path: string, otherwise: T): T {
  if (!existsSync(path)) return otherwise;
  try {
    return JSON.parse(readFileSync(path, "utf8")) as T;
  } catch {
    throw new Error(`${path} is no JSON: mend it or, where nothing in it is needed, remove it`);
  }
}

/** Writes it whole or not at all. */
function writeJson(folder: string, name: string, value: unknown): void {
  mkdirSync(folder, { recursive: true, mode: PRIVATE_FOLDER });
  const path = join(folder, name);
  const next = `${path}.next`;
  writeFileSync(next, `${JSON.stringify(value, null, 2)}\n`, { mode: PRIVATE_FILE });
  chmodSync(next, PRIVATE_FILE);
  renameSync(next, path);
}

/** The folder of a deployment. */
export class Kept {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  get secretsFile(): string {
    return join(this.folder, "secrets.json");
  }

  get settings(): Settings {
    const {
      variables = {},
      unsent = [],
      ...rest
    } = readJson<Partial<Settings>>(join(this.folder, "settings.json"), {});
    return { ...rest, variables, unsent };
  }

  set settings(settings: Settings) {
    writeJson(this.folder, "settings.json", settings);
  }

  get secrets(): Secrets {
    return readJson<Secrets>(this.secretsFile, {});
  }

  set secrets(secrets: Secrets) {
    writeJson(this.folder, "secrets.json", secrets);
  }

  /** Writes a file of the folder, and gives its path. */
  write(name: string, value: unknown): string {
    writeJson(this.folder, name, value);
    return join(this.folder, name);
  }
}
