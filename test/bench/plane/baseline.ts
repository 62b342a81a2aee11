/** The bare Worker that stands beside the product's in every run: workers/bare. In a process of its own. */

import { bundle } from "./bundle.ts";
import { Http } from "./http.ts";
import { Runtime } from "./runtime.ts";
import { settingsOf } from "./worker-settings.ts";

const CONFIG = "test/bench/workers/bare/wrangler.toml";

export interface Baseline {
  readonly runtime: Runtime;
  readonly http: Http;
  close(): Promise<void>;
}

export async function startBare(): Promise<Baseline> {
  const runtime = await Runtime.start(bundle(CONFIG), settingsOf(CONFIG));
  const http = new Http(runtime.url);
  return { runtime, http, close: () => runtime.close() };
}
