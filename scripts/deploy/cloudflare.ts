/** What an account has, and what is done to it: by wrangler, with whatever login or token it finds. */

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { tmpdir } from "node:os";

const WRANGLER = "node_modules/wrangler/bin/wrangler.js";

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface Account {
  readonly id: string;
  readonly name: string;
}

/** What wrangler says of a deployment: the `deploy` entry of its output file. */
export interface Deployed {
  readonly version_id: string | null;
  /** Where it is reached; custom domains come with words behind them. */
  readonly targets?: readonly string[];
  readonly bundle_size?: { readonly raw_bytes: number; readonly gzip_bytes: number };
}

/** The JSON that wrangler prints, whatever stands before it. */
function jsonIn(out: string): unknown {
  const start = out.search(/[[{]/);
  if (start < 0) throw new Error(`wrangler printed no JSON:\n${out}`);
  return JSON.parse(out.slice(start)) as unknown;
}

export class Cloudflare {
  readonly #root: string;
  readonly #environment: NodeJS.ProcessEnv;

  /** `root`: the folder of this project; `environment`: that of wrangler. */
  constructor(root: string, environment: NodeJS.ProcessEnv) {
    this.#root = root;
    this.#environment = {
      ...environment,
      // It asks nobody, tells nobody, and writes what is read here without colours.
      CI: "true",
      NO_COLOR: "1",
      FORCE_COLOR: "0",
      WRANGLER_SEND_METRICS: "false",
      WRANGLER_HIDE_BANNER: "true",
    };
  }

  #run(args: readonly string[], more: NodeJS.ProcessEnv = {}): Promise<Ran> {
    const child = spawn(process.execPath, [join(this.#root, WRANGLER), ...args], {
      cwd: this.#root,
      env: { ...this.#environment, ...more },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let [out, err] = ["", ""];
    child.stdout.on("data", (chunk) => (out += String(chunk)));
    child.stderr.on("data", (chunk) => (err += String(chunk)));
    return new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) => {
        resolve({ code: code ?? 1, out, err });
      });
    });
  }

  /** What it prints; throws with its words where it fails. */
  async #printed(args: readonly string[], more: NodeJS.ProcessEnv = {}): Promise<string> {
    const { code, out, err } = await this.#run(args, more);
    if (code !== 0) throw new Error(`wrangler ${args.slice(0, 3).join(" ")} failed:\n${out}${err}`.trimEnd());
    return out;
  }

  /** The accounts of whoever is logged in; null where nobody is. */
  async accounts(): Promise<readonly Account[] | null> {
    const { code, out } = await this.#run(["whoami", "--json"]);
    return code === 0 ? (jsonIn(out) as { readonly accounts: readonly Account[] }).accounts : null;
  }

  /** From here on, that account is meant. */
  use(account: string): void {
    this.#environment["CLOUDFLARE_ACCOUNT_ID"] = account;
  }

  /** The ID of the database of that name, or null. */
  async database(name: string): Promise<string | null> {
    const listed = jsonIn(await this.#printed(["d1", "list", "--json"]));
    const all = listed as readonly { readonly uuid: string; readonly name: string }[];
    return all.find((each) => each.name === name)?.uuid ?? null;
  }

  /** Makes a database, and gives its ID. */
  async createDatabase(name: string, location: string | undefined): Promise<string> {
    await this.#printed(["d1", "create", name, ...(location === undefined ? [] : ["--location", location])]);
    const id = await this.database(name);
    if (id === null) throw new Error(`the database ${name} was made, and is not listed: run this again`);
    return id;
  }

  async hasQueue(name: string): Promise<boolean> {
    const { code, out, err } = await this.#run(["queues", "info", name]);
    if (code === 0) return true;
    if (`${out}${err}`.includes(`Queue "${name}" does not exist`)) return false;
    throw new Error(`wrangler queues info failed:\n${out}${err}`.trimEnd());
  }

  async createQueue(name: string): Promise<void> {
    await this.#printed(["queues", "create", name]);
  }

  /** The names of the Worker's secrets; null where there is no such Worker. */
  async secrets(worker: string): Promise<ReadonlySet<string> | null> {
    const { code, out, err } = await this.#run(["secret", "list", "--format", "json", "--name", worker]);
    if (code === 0) return new Set((jsonIn(out) as readonly { readonly name: string }[]).map(({ name }) => name));
    if (`${out}${err}`.includes(`Worker "${worker}" not found`)) return null;
    throw new Error(`wrangler secret list failed:\n${out}${err}`.trimEnd());
  }

  /** Applies the migrations of D1 that are not applied yet. */
  async migrate(binding: string, config: string): Promise<void> {
    await this.#printed(["d1", "migrations", "apply", binding, "--remote", "--config", config]);
  }

  /** Deploys, and gives what wrangler says of it. `secrets`: a file of those to be set with it, or null. */
  async deploy(config: string, secrets: string | null): Promise<Deployed> {
    return this.#deploy(["--config", config, ...(secrets === null ? [] : ["--secrets-file", secrets])]);
  }

  /** Bundles the Worker as for a deployment. Needs no account. */
  async bundle(config: string): Promise<string> {
    const folder = mkdtempSync(join(tmpdir(), "tailward-bundle-"));
    try {
      const out = await this.#printed(["deploy", "--dry-run", "--outdir", folder, "--config", config]);
      return /Total Upload: (.*)/.exec(out)?.[1] ?? "unknown";
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  async #deploy(args: readonly string[]): Promise<Deployed> {
    const folder = mkdtempSync(join(tmpdir(), "tailward-deploy-"));
    const file = join(folder, "output.ndjson");
    try {
      await this.#printed(["deploy", ...args], { WRANGLER_OUTPUT_FILE_PATH: file });
      const entries = readFileSync(file, "utf8")
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as Deployed & { readonly type: string });
      const deployed = entries.find(({ type }) => type === "deploy");
      if (deployed === undefined) throw new Error("wrangler has not said that it deployed");
      return deployed;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
}
