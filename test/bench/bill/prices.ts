/**
 * The list prices of Workers Paid, a month, in US dollars, as published on 2026-11-25: developers.cloudflare.com, the pricing pages of Workers,
 * Durable Objects, Queues and D1. Whatever a month includes is included once for an account.
 */

export interface Price {
  readonly title: string;
  /** What the base fee includes, in units. */
  readonly included: number;
  /** Dollars for each unit beyond. */
  readonly each: number;
}

const MILLION = 1e6;

export const BASE_FEE = 5;

export const PRICES = {
  requests: { title: "Worker requests", included: 10 * MILLION, each: 0.3 / MILLION },
  cpuMs: { title: "Worker CPU, ms", included: 30 * MILLION, each: 0.02 / MILLION },
  /** Calls, alarms, upgrades, and a twentieth of the messages that come in on WebSockets. */
  objectRequests: { title: "object requests", included: MILLION, each: 0.15 / MILLION },
  gbSeconds: { title: "object duration, GB-s", included: 400_000, each: 12.5 / MILLION },
  /** Of objects and of D1: each has its own allowance of the same size. */
  rowsRead: { title: "object rows read", included: 25_000 * MILLION, each: 0.001 / MILLION },
  rowsWritten: { title: "object rows written", included: 50 * MILLION, each: 1 / MILLION },
  d1RowsRead: { title: "D1 rows read", included: 25_000 * MILLION, each: 0.001 / MILLION },
  d1RowsWritten: { title: "D1 rows written", included: 50 * MILLION, each: 1 / MILLION },
  /** A message is written, read and deleted: three. */
  queueOperations: { title: "queue operations", included: MILLION, each: 0.4 / MILLION },
} as const satisfies Readonly<Record<string, Price>>;

export type Billed = keyof typeof PRICES;

/** So much of everything that is billed. */
export type Usage = Readonly<Record<Billed, number>>;

export const BILLED = Object.keys(PRICES) as Billed[];

export const NOTHING: Usage = Object.fromEntries(BILLED.map((what) => [what, 0])) as Record<Billed, number>;

/** An object is allotted 128 MB while it is awake. */
export const OBJECT_GB = 0.128;
/** Messages that come in on a WebSocket and count as one request. */
export const MESSAGES_A_REQUEST = 20;
export const OPERATIONS_A_MESSAGE = 3;

export function plus(...all: readonly Usage[]): Usage {
  return Object.fromEntries(BILLED.map((what) => [what, all.reduce((sum, usage) => sum + usage[what], 0)])) as Record<
    Billed,
    number
  >;
}

export function timesOf(usage: Usage, by: number): Usage {
  return Object.fromEntries(BILLED.map((what) => [what, usage[what] * by])) as Record<Billed, number>;
}

/** Dollars beyond the base fee, by what they are for. */
export function costs(usage: Usage): Record<Billed, number> {
  const cost = (what: Billed): number => Math.max(0, usage[what] - PRICES[what].included) * PRICES[what].each;
  return Object.fromEntries(BILLED.map((what) => [what, cost(what)])) as Record<Billed, number>;
}

export function total(usage: Usage): number {
  return Object.values(costs(usage)).reduce((sum, dollars) => sum + dollars, 0);
}
