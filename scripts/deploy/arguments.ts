/** The command line of `npm run deploy`. What is said is remembered. */

import { parseArgs } from "node:util";
import type { Settings } from "./settings.ts";

export const USAGE = `npm run deploy [-- options]

Creates what is missing at Cloudflare (D1 database, queues, secrets), applies D1's migrations, deploys the Worker, and makes the first tailnet
with its owner. Run again, it does what has changed, and nothing else. What is said here is kept in .deploy, for the next time.

  --dry-run               shows what would be done, and bundles the Worker; needs no account and changes nothing
  --tailnet NAME          the first tailnet, such as example.com
  --owner LOGIN           who owns it, such as alice@example.com
  --domain HOST           a host of a zone in the account: control.example.com (default: the Worker's workers.dev address)
  --var NAME=VALUE        a variable of the Worker, such as OIDC_ISSUER=https://id.example.com; again for more; NAME= empties one
  --secret NAME=FILE      a secret of the Worker, read from a file, such as OIDC_CLIENT_SECRET=/tmp/secret
  --renew NAME            replaces a secret by a new one: OWNER_TOKEN, METRICS_TOKEN or STORAGE_KEY
  --counters              counts requests in Analytics Engine, which has to be turned on in the account first; --no-counters ends it
  --location HINT         where D1 is made, the first time: weur, eeur, apac, oc, wnam or enam
  --account ID            the account, where your login has several
`;

export interface Asked {
  readonly dryRun: boolean;
  readonly help: boolean;
  readonly settings: Settings;
  /** Names of secrets, and the files that hold them. */
  readonly secretFiles: Readonly<Record<string, string>>;
  readonly renew: readonly string[];
}

const NAME = /^[A-Z][A-Z0-9_]{0,63}$/;
const HOST = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;
/** As the admin API takes them: what it would refuse is refused before anything is made. */
const TAILNET = /^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/;
const LOGIN = /^[^@\s:*/]{1,128}@[^@\s:*/]{1,128}$/;

/** `NAME=VALUE` as a pair. */
function pair(flag: string, text: string): [string, string] {
  const at = text.indexOf("=");
  const name = text.slice(0, Math.max(at, 0));
  if (!NAME.test(name)) throw new Error(`--${flag} takes NAME=VALUE, the name in capitals: ${text.slice(0, 40)}`);
  return [name, text.slice(at + 1)];
}

const OPTIONS = {
  "dry-run": { type: "boolean", default: false },
  help: { type: "boolean", default: false },
  counters: { type: "boolean" },
  tailnet: { type: "string" },
  owner: { type: "string" },
  domain: { type: "string" },
  location: { type: "string" },
  account: { type: "string" },
  var: { type: "string", multiple: true, default: [] as string[] },
  secret: { type: "string", multiple: true, default: [] as string[] },
  renew: { type: "string", multiple: true, default: [] as string[] },
} as const;

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, strict: true, allowNegative: true });
  } catch (error) {
    throw new Error(`${(error as Error).message} (npm run deploy -- --help shows what there is)`, { cause: error });
  }
}

/** What is asked, on top of what was kept. Throws what a person can mend. */
export function readArguments(args: readonly string[], kept: Settings): Asked {
  const { values } = parsed(args);
  const { tailnet, owner, domain, location, account, counters } = values;
  if (domain !== undefined && !HOST.test(domain)) throw new Error(`--domain takes a host, such as control.example.com`);
  if (tailnet !== undefined && !TAILNET.test(tailnet))
    throw new Error("--tailnet takes a domain name of at most 63 lower-case characters, such as example.com");
  if (owner !== undefined && !LOGIN.test(owner)) throw new Error("--owner takes a login, such as alice@example.com");
  const said = Object.entries({ tailnet, owner, domain, location, account, counters }).filter(
    ([, value]) => value !== undefined,
  );
  const variables = { ...kept.variables, ...Object.fromEntries(values.var.map((text) => pair("var", text))) };
  return {
    dryRun: values["dry-run"],
    help: values.help,
    settings: { ...kept, ...Object.fromEntries(said), variables },
    secretFiles: Object.fromEntries(values.secret.map((text) => pair("secret", text))),
    renew: values.renew,
  };
}
