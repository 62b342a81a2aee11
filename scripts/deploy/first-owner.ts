/** What follows a deployment: waiting until it answers, and the first tailnet with its owner. By the admin API, as anybody would. */

import type { Settings } from "./settings.ts";

/** Milliseconds for a new deployment, or a new name, to be known everywhere. */
const READY_MS = 120_000;
const PAUSE_MS = 2000;
const REQUEST_MS = 15_000;

/** Asks whether it is ready until it is. Throws with what it said last. */
export async function untilReady(url: string, limitMs = READY_MS): Promise<void> {
  const until = Date.now() + limitMs;
  for (let said = ""; ;) {
    try {
      const response = await fetch(new URL("/ready", url), {
        signal: AbortSignal.timeout(REQUEST_MS),
        redirect: "manual",
      });
      if (response.ok) return;
      said = `${response.status} ${(await response.text()).slice(0, 200)}`;
    } catch (error) {
      said = String(error);
    }
    if (Date.now() > until) throw new Error(`${url}/ready does not say that it is ready; it said last: ${said}`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

async function post(url: string, token: string, path: string, body: object): Promise<unknown> {
  const response = await fetch(new URL(path, url), {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(REQUEST_MS),
    // The token goes to this host and to no other.
    redirect: "error",
  });
  if (!response.ok) throw new Error(`${path} was refused: ${response.status} ${(await response.text()).slice(0, 500)}`);
  return response.json();
}

export interface Tailnet {
  readonly id: string;
  readonly name: string;
}

/** Makes the tailnet, or finds the one of that name; null where the settings name none. */
export async function seeToTailnet(url: string, token: string, settings: Settings): Promise<Tailnet | null> {
  const { tailnet, owner } = settings;
  if (tailnet === undefined) return null;
  const body = { name: tailnet, ...(owner === undefined ? {} : { owner }) };
  return (await post(url, token, "/api/v2/tailnets", body)) as Tailnet;
}
