/**
 * As much of Cloudflare's API as a deployment by wrangler asks for, as strict as the real one where that matters here: what is not there is not found, what
 * is there is not made twice, a Worker is refused that names a database or a queue that there is not, D1 is a real SQLite. It is no account: that Cloudflare
 * takes the Worker, runs it and routes to it is not shown by this.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { DatabaseSync } from "node:sqlite";

export const ACCOUNT = "a".repeat(32);
const TOKEN = "a-token-of-the-test";

interface Database {
  readonly uuid: string;
  readonly name: string;
  readonly created_at: string;
  readonly sqlite: DatabaseSync;
}

interface Binding {
  readonly name: string;
  readonly type: string;
  readonly text?: string;
  readonly id?: string;
  readonly queue_name?: string;
}

export interface Metadata {
  readonly bindings: readonly Binding[];
  readonly main_module?: string;
  readonly migrations?: { readonly new_tag?: string; readonly old_tag?: string };
  readonly keep_bindings?: readonly string[];
}

interface Consumer {
  readonly script: string;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly dead_letter_queue?: string;
}

interface Subdomain {
  readonly enabled: boolean;
  readonly previews_enabled: boolean;
}

interface Script {
  readonly metadata: Metadata;
  readonly secrets: Map<string, string>;
  readonly tag: string;
  subdomain: Subdomain;
}

interface QueueState {
  readonly queue_id: string;
  readonly queue_name: string;
  readonly created_on: string;
  readonly modified_on: string;
  readonly consumers: (Consumer & { readonly consumer_id: string })[];
}

class Refusal extends Error {
  readonly status: number;
  readonly code: number;

  constructor(status: number, code: number, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: Buffer;
}

function json({ body }: Asked): unknown {
  return JSON.parse(body.toString("utf8")) as unknown;
}

/** A database as the API shows it. */
function shown({ uuid, name, created_at }: Database): object {
  return { uuid, name, created_at };
}

/** The part `metadata` of an upload, which is multipart. */
function metadataOf({ body }: Asked): Metadata {
  const text = /name="metadata"[^]*?\r\n\r\n([^]*?)\r\n--/.exec(body.toString("utf8"))?.[1];
  if (text === undefined) throw new Refusal(400, 10021, "an upload without metadata");
  return JSON.parse(text) as Metadata;
}

const NOW = "2026-11-25T00:00:00Z";

export class FakeCloudflare {
  readonly databases: Database[] = [];
  readonly queues: QueueState[] = [];
  /** Each Worker's last upload. */
  readonly scripts = new Map<string, Script>();
  /** What was asked, in order: method and path below the account. */
  readonly log: string[] = [];
  /** Asked for instead of answered: the next request that matches fails. */
  failing: RegExp | null = null;
  readonly #server: Server;
  #url = "";

  constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  async open(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    this.#url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    for (const { sqlite } of this.databases) sqlite.close();
  }

  /** What wrangler has to be told to come here. */
  get environment(): Record<string, string> {
    return { CLOUDFLARE_API_BASE_URL: this.#url, CLOUDFLARE_API_TOKEN: TOKEN };
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const { pathname, searchParams } = new URL(request.url ?? "/", this.#url);
    const path = pathname.replace(`/accounts/${ACCOUNT}`, "");
    const { method = "GET" } = request;
    this.log.push(`${method} ${path}`);
    const send = (status: number, body: object): void => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    };
    try {
      if (request.headers.authorization !== `Bearer ${TOKEN}`) throw new Refusal(401, 10000, "Authentication error");
      if (this.failing?.test(`${method} ${path}`) === true) throw new Refusal(500, 10001, "made to fail");
      const result = this.#answer({ method, path, query: searchParams, body: Buffer.concat(pieces) });
      send(200, { success: true, errors: [], messages: [], result });
    } catch (error) {
      const { status, code, message } = error instanceof Refusal ? error : new Refusal(500, 1, String(error));
      send(status, { success: false, errors: [{ code, message }], messages: [], result: null });
    }
  }

  #answer(asked: Asked): unknown {
    const { method, path } = asked;
    for (const [wanted, form, answer] of this.#routes) {
      const match = form.exec(path);
      if (wanted === method && match !== null) return answer(asked, match.slice(1));
    }
    throw new Refusal(404, 7003, `this stand-in knows nothing of ${method} ${path}`);
  }

