/** The Worker: its app, and the objects that wrangler.toml names. */

import { app } from "./app.ts";

export { Directory, NodeSessions, TailnetAuthority } from "../durable/index.ts";

export default { fetch: app.fetch };
