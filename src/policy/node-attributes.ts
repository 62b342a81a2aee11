/** `nodeAttrs` and `randomizeClientPort`: attributes that clients are given, and act on by themselves. */

import type { Located } from "./hujson.ts";
import { MAX_RULES } from "./limits.ts";
import { PolicyError, quoted } from "./policy-error.ts";
import type { NodeAttributes } from "./policy.ts";
import { boolean, fields, list, refuse, texts, type Text } from "./reading.ts";
import { parseSelector, type Names } from "./selectors.ts";

/** Attributes that stand for a service which is not run here: a client that has one would count on it. */
const SERVICES = /^(funnel|mullvad|nextdns(:.*)?|tailnet-lock|https:\/\/.*)$/;
const ATTRIBUTE = /^[a-z0-9][a-zA-Z0-9._:?=&/-]{0,127}$/;

function attributeOf({ value, at }: Text): string {
  if (SERVICES.test(value)) throw new PolicyError(`the attribute ${quoted(value)} is not served here`, at);
  if (!ATTRIBUTE.test(value)) throw new PolicyError(`${quoted(value)} is no attribute`, at);
  return value;
}

function entryOf(entry: Located, names: Names): NodeAttributes {
  const given = fields(entry, "an entry of nodeAttrs", ["target", "attr", "app", "ipPool"]);
  refuse(given.app, "an app connector");
  refuse(given.ipPool, "a pool of addresses");
  const targets = texts(given.target, "target").map((target) => {
    const selector = parseSelector(target, names);
    if (selector.kind === "self" || selector.kind === "internet" || selector.kind === "shared")
      throw new PolicyError(`${quoted(target.value)} is no target`, target.at);
    return selector;
  });
  return { targets, names: texts(given.attr, "attr").map(attributeOf) };
}

/** Throws PolicyError. */
export function readAttributes(
  section: Located | null,
  randomizePort: Located | null,
  names: Names,
): readonly NodeAttributes[] {
  const listed = list(section, "nodeAttrs", MAX_RULES).map((entry) => entryOf(entry, names));
  const everywhere: NodeAttributes = { targets: [{ kind: "all" }], names: ["randomize-client-port"] };
  return boolean(randomizePort, "randomizeClientPort") ? [...listed, everywhere] : listed;
}