  readonly #routes: readonly (readonly [string, RegExp, (asked: Asked, parts: readonly string[]) => unknown])[] = [
    ["GET", /^\/user\/tokens\/verify$/, () => ({ id: "t", status: "active" })],
    ["GET", /^\/user$/, () => ({ id: "u", email: "alice@example.com" })],
    ["GET", /^\/accounts$/, () => [{ id: ACCOUNT, name: "Example" }]],
    ["GET", /^\/memberships$/, () => [{ id: "m", account: { id: ACCOUNT, name: "Example" } }]],
    ["GET", /^\/d1\/database$/, () => this.databases.map(shown)],
    ["POST", /^\/d1\/database$/, (asked) => this.#createDatabase((json(asked) as { name: string }).name)],
    ["GET", /^\/d1\/database\/([^/]+)$/, (_, [id = ""]) => shown(this.#database(id))],
    ["POST", /^\/d1\/database\/([^/]+)\/query$/, (asked, [id = ""]) => this.#query(id, json(asked) as { sql: string })],
    ["GET", /^\/queues$/, ({ query }) => this.#listed(query.getAll("name"))],
    ["POST", /^\/queues$/, (asked) => this.#createQueue((json(asked) as { queue_name: string }).queue_name)],
    ["GET", /^\/queues\/([^/]+)\/consumers$/, (_, [id = ""]) => this.#queue(id).consumers],
    ["GET", /^\/workers\/subdomain$/, () => ({ subdomain: "example" })],
    ["GET", /^\/workers\/scripts\/([^/]+)\/subdomain$/, (_, [name = ""]) => this.#script(name).subdomain],
    [
      "POST",
      /^\/workers\/scripts\/([^/]+)\/subdomain$/,
      (asked, [name = ""]) => this.#setSubdomain(name, json(asked) as Subdomain),
    ],
    ["PATCH", /^\/workers\/scripts\/([^/]+)\/script-settings$/, (asked) => json(asked)],
    ["GET", /^\/workers\/scripts\/([^/]+)\/deployments$/, (_, [name = ""]) => this.#deployments(name)],
    ["POST", /^\/workers\/scripts\/([^/]+)\/deployments$/, () => ({ id: "d" })],
    ["POST", /^\/workers\/scripts\/([^/]+)\/versions$/, (asked, [name = ""]) => this.#upload(name, asked)],
    [
      "GET",
      /^\/workers\/workers\/([^/]+)$/,
      (_, [name = ""]) => ({ id: name, name, subdomain: this.#script(name).subdomain }),
    ],
    [
      "PUT",
      /^\/queues\/([^/]+)\/consumers\/([^/]+)$/,
      (asked, [id = ""]) => this.#consume(id, json(asked) as { script_name: string }),
    ],
    [
      "GET",
      /^\/workers\/scripts\/([^/]+)\/settings$/,
      (_, [name = ""]) => ({ bindings: this.#script(name).metadata.bindings }),
    ],
    ["GET", /^\/workers\/services\/([^/]+)$/, (_, [name = ""]) => this.#service(name)],
    ["GET", /^\/workers\/scripts\/([^/]+)\/secrets$/, (_, [name = ""]) => this.#secrets(name)],
    ["PUT", /^\/workers\/scripts\/([^/]+)$/, (asked, [name = ""]) => this.#upload(name, asked)],
    [
      "POST",
      /^\/queues\/([^/]+)\/consumers$/,
      (asked, [id = ""]) => this.#consume(id, json(asked) as { script_name: string }),
    ],
  ];

  #createDatabase(name: string): object {
    if (this.databases.some((each) => each.name === name))
      throw new Refusal(400, 7502, "A database with that name already exists");
    const uuid = `00000000-0000-4000-8000-${String(this.databases.length).padStart(12, "0")}`;
    this.databases.push({ uuid, name, created_at: NOW, sqlite: new DatabaseSync(":memory:") });
    return shown(this.#database(uuid));
  }

  #database(id: string): Database {
    const found = this.databases.find(({ uuid }) => uuid === id);
    if (found === undefined) throw new Refusal(404, 7404, "The database could not be found");
    return found;
  }

  #query(id: string, { sql }: { sql: string }): unknown {
    const { sqlite } = this.#database(id);
    const isRead = /^\s*(SELECT|PRAGMA)/i.test(sql);
    const results = isRead ? sqlite.prepare(sql).all() : [];
    if (!isRead) sqlite.exec(sql);
    return [{ results, success: true, meta: { duration: 1, changes: 0 } }];
  }

  #listed(names: readonly string[]): QueueState[] {
    return this.queues.filter(({ queue_name }) => names.length === 0 || names.includes(queue_name));
  }

  #createQueue(name: string): QueueState {
    if (this.#listed([name]).length > 0) throw new Refusal(409, 11009, `Queue name '${name}' is already taken`);
    const queue_id = `q${this.queues.length}`;
    const queue = { queue_id, queue_name: name, created_on: NOW, modified_on: NOW, consumers: [] };
    this.queues.push(queue);
    return queue;
  }

  #queue(id: string): QueueState {
    const found = this.queues.find(({ queue_id }) => queue_id === id);
    if (found === undefined) throw new Refusal(404, 11000, "queue not found");
    return found;
  }

  #consume(id: string, body: { script_name: string }): unknown {
    const { consumers } = this.#queue(id);
    const consumer = { ...body, type: "worker", script: body.script_name, consumer_id: `c${id}` };
    consumers.splice(0, consumers.length, consumer);
    return consumer;
  }

  #script(name: string) {
    const found = this.scripts.get(name);
    if (found === undefined) throw new Refusal(404, 10007, "This Worker does not exist on your account.");
    return found;
  }

  #setSubdomain(name: string, { enabled, previews_enabled }: Subdomain): Subdomain {
    const script = this.#script(name);
    script.subdomain = { enabled, previews_enabled };
    return script.subdomain;
  }

  #service(name: string): unknown {
    const { tag } = this.#script(name);
    return {
      default_environment: { environment: "production", script: { tag, tags: [], last_deployed_from: "wrangler" } },
    };
  }

  #deployments(name: string): unknown {
    const { tag } = this.#script(name);
    const versions = [{ version_id: tag, percentage: 100 }];
    return {
      deployments: [
        { id: "d", source: "wrangler", strategy: "percentage", author_email: "", created_on: NOW, versions },
      ],
    };
  }

  #secrets(name: string): unknown {
    return [...this.#script(name).secrets.keys()].map((each) => ({ name: each, type: "secret_text" }));
  }

  /** Takes an upload: what it is bound to has to be there. */
  #upload(name: string, asked: Asked): unknown {
    const metadata = metadataOf(asked);
    for (const { type: kind, id = "", queue_name: queue = "" } of metadata.bindings) {
      if (kind === "d1") this.#database(id);
      if (kind === "queue" && this.#listed([queue]).length === 0)
        throw new Refusal(400, 100129, `Queue "${queue}" does not exist`);
    }
    const before = this.scripts.get(name);
    const secrets = new Map(before?.secrets);
    for (const { type: kind, name: secret, text = "" } of metadata.bindings)
      if (kind === "secret_text") secrets.set(secret, text);
    const tag = `tag-${this.log.length}`;
    const subdomain = before?.subdomain ?? { enabled: false, previews_enabled: false };
    this.scripts.set(name, { metadata, secrets, tag, subdomain });
    const resources = { script: { etag: "e" } };
    return {
      id: `version-${this.log.length}`,
      tag,
      deployment_id: `version-${this.log.length}`,
      etag: "e",
      startup_time_ms: 1,
      resources,
    };
  }
}
