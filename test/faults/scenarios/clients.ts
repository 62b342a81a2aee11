/**
 * Tailscale clients' connections: the objects that hold them are thrown out in the middle of requests and news, again and again, and the whole process is
 * killed, while the lock goes on changing.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { equal } from "../checks.ts";
import { workFor } from "../load.ts";
import { NativeClients } from "../native-clients.ts";
import type { Scenario } from "../stage.ts";

const CLIENTS = { quick: 30, full: 200 };
const ROUNDS = 6;
/** Rounds after which the whole process is killed. */
const KILLED = new Set([2, 5]);
const CONNECT_MS = 120_000;
const MEANWHILE = workFor(700, 50);
/** Milliseconds into a round at which the objects are thrown out: at least, and so much more at random. */
const INTO = { least: 100, more: 600 };

export const clients: Scenario = {
  name: "clients",
  title: "connections of Tailscale clients, their objects thrown out and killed in the middle",
  cast: () => ({ appenders: 1, signers: 1, pool: 6, agents: 4, listeners: 10 }),
  async play({ scale, control, load }) {
    const native = new NativeClients(control.url, CLIENTS[scale]);
    try {
      await native.start(load.authKey);
      const checks = [await native.connected(CONNECT_MS)];
      let ended = 0;
      for (let round = 0; round < ROUNDS; round++) {
        const loaded = load.run(MEANWHILE);
        await sleep(INTO.least + Math.random() * INTO.more);
        if (KILLED.has(round)) {
          await control.kill();
          await control.up();
        } else ended += await control.endSessions();
        await loaded;
        checks.push(await native.connected(CONNECT_MS));
      }
      const { seq } = await load.mark();
      checks.push(...(await native.judge(seq, CONNECT_MS)), equal("objects were thrown out", `${ended}`, ended > 0));
      return { figures: [], checks };
    } finally {
      native.stop();
    }
  },
};
