/** Policies in Tailscale's format: the only way into this folder. Pure; what is read here is attacker-controlled. */

export { overlaps, parseAddress, parsePrefix, type Range } from "./addresses.ts";
export {
  CompiledPolicy,
  NOTHING_ALLOWED,
  NOTHING_DIGEST,
  attributesOf,
  isOfNodes,
  type Compiled,
  type Hash,
} from "./compile.ts";
export { parseHuJson, plain } from "./hujson.ts";
export { MAX_POLICY_CHARS } from "./limits.ts";
export type { PolicyNode } from "./matching.ts";
export { parsePolicy } from "./parse-policy.ts";
export { DEFAULT_POLICY, type Person, type Policy, type Role } from "./policy.ts";
export { previewPolicy, type PreviewFor, type PreviewMatch } from "./preview.ts";
export { PolicyError, type Position } from "./policy-error.ts";
export { isAllowed, runTests, type Failure } from "./run-tests.ts";
export { refusedTags, type TagAsker } from "./tag-owners.ts";
