/**
 * No fault, but after a quiet load one thing after the other is put wrong by hand, and the check that is there to find it must say so: a check that
 * cannot fail shows nothing. What was planted is taken out again each time.
 */

import { equal, type Check } from "../checks.ts";
import type { Act } from "../ledger.ts";
import type { Scenario, Stage } from "../stage.ts";
import { judge } from "../stage.ts";
import { OBJECT_LIMIT_BYTES } from "../memory.ts";

const WORK = { appends: 12, signings: 16, joins: 3, restMs: 5, forMs: Infinity };
/** Nobody waits here for what will not come. */
const LIMITS = { convergeMs: 2500, recordMs: 4000 };

interface Plant {
  /** What is put wrong. */
  readonly what: string;
  /** The check that must find it. */
  readonly finds: string;
  readonly plant: (stage: Stage) => Promise<void> | void;
  /** Puts it right. */
  readonly mend?: (stage: Stage) => Promise<void> | void;
}

const STRAY = "PLANTED";
/** The AUM after the genesis. */
const FIRST_AUM = "parent = (SELECT genesis FROM chains WHERE retired IS NULL)";

/** Two nodes' signatures, each in the other's place. Done twice, it is undone. */
const SWAP = `UPDATE nodes SET key_signature = other.key_signature FROM nodes AS other
  WHERE nodes.hostname <> other.hostname AND nodes.hostname IN ('member-0', 'member-1') AND other.hostname IN ('member-0', 'member-1')`;

/** Rows of the object changed, and back. */
function inObject(what: string, finds: string, plant: string, mend: string): Plant {
  return {
    what,
    finds,
    plant: async ({ control, load }) => void (await control.rows(load.tailnet, plant)),
    mend: async ({ control, load }) => void (await control.rows(load.tailnet, mend)),
  };
}

/** Rows of D1 changed; the rebuild at the end of the judgment puts them right. */
function inRecord(what: string, finds: string, plant: string): Plant {
  return { what, finds, plant: async ({ control }) => void (await control.d1(plant)) };
}

/** An act that the ledger has, and that was not so. */
function inLedger(what: string, finds: string, act: Partial<Act>): Plant {
  const whole: Act = {
    kind: "append",
    ids: [STRAY],
    subject: "",
    verdict: { kind: "acknowledged" },
    forbidden: false,
    lost: 0,
    ms: 0,
    ...act,
  };
  return {
    what,
    finds,
    plant: ({ load }) => void load.ledger.acts.push(whole),
    mend: ({ load }) => void load.ledger.acts.splice(load.ledger.acts.indexOf(whole), 1),
  };
}

/** The ledger says that an AUM was refused, and it is there. */
function refusedButKept(): Plant {
  let act: Act | null = null;
  return {
    what: "a refused AUM that is kept",
    finds: "no refused AUM is kept",
    plant({ load }) {
      const kept = load.ledger.of("append", "acknowledged").at(-1);
      if (kept === undefined) return;
      act = { ...kept, verdict: { kind: "refused", code: STRAY } };
      load.ledger.acts.push(act);
    },
    mend: ({ load }) => void load.ledger.acts.splice(load.ledger.acts.indexOf(act ?? ({} as Act)), 1),
  };
}

function objectOverLimit(): Plant {
  let before = 0;
  return {
    what: "an object over its limit",
    finds: "no object is over 128 MB",
    plant: ({ memory }) => {
      before = memory.peakHeap;
      memory.peakHeap = OBJECT_LIMIT_BYTES;
    },
    mend: ({ memory }) => {
      memory.peakHeap = before;
    },
  };
}

const EVENT = "SELECT min(seq) FROM events WHERE kind = 'lock.changed'";
const EVENT_COLUMNS = "tailnet_id, seq, at, kind, origin, actor_id, actor, target_id, target, old, new, hash";

