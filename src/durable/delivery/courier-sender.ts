/** What a courier needs of the tailnet's object that it works for: couriers carry what an act has left to be told, once it is committed. */

import type { Outcome } from "../../protocol/index.ts";
import type { AlarmClock } from "../alarm-clock.ts";
import type { ObjectsEnv } from "../env.ts";
import type { Tailnet } from "../authority/tailnet.ts";

export interface Sender {
  readonly tailnet: Tailnet;
  readonly clock: AlarmClock;
  readonly env: () => ObjectsEnv;
  /** Runs an act on the tailnet in one transaction. */
  readonly act: <T>(act: (tailnet: Tailnet, now: number) => T) => Promise<Outcome<T>>;
}
