/** The Worker: its app, the queues' consumers, and the objects that wrangler.toml names. */

import { app } from "./app.ts";
import { consume } from "./queues.ts";

export { Directory, NodeSessions, TailnetAuthority } from "../durable/index.ts";

export default { fetch: app.fetch, queue: consume };
