/** What `env` and `exports` of cloudflare:workers are in these tests. */

import type { D1Migration } from "cloudflare:test";
import type { WorkerEnv } from "../../../src/worker/env.ts";

declare global {
  namespace Cloudflare {
    interface GlobalProps {
      mainModule: typeof import("../../../src/worker/index.ts");
    }
    interface Env extends WorkerEnv {
      readonly OWNER_TOKEN: string;
      readonly CONTROL_NOISE_KEY: string;
      readonly MIGRATIONS: D1Migration[];
      /** A database that no migration has been applied to. */
      readonly OLD_RECORD: D1Database;
    }
  }
}
