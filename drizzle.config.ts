/** Settings of drizzle-kit, which makes D1's migrations from the schema: `npm run migrations`. */

import { defineConfig } from "drizzle-kit";

export default defineConfig({
  dialect: "sqlite",
  driver: "d1-http",
  schema: "./src/worker/record/schema.ts",
  out: "./migrations",
});
