/** D1 as a deployment has it, before a test file begins: migrations that are applied are passed over. */

import { applyD1Migrations } from "cloudflare:test";
import { env } from "cloudflare:workers";

await applyD1Migrations(env.RECORD, env.MIGRATIONS);
