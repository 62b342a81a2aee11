/** Rewinds a tailnet's object, and tells the one that begins then that it is an older copy: another epoch of its log begins. */

import type { By, RewindTo } from "../../durable/index.ts";
import type { Outcome } from "../../protocol/index.ts";
import type { WorkerEnv } from "../env.ts";
import { authorityOf } from "../objects.ts";

const PAUSE_MS = 300;
const TRIES = 40;

export interface Restored {
  readonly epoch: string;
  readonly undo: string;
}

/** Tells the object that has begun. Null where it does not answer yet, or is still the old one. */
async function tell(
  env: WorkerEnv,
  tailnet: string,
  by: By,
  ended: string,
): Promise<Outcome<{ epoch: string }> | null> {
  try {
    const outcome = await authorityOf(env, tailnet).beginEpoch(by, ended);
    return !outcome.ok && outcome.error.code === "try_again" ? null : outcome;
  } catch {
    // It ends while it is asked.
    return null;
  }
}

export async function restoreTailnet(
  env: WorkerEnv,
  tailnet: string,
  by: By,
  to: RewindTo,
): Promise<Outcome<Restored>> {
  const rewound = await authorityOf(env, tailnet).rewind(to);
  if (!rewound.ok) return rewound;
  const { instance, undo } = rewound.value;
  for (let i = 0; i < TRIES; i++) {
    await scheduler.wait(PAUSE_MS);
    const told = await tell(env, tailnet, by, instance);
    if (told !== null) return told.ok ? { ok: true, value: { epoch: told.value.epoch, undo } } : told;
  }
  const message = `the object is rewound (undo: ${undo}) and does not answer: say once that it was restored, when it does`;
  return { ok: false, error: { code: "try_again", message } };
}