const PLANTS: readonly Plant[] = [
  inLedger("an acknowledged AUM that is not there", "no acknowledged AUM is lost", {}),
  inObject(
    "an AUM that is lost",
    "no acknowledged AUM is lost",
    `UPDATE aums SET hash = '${STRAY}' || hash WHERE ${FIRST_AUM}`,
    `UPDATE aums SET hash = substr(hash, ${STRAY.length + 1}) WHERE ${FIRST_AUM}`,
  ),
  refusedButKept(),
  inLedger("a signature that is lost", "no acknowledged signature is lost", { kind: "sign", subject: STRAY }),
  inObject("a signature in another's place", "no acknowledged signature is lost", SWAP, SWAP),
  inLedger("a node that is lost", "no acknowledged node is lost", { kind: "join", subject: STRAY }),
  inLedger("a stranger's change that was taken", "whoever may not is refused", { forbidden: true }),
  inLedger("a request without an answer", "no request hangs", { verdict: { kind: "unanswered", why: STRAY } }),
  inObject(
    "an event that was edited",
    "the object's events are whole and in one chain of hashes",
    `UPDATE events SET new = new || ' ' WHERE seq = (${EVENT})`,
    `UPDATE events SET new = substr(new, 1, length(new) - 1) WHERE seq = (${EVENT})`,
  ),
  inObject(
    "a change without an event",
    "every change of the object is an event",
    `CREATE TABLE planted AS SELECT * FROM events WHERE seq = (${EVENT}); DELETE FROM events WHERE seq = (${EVENT})`,
    "INSERT INTO events SELECT * FROM planted; DROP TABLE planted",
  ),
  inObject(
    "an event that never arrives",
    "the outbox runs empty",
    "INSERT INTO outbox (seq) VALUES (1)",
    "DELETE FROM outbox WHERE seq = 1",
  ),
  inRecord(
    "an event twice in D1",
    "every event is in D1 exactly once",
    `INSERT INTO events (epoch, ${EVENT_COLUMNS}) SELECT '${STRAY}', ${EVENT_COLUMNS} FROM events LIMIT 1`,
  ),
  inRecord(
    "an event that is missing in D1",
    "every event is in D1 exactly once",
    `DELETE FROM events WHERE seq = (${EVENT})`,
  ),
  inRecord(
    "a node otherwise in D1",
    "every node is in D1 as the object has it",
    `UPDATE nodes SET hostname = '${STRAY}'`,
  ),
  inRecord("a row of D1 that differs", "the rebuild finds D1 equal to the object", "UPDATE nodes SET cap_version = 1"),
  {
    what: "a poll that hangs",
    finds: "no listener hangs",
    plant: ({ listeners }) => listeners.all[0]?.plantHang(),
    mend: ({ listeners }) => listeners.all[0]?.mendHang(),
  },
  objectOverLimit(),
];

/** Not to be put right: it comes last. */
const LAST_PLANT: Plant = {
  what: "an agent that has stopped listening",
  finds: "every agent has the object's head, nodes and signatures",
  plant: ({ agents }) => agents.running[0]?.stop(),
};

/** All checks hold where nothing is put wrong. */
async function clean(stage: Stage, when: string): Promise<Check> {
  const checks = await judge(stage, LIMITS);
  const failed = checks.filter(({ held }) => !held).map(({ what }) => what);
  return equal(
    `all holds ${when}`,
    failed.length === 0 ? `${checks.length} checks` : failed.join("; "),
    failed.length === 0,
  );
}

/** Whether the check that should find a plant did, and the checks that failed. */
async function found(stage: Stage, { what, finds, plant, mend }: Plant): Promise<Check> {
  await plant(stage);
  const checks = await judge(stage, LIMITS);
  await mend?.(stage);
  const failed = checks.filter(({ held }) => !held).map((check) => check.what);
  const others = failed.filter((each) => each !== finds);
  const also = others.length === 0 ? "" : `, and so do ${others.length} others`;
  return equal(
    `${what} is found`,
    failed.includes(finds) ? `"${finds}" fails${also}` : "nothing",
    failed.includes(finds),
  );
}

export const planted: Scenario = {
  name: "planted",
  title: "things put wrong by hand, to see each check fail",
  cast: () => ({ appenders: 2, signers: 2, pool: 6, agents: 3, listeners: 4 }),
  isJudged: false,
  async play(stage) {
    await stage.load.run(WORK);
    const checks = [await clean(stage, "before")];
    for (const plant of PLANTS) checks.push(await found(stage, plant));
    checks.push(await clean(stage, "again once all is put right"), await found(stage, LAST_PLANT));
    return { figures: [], checks };
  },
};
