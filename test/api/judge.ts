/** What came of a run, and whether that is enough. */

import { operationsOf, type ApiDocument } from "./document.ts";

/** schemathesis's report, as far as it is read. */
export interface Report {
  readonly complete: boolean;
  readonly operations: { readonly total: number; readonly tested: number; readonly errored: number };
  readonly test_cases: { readonly generated: number; readonly unique_failures: number };
  readonly errors: readonly unknown[];
  readonly valid_rates: Readonly<Record<string, Readonly<Record<string, { readonly accepted: number }>>>>;
}

/** Operations that no request of this suite can be expected to succeed at, and why. */
const UNREACHABLE: Readonly<Record<string, string>> = {
  postTailnetLockDisable:
    "nobody says the secret: the lock of the tailnet under test stays on, and the tailnet with it",
  postTailnetRestore: "the runtime on this machine keeps no earlier states",
  postTailnetLockSignatures: "no signature of a trusted key comes about by chance",
  postTailnetLockUpdates: "the same",
  putTailnetKeysByKeyId:
    "its schema lets scopes be left out, as Tailscale's client does for other kinds, and a client needs some: test/interop/api changes one",
  postDeviceInvitesAccept: "the text of an invite is a secret that no list names",
  postTailnetLockSupportSecret: "there is a support secret only where the operator has set a key for it",
};

function isReached(phases: Report["valid_rates"][string] | undefined): boolean {
  return Object.values(phases ?? {}).some(({ accepted }) => accepted > 0);
}

/** Prints it, and says whether it is good. */
export function judge(document: ApiDocument, report: Report): boolean {
  const { operations, test_cases: cases, valid_rates: rates } = report;
  const all = operationsOf(document).map(({ id, method, path, isOffered }) => ({
    id,
    isOffered,
    reached: isReached(rates[`${method.toUpperCase()} ${path}`]),
  }));
  const missed = all
    .filter(({ id, reached, isOffered }) => isOffered && !reached && !Object.hasOwn(UNREACHABLE, id))
    .map(({ id }) => id);
  const unknown = Object.keys(UNREACHABLE).filter((id) => !all.some((one) => one.id === id));
  for (const id of missed) console.log(`api: never answered with success: ${id}`);
  for (const id of unknown) console.log(`api: test/api/judge.ts names it, and there is no such operation: ${id}`);
  const isWhole = report.complete && operations.tested === operations.total && report.errors.length === 0;
  const isGood = isWhole && cases.unique_failures === 0 && [missed, unknown].every((ids) => ids.length === 0);
  const reached = all.filter((one) => one.reached).length;
  console.log(
    `api: ${isGood ? "all held" : "FAILED"}: ${cases.generated} cases of ${operations.tested} operations, ${reached} answered with success, ` +
      `${cases.unique_failures} failures`,
  );
  return isGood;
}
