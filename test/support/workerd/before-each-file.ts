/** What holds before a test file begins: D1 as a deployment has it (migrations that are applied are passed over), and objects that are soon put out of memory. */

import { applyD1Migrations } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { PRESENCE_WAITS } from "../../../src/durable/sessions/presence-reports.ts";

await applyD1Migrations(env.RECORD, env.MIGRATIONS);

// While an object waits so, it cannot be put out of memory: tests share it, and do that over and over.
Object.assign(PRESENCE_WAITS, { pauseMs: 50, restartMs: 100 });
