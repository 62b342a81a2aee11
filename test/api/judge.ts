/** What came of a run, and whether that is enough. */

import type { Asker } from "./askers.ts";
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

/** What came of one asker's requests. */
export interface Verdict {
  readonly isGood: boolean;
  readonly cases: number;
  readonly operations: number;
  readonly reached: number;
}

/** Judges one asker's run, and prints what is wrong. Of the operator it asks that everything was answered with success; of others, that nothing was that they may not. */
export function judge(document: ApiDocument, report: Report, { name, credential, may }: Asker): Verdict {
  const { operations, test_cases: cases, valid_rates: rates } = report;
  const all = operationsOf(document);
  const isOperator = credential === null;
  const reached = all.filter(({ method, path }) => isReached(rates[`${method.toUpperCase()} ${path}`]));
  const wrong = [
    ...all
      .filter((one) => isOperator && one.isOffered && !reached.includes(one) && !Object.hasOwn(UNREACHABLE, one.id))
      .map(({ id }) => `never answered with success: ${id}`),
    ...Object.keys(UNREACHABLE)
      .filter((id) => !all.some((one) => one.id === id))
      .map((id) => `test/api/judge.ts names it, and there is no such operation: ${id}`),
    ...reached
      .filter((one) => !may(one))
      .map(({ id }) => `answered with success, and its document says that it is not: ${id}`),
    ...(reached.length === 0 ? ["nothing was answered with success: is the credential good?"] : []),
  ];
  for (const line of wrong) console.log(`api: ${name}: ${line}`);
  const isWhole = report.complete && operations.tested === operations.total && report.errors.length === 0;
  console.log(
    `api: ${name}: ${cases.generated} cases, ${reached.length} operations answered with success, ${cases.unique_failures} failures`,
  );
  return {
    isGood: isWhole && cases.unique_failures === 0 && wrong.length === 0,
    cases: cases.generated,
    operations: operations.tested,
    reached: reached.length,
  };
}

/** The last line: what all of them came to. */
export function summary(verdicts: readonly Verdict[]): string {
  const isGood = verdicts.length > 0 && verdicts.every((verdict) => verdict.isGood);
  const cases = verdicts.reduce((sum, verdict) => sum + verdict.cases, 0);
  const [operator] = verdicts;
  return (
    `api: ${isGood ? "all held" : "FAILED"}: ${cases} cases of ${operator?.operations ?? 0} operations, ` +
    `${operator?.reached ?? 0} answered with success, by ${verdicts.length} askers`
  );
}
