/** The bindings that the objects need. The Worker's own environment extends it. */

import type { Directory } from "./directory/directory.ts";
import type { StreamPointer } from "./audit/stream-batches.ts";
import type { NodeSessions } from "./sessions/node-sessions.ts";
import type { Pointer } from "./delivery/outbox.ts";
import type { TailnetAuthority } from "./authority/tailnet-authority.ts";
import type { WebhookPointer } from "./webhooks/attempts.ts";

export interface ObjectsEnv {
  readonly TAILNET_AUTHORITY: DurableObjectNamespace<TailnetAuthority>;
  readonly NODE_SESSIONS: DurableObjectNamespace<NodeSessions>;
  readonly DIRECTORY: DurableObjectNamespace<Directory>;
  /** The operator's key to which support secrets are sealed: `supportpub:<hex>`, or base64. Without it they are refused. */
  readonly SUPPORT_PUBLIC_KEY?: string;
  /** Seals what must be used again and is secret (sealed.ts): `storagekey:<64 hex digits>`, several with white space between them, the newest first. */
  readonly STORAGE_KEY?: string;
  /** The private key by which Tailscale's clients know this control plane: `privkey:<64 hex digits>`, a secret. Without it they are refused. */
  readonly CONTROL_NOISE_KEY?: string;
  /** Where Tailscale's clients find relays: Go's `tailcfg.DERPMap` as JSON (sessions/derp-map.ts). */
  readonly DERP_MAP?: unknown;
  /** Without it, where to ask for such a map (sessions/relays.ts). Empty: clients are told of no relays. */
  readonly DERP_MAP_URL?: string;
  /** The least level that is logged: debug, info, warn or error (log.ts). */
  readonly LOG_LEVEL?: string;
  /** To the consumer that tells sessions objects of changes. */
  readonly SESSIONS_QUEUE: Queue<Pointer>;
  /** To the consumer that writes D1. */
  readonly RECORD_QUEUE: Queue<Pointer>;
  /** To the consumer that tells the endpoints of webhooks. */
  readonly WEBHOOK_QUEUE: Queue<WebhookPointer>;
  /** To the consumer that sends the log to where it is streamed. */
  readonly LOG_STREAM_QUEUE: Queue<StreamPointer>;
}
