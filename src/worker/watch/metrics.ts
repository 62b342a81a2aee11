/**
 * `GET /metrics`: what an operator watches, as Prometheus reads it.
 *
 * Rule [O56]: it is read with the secret METRICS_TOKEN, which does nothing else, or with the operator's token; both are compared in constant time. To whoever
 *            has neither, there is nothing there.
 */

import { Hono } from "hono";
import { log } from "../../durable/index.ts";
import type { AppTypes } from "../app-types.ts";
import type { WorkerEnv } from "../env.ts";
import { refuse } from "../http-errors.ts";
import { objectMetrics } from "./metrics-objects.ts";
import { recordMetrics } from "./metrics-record.ts";
import { PROMETHEUS_TYPE, prometheusText, type Metric } from "./prometheus.ts";
import { isConfiguredToken, tokenOf } from "../bearer-token.ts";

/** True if the attacker-controlled header names one of the two. */
function mayRead(header: string, { METRICS_TOKEN, OWNER_TOKEN }: WorkerEnv): boolean {
  const given = tokenOf(header);
  if (given === null) return false;
  return [METRICS_TOKEN, OWNER_TOKEN].filter((token) => isConfiguredToken(given, token)).length > 0;
}

const PARTS = { objects: objectMetrics, record: recordMetrics } as const;

/** The metrics of both parts, and which of them could be had: one that is down does not hide the other. */
async function allMetrics(env: WorkerEnv, now: number): Promise<Metric[]> {
  const parts = Object.entries(PARTS).map(async ([part, metrics]) => {
    try {
      return { part, up: 1, metrics: await metrics(env, now) };
    } catch (error) {
      log.error("metrics could not be had", { part }, error);
      return { part, up: 0, metrics: [] };
    }
  });
  const all = await Promise.all(parts);
  const up = all.map(({ part, up: value }) => ({ labels: { part }, value }));
  const help = "1 for each part that answers.";
  return [{ name: "tailward_up", type: "gauge", help, samples: up }, ...all.flatMap(({ metrics }) => metrics)];
}

export const metricsRoutes = new Hono<AppTypes>();

metricsRoutes.get("/metrics", async (c) => {
  if (!mayRead(c.req.header("authorization") ?? "", c.env))
    return refuse(c, { code: "not_found", message: "there is nothing here" });
  const text = prometheusText(await allMetrics(c.env, Date.now()));
  return c.body(text, 200, { "content-type": PROMETHEUS_TYPE, "cache-control": "no-store" });
});
