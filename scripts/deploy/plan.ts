/** What a deployment does, before it is done: from what is wanted and what the account has. */

import { publicUrlOf, type Wanted } from "./configuration.ts";
import { MADE, type SecretsPlan } from "./secrets.ts";
import type { Settings } from "./settings.ts";

/** What an account has of what is wanted. */
export interface Found {
  readonly database: string | null;
  readonly queues: ReadonlySet<string>;
  /** The names of the Worker's secrets; null where there is no Worker. */
  readonly secrets: ReadonlySet<string> | null;
}

/** `there`: nothing to do. `unless`: done unless it is there, which nobody has looked for. */
export interface Step {
  readonly state: "there" | "make" | "do" | "unless" | "skip";
  readonly text: string;
}

const WORDS: Readonly<Record<Step["state"], string>> = {
  there: "is there",
  make: "to make",
  do: "to do",
  unless: "to make, unless it is there",
  skip: "left out",
};

function madeStep(isThere: boolean | null, text: string): Step {
  if (isThere === null) return { state: "unless", text };
  return { state: isThere ? "there" : "make", text };
}

function secretSteps(found: Found | null, secrets: SecretsPlan): Step[] {
  const sent = Object.keys(secrets.send).map((name): Step => {
    const purpose = MADE[name] === undefined ? "as kept in .deploy/secrets.json" : MADE[name].purpose;
    return madeStep(found === null ? null : false, `secret ${name}: ${purpose}`);
  });
  const there = secrets.there.map((name): Step => ({ state: "there", text: `secret ${name}` }));
  return [...there, ...sent];
}

function ownerStep({ tailnet, owner }: Settings): Step {
  if (tailnet === undefined)
    return { state: "skip", text: "no first tailnet: say --tailnet NAME --owner LOGIN, now or later" };
  const whose = owner === undefined ? "owned as the control plane names it: say --owner LOGIN" : `owned by ${owner}`;
  return { state: "do", text: `see that there is the tailnet ${tailnet}, ${whose}` };
}

/** The steps in their order. `found` is null where nobody has looked. */
export function planOf(wanted: Wanted, settings: Settings, found: Found | null, secrets: SecretsPlan): Step[] {
  const { worker, database, queues } = wanted;
  const url = publicUrlOf(settings);
  const at = settings.domain === undefined ? "its workers.dev address" : settings.domain;
  return [
    madeStep(found === null ? null : found.database !== null, `D1 database ${database.database_name}`),
    ...queues.map((name) => madeStep(found === null ? null : found.queues.has(name), `queue ${name}`)),
    { state: "do", text: `apply the migrations of ${database.database_name} that are not applied yet` },
    ...secretSteps(found, secrets),
    { state: "do", text: `deploy the Worker ${worker} at ${at}${url === null ? "" : `, known as ${url}`}` },
    { state: "do", text: "wait until it says that it is ready" },
    ownerStep(settings),
  ];
}

/** The plan for people to read. */
export function planText(steps: readonly Step[]): string {
  const width = Math.max(...steps.map(({ state }) => WORDS[state].length));
  return steps.map(({ state, text }) => `  ${WORDS[state].padEnd(width)}  ${text}`).join("\n");
}
