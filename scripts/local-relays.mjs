/** Where Tailscale's clients find relays (DERP) in a local run: what `npm start -- --derp-map FILE|URL|none` means, and what is said of it. */

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { defaultRelays } from "./local-config.mjs";

const SET = /^DERP_MAP(_URL)?\s*=/m;
const OTHERWISE = "npm start -- --derp-map FILE|URL|none";

/** @param {string} url */
function asked(url) {
  return {
    url,
    said: `Its relays come from ${url}.
Without the internet it has none, and \`tailscale up\` waits for one, or for another device that answers (${OTHERWISE}).`,
  };
}

const NONE = {
  url: "",
  said: `It is told of no relays: \`tailscale up\` waits until another of its devices answers (${OTHERWISE}).`,
};

/** @param {string} name */
function fromFile(name) {
  // npm changes to the project's folder.
  const path = resolve(process.env["INIT_CWD"] ?? ".", name);
  const text = readFileSync(path, "utf8");
  try {
    return { url: "", map: JSON.stringify(JSON.parse(text)), said: `Its relays are those of ${path}.` };
  } catch {
    throw new Error(`--derp-map: ${path} is no JSON`);
  }
}

/**
 * The variables for the Worker (`url`, and `map` as JSON), and what to tell whoever starts it. `secrets` is the text of .dev.vars, which wins over them.
 * Throws where the flag cannot be read, or would not hold.
 *
 * @param {string | null} flag
 * @param {string} secrets
 * @returns {{ readonly url: string, readonly map?: string, readonly said: string }}
 */
export function relaysFrom(flag, secrets) {
  const [set] = SET.exec(secrets) ?? [];
  if (set !== undefined && flag !== null)
    throw new Error(`--derp-map does not hold while .dev.vars has a line ${set.trim()}`);
  if (set !== undefined) return { url: defaultRelays(), said: "Its relays are those of .dev.vars." };
  if (flag === null) return defaultRelays() === "" ? NONE : asked(defaultRelays());
  if (flag === "none") return NONE;
  return /^https?:\/\//.test(flag) ? asked(flag) : fromFile(flag);
}
