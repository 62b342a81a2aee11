/** The Worker's bindings. */

import type { ObjectsEnv } from "../durable/index.ts";

export interface WorkerEnv extends ObjectsEnv {
  /** D1: the record of all tailnets. */
  readonly RECORD: D1Database;
  /** Under which people reach the control plane, as `https://host`: for pages that nodes are sent to. Absent: the address that a node uses. */
  readonly PUBLIC_URL?: string;
  /** The bearer token of the deployment's operator: a secret. Where it is not set, the admin API is closed. */
  readonly OWNER_TOKEN?: string;
  /** `storagekey:<64 hex digits>`, a secret, or several of them (durable/sealed.ts): what seals other secrets. Without it webhooks and log streams are refused. */
  readonly STORAGE_KEY?: string;
  /** The bearer token that reads /metrics, and nothing else: a secret. Without it the operator's does. */
  readonly METRICS_TOKEN?: string;
  /** How many requests a principal has, and an address that proved nobody (rate-limits.ts). Absent: unlimited. */
  readonly API_REQUESTS?: RateLimit;
  readonly API_FAILURES?: RateLimit;
  /** Where names of outside are looked up, as `https://host/path`. Absent: Cloudflare's resolver. */
  readonly DNS_OVER_HTTPS_URL?: string;
  /** `true` lets webhooks and log streams reach this machine, without TLS too: for a local start, and nothing else. */
  readonly WEBHOOKS_ALLOW_LOOPBACK?: string;
  /** Where requests are counted (counters.ts): an Analytics Engine dataset, where the deployment has one. */
  readonly COUNTERS?: AnalyticsEngineDataset;
  /** The OpenID provider by which people sign in, and as whom it knows us (people/oidc.ts). Absent: people sign in by one-time links alone. */
  readonly OIDC_ISSUER?: string;
  readonly OIDC_CLIENT_ID?: string;
  /** A secret. Absent for a client that has none: PKCE does without. */
  readonly OIDC_CLIENT_SECRET?: string;
  /** `always` where the provider gives none but verified e-mail addresses, and does not say so. */
  readonly OIDC_VERIFIES_EMAIL?: string;
}
