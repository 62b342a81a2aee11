/**
 * Go's side: the oracle's operation `bench`, a loop on one core. It times itself by the wall; processor time is measured from outside, less what
 * the same question costs without a loop, which prepares the same and runs once.
 */

import { Oracle, type BenchAnswer } from "../../interop/oracle-client.ts";
import { cost, startWatched } from "../clock.ts";
import type { Fixtures } from "./fixtures.ts";
import type { Host } from "./host.ts";
import type { Subject } from "./subjects.ts";

/** The question that asks Go to do what our subject does. Go has one way to open a directory. */
function question(subject: Subject, fixtures: Fixtures): object {
  const { genesis: checkpoint, chain, peers, secret } = fixtures;
  switch (subject) {
    case "bare":
      return { what: "ed25519", ...fixtures.bare[0] };
    case "direct":
    case "rotation":
      return { what: "recheck", checkpoint, peers: fixtures[subject] };
    case "newcomers":
      return { what: "recheck", checkpoint, peers: fixtures.rotated };
    case "recheck":
      return { what: "recheck", checkpoint, peers };
    case "resume":
    case "open":
      return { what: "open-dir", aums: chain };
    case "inform":
      return { what: "inform", genesis: checkpoint, aums: fixtures.batch };
    case "hash":
    case "encode":
    case "decode":
      return { what: subject, aum: fixtures.aum };
    case "hash-checkpoint":
      return { what: "hash", aum: fixtures.checkpoint };
    case "decode-checkpoint":
      return { what: "decode", aum: fixtures.checkpoint };
    case "kdf":
      return { what: "kdf", secret };
  }
}

export async function startGo(fixtures: Fixtures): Promise<Host> {
  const { started: oracle, pids } = await startWatched(() => Oracle.start());
  return {
    async run(subject, n) {
      const each = subject === "bare" ? fixtures.bare.length : 1;
      const ask = (times: number): Promise<BenchAnswer> =>
        oracle.ask("bench", { ...question(subject, fixtures), n: times * each });
      if (pids.length === 0) return (await ask(n)).ns;
      const prepared = await cost(pids, () => ask(0));
      return Math.max((await cost(pids, () => ask(n))) - prepared, 1);
    },
    close() {
      oracle.close();
      return Promise.resolve();
    },
  };
}
