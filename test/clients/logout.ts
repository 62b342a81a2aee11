/** Logging out, of clients that may fall over their own feet while they do. */

import type { Client } from "./client.ts";
import type { Scene } from "./scene.ts";
import { ExpectationFailed } from "./scene.ts";

const TRIES = 8;

/**
 * `tailscale logout`, and once more after `up` with this auth key where the client did not get to say it: it takes its interface down first, takes that for
 * a change of network, and drops the connection over which it was about to tell. By then it has forgotten its key.
 */
export async function logOut(scene: Scene, client: Client, authKey: string): Promise<void> {
  for (let tries = 0; tries < TRIES; tries++) {
    const { code, out, err } = await scene.type(client, "logout");
    if (code === 0) return;
    if (!/closed|no nodekey|canceled|deadline/.test(out + err)) break;
    await scene.ok(client, "up", `--auth-key=${authKey}`);
  }
  throw new ExpectationFailed(`${client.name} logs out`);
}
