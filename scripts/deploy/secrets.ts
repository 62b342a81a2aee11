/** The secrets that a deployment makes for its Worker, and what each is for. */

import { randomBytes } from "node:crypto";
import { newControlKey } from "../control-key.mjs";
import type { Secrets } from "./settings.ts";

interface Made {
  readonly purpose: string;
  readonly make: () => string;
  /** The value that takes the place of an old one; null where it must not be replaced. */
  readonly renew: ((old: string | undefined) => string) | null;
}

const token = (): string => randomBytes(32).toString("base64url");
const storageKey = (): string => `storagekey:${randomBytes(32).toString("hex")}`;

export const MADE: Readonly<Record<string, Made>> = {
  OWNER_TOKEN: { purpose: "the operator's token, for everything", make: token, renew: token },
  METRICS_TOKEN: { purpose: "reads /metrics, and nothing else", make: token, renew: token },
  STORAGE_KEY: {
    purpose: "seals the secrets of webhooks and log streams",
    make: storageKey,
    renew: (old) => {
      if (old === undefined)
        throw new Error(
          "STORAGE_KEY is not on this machine: what is sealed under it could not be opened under a new one",
        );
      return `${storageKey()} ${old}`;
    },
  },
  CONTROL_NOISE_KEY: {
    purpose: "by which Tailscale's clients know this control plane; a new one would lock out all that have joined",
    make: newControlKey,
    renew: null,
  },
};

/** What is to be sent to the Worker, and what is to be kept here before it is. */
export interface SecretsPlan {
  /** Names of secrets that the Worker has, and that stay. */
  readonly there: readonly string[];
  readonly send: Secrets;
  readonly keep: Secrets;
  /** Secrets that the Worker has and this machine has not. */
  readonly elsewhere: readonly string[];
}

const RENEWABLE = Object.keys(MADE).filter((name) => MADE[name]?.renew !== null);

/** `worker`: the names that the Worker has; `here`: what this machine keeps; `renew`: names of those to be replaced. */
export function planSecrets(worker: ReadonlySet<string>, here: Secrets, renew: readonly string[]): SecretsPlan {
  const send: Record<string, string> = {};
  for (const name of renew) {
    const made = MADE[name];
    if (made === undefined)
      throw new Error(`${name} is no secret that is made here and may be replaced: ${RENEWABLE.join(", ")}`);
    if (made.renew === null) throw new Error(`${name} is never replaced: it is ${made.purpose}`);
    send[name] = made.renew(here[name]);
  }
  const names = new Set([...Object.keys(MADE), ...Object.keys(here)]);
  for (const name of names)
    if (!worker.has(name) && !Object.hasOwn(send, name)) send[name] = here[name] ?? MADE[name]?.make() ?? "";
  return {
    there: [...worker].filter((name) => !Object.hasOwn(send, name)).sort(),
    send,
    keep: { ...here, ...send },
    elsewhere: [...worker].filter((name) => !Object.hasOwn(send, name) && !Object.hasOwn(here, name)).sort(),
  };
}
