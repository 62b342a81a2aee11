/**
 * `ssh`: who logs in by Tailscale SSH, where, and as whom.
 *
 * Rule [F12]: without an entry nobody logs in, by whatever rules the network is open; root is let in only where root is named.
 */

import type { Located } from "./hujson.ts";
import { MAX_RULES } from "./limits.ts";
import { PolicyError, quoted, type Position } from "./policy-error.ts";
import type { Selector, SshRule } from "./policy.ts";
import { fields, list, optionalText, refuse, texts, type Text } from "./reading.ts";
import { parseSelector, type Names } from "./selectors.ts";

const ACCOUNT = /^[^\s:*=]{1,64}$/;

function sourceOf(source: Text, names: Names): Selector {
  const selector = parseSelector(source, names);
  const { kind } = selector;
  if (kind === "user" || kind === "group" || kind === "role" || kind === "tag" || kind === "tagged") return selector;
  throw new PolicyError(
    `${quoted(source.value)}: sources of ssh are users, groups, tags, autogroup:member, autogroup:tagged`,
    source.at,
  );
}

/** Nobody's devices are led to anybody else's: a user's devices are reached by that user alone, as at Tailscale. */
function destinationOf(target: Text, names: Names, sources: readonly Selector[]): Selector {
  const selector = parseSelector(target, names);
  if (selector.kind === "tag") return selector;
  const ofPeople = sources.every(({ kind }) => kind === "user" || kind === "group" || kind === "role");
  if (selector.kind === "self") {
    if (ofPeople) return selector;
    throw new PolicyError(
      "autogroup:self goes with sources that are people: users, groups, autogroup:member",
      target.at,
    );
  }
  if (selector.kind === "user") {
    if (sources.every((source) => source.kind === "user" && source.login === selector.login)) return selector;
    throw new PolicyError(
      `${quoted(target.value)}: a user's devices are reached by that user alone: write autogroup:self`,
      target.at,
    );
  }
  throw new PolicyError(`${quoted(target.value)}: destinations of ssh are tags and autogroup:self`, target.at);
}

/** The accounts of a rule, by what is asked for. Root is never meant but where it is named. */
function accountsOf(users: readonly Text[]): ReadonlyMap<string, string> {
  const accounts = new Map([["root", ""]]);
  for (const { value: name, at } of users) {
    if (name === "autogroup:nonroot") accounts.set("*", "=");
    else if (name.startsWith("localpart:"))
      throw new PolicyError(`${quoted(name)}: no domain's users are known here: name the accounts`, at);
    else if (ACCOUNT.test(name)) accounts.set(name, name);
    else
      throw new PolicyError(
        `${quoted(name)} is no account: users are names of accounts, root and autogroup:nonroot`,
        at,
      );
  }
  return accounts;
}

function refuseBadAction(action: Text | null, at: Position): void {
  const place = action?.at ?? at;
  if (action?.value === "check")
    throw new PolicyError(
      'the action "check" is not served here: nobody can be asked to sign in again; "accept" lets in without being asked',
      place,
    );
  if (action?.value !== "accept") throw new PolicyError('the action of an entry of ssh is "accept"', place);
}

function ruleOf(entry: Located, names: Names): SshRule {
  const rule = fields(entry, "an entry of ssh", [
    "action",
    "src",
    "dst",
    "users",
    "acceptEnv",
    "checkPeriod",
    "recorder",
    "enforceRecorder",
    "srcPosture",
  ]);
  refuseBadAction(optionalText(rule.action, "action"), rule.at);
  refuse(rule.srcPosture, "device posture");
  refuse(rule.recorder, "session recording");
  refuse(rule.enforceRecorder, "session recording");
  refuse(rule.checkPeriod, "a checkPeriod");
  const users = texts(rule.users, "users");
  if (users.length === 0) throw new PolicyError("an entry of ssh names its users", rule.at);
  const sources = texts(rule.src, "src").map((source) => sourceOf(source, names));
  const acceptEnv = texts(rule.acceptEnv, "acceptEnv");
  const empty = acceptEnv.find(({ value }) => value === "");
  if (empty !== undefined) throw new PolicyError("acceptEnv has no empty names", empty.at);
  return {
    sources,
    destinations: texts(rule.dst, "dst").map((target) => destinationOf(target, names, sources)),
    accounts: accountsOf(users),
    acceptEnv: acceptEnv.map(({ value }) => value),
  };
}

/** Throws PolicyError. */
export function readSsh(section: Located | null, names: Names): readonly SshRule[] {
  return list(section, "ssh", MAX_RULES).map((entry) => ruleOf(entry, names));
}
