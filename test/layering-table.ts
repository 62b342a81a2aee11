/**
 * Who may import whom, as data. `test/layering.test.ts` holds every file of `src/` against it.
 *
 * Rule [L1]: a file imports of ours only its own folder and the folders named here.
 * Rule [L2]: another folder is entered through its `index.ts` only.
 * Rule [L3]: from outside, a folder imports only the packages named here, each with the reason why it is needed.
 * Rule [L4]: no file or folder is named `utils`, `util`, `helpers` or `common`: a name says what is inside.
 * Rule [L5]: inside `durable` and `worker`, a folder imports only the folders named here, without a circle, but for what decides together. What stands
 *            beside those folders imports none of them, except the doors, and nothing inside imports a door.
 */

/** A package, `node:` module or host module from outside. An entry that ends in `/*` or `:*` takes every name below it. */
export interface Outside {
  readonly name: string;
  readonly reason: string;
  /** True if its types may be imported and nothing that runs. */
  readonly typesOnly?: boolean;
}

export interface FolderRule {
  /** Folders of `src/` that this one may import. */
  readonly ours: readonly string[];
  readonly outside: readonly Outside[];
}

const NOBLE: readonly Outside[] = [
  { name: "@noble/*", reason: "audited, pure cryptography that runs the same in Node, workerd and a browser" },
  { name: "@scure/base", reason: "text forms of bytes, from the same hand" },
];

export const LAYERS: Readonly<Record<string, FolderRule>> = {
  tka: { ours: [], outside: NOBLE },
  protocol: { ours: ["tka"], outside: NOBLE },
  policy: {
    ours: ["tka", "protocol"],
    outside: [
      ...NOBLE,
      { name: "@humanwhocodes/momoa", reason: "human JSON as a tree that knows its lines, for errors that say where" },
    ],
  },
  durable: {
    ours: ["tka", "protocol", "policy"],
    outside: [
      { name: "cloudflare:workers", reason: "the base class of the objects" },
      { name: "node:async_hooks", reason: "the log knows which request an entry belongs to" },
      {
        name: "node:crypto",
        reason: "the host's synchronous Ed25519 and SHA-256, its Noise primitives, timingSafeEqual",
      },
      { name: "node:zlib", reason: "zstd of map responses" },
      { name: "@hpke/core", reason: "HPKE (RFC 9180): a support secret is sealed to a key that is not here" },
      {
        name: "@phi-ag/argon2/argon2.wasm",
        reason: "the KDF's module: workerd has no Argon2, and JavaScript takes half a second",
      },
    ],
  },
  worker: {
    ours: ["durable", "protocol", "policy", "tka"],
    outside: [
      { name: "cloudflare:workers", reason: "the entry's class and the bindings" },
      { name: "hono", reason: "routing" },
      { name: "hono/*", reason: "routing" },
      { name: "drizzle-orm", reason: "D1's schema and queries" },
      { name: "drizzle-orm/*", reason: "D1's schema and queries" },
      { name: "zod", reason: "shapes of the admin API, of which its OpenAPI document is made" },
      { name: "oauth4webapi", reason: "OpenID Connect, the client's half: people sign in" },
      { name: "http-message-sig", reason: "HTTP Message Signatures (RFC 9421) of nodes that poll" },
      { name: "node:crypto", reason: "the host's Ed25519, for request signatures" },
      { name: "node:zlib", reason: "gzip of what is streamed of the log" },
    ],
  },
  node: {
    ours: ["tka", "protocol"],
    outside: [
      { name: "node:*", reason: "files, sockets and cryptography of the host" },
      { name: "http-message-sig", reason: "HTTP Message Signatures (RFC 9421), the other end" },
      { name: "ws", reason: "WebSockets with headers of their own and protocol pings, which Node's have not" },
    ],
  },
  cli: {
    ours: ["node", "protocol", "tka"],
    outside: [
      { name: "commander", reason: "the argument parser" },
      { name: "@hpke/core", reason: "HPKE (RFC 9180): the operator opens a support secret on a machine of their own" },
      { name: "node:*", reason: "terminal, exit codes and files: the command line is a program of Node's" },
    ],
  },
  console: { ours: ["tka", "protocol"], outside: [] },
};

/** Who may import whom inside a folder of `src/` that has folders of its own. */
export interface InnerRule {
  readonly folders: Readonly<Record<string, readonly string[]>>;
  /** Files beside those folders that put them together, and may import any. */
  readonly doors: readonly string[];
  /** Folders that import one another, with the reason. */
  readonly together: { readonly folders: readonly string[]; readonly reason: string };
  /** True where the rule is for what runs alone, and types may be imported from anywhere, with the reason. */
  readonly typesAnywhere: string | null;
}

export const INNER: Readonly<Record<string, InnerRule>> = {
  durable: {
    folders: {
      audit: [],
      settings: [],
      seating: [],
      lock: ["audit", "nodes", "people"],
      nodes: ["audit", "lock", "people", "seating", "settings"],
      people: ["audit", "nodes", "settings"],
      sharing: ["audit", "lock", "nodes"],
      delivery: ["lock", "nodes"],
      webhooks: ["audit"],
      maps: ["nodes", "people", "settings", "sharing"],
      control: ["maps", "seating"],
      sessions: ["control", "maps", "people", "seating"],
      directory: ["nodes"],
      authority: [
        "audit",
        "delivery",
        "lock",
        "maps",
        "nodes",
        "people",
        "seating",
        "sessions",
        "settings",
        "sharing",
        "webhooks",
      ],
    },
    doors: ["index.ts"],
    together: {
      folders: ["lock", "nodes", "people"],
      reason:
        "a node joins by somebody's word and under the lock, and goes with its person: each of the three asks the others",
    },
    typesAnywhere:
      "an act is given the whole Tailnet, which is made of every folder's tables, and env.ts names every object",
  },
  worker: {
    folders: {
      outbound: [],
      record: [],
      people: ["outbound"],
      queues: ["outbound", "record"],
      admin: ["outbound", "people", "queues", "record"],
      nodes: ["people"],
      watch: ["record"],
    },
    doors: ["index.ts", "app.ts"],
    together: { folders: [], reason: "" },
    typesAnywhere: null,
  },
};
