/** The part of a tailnet's object that is about endpoints which are told of events: each method is one act, as in TailnetAuthority. */

import type { Outcome, WebhookSubscription } from "../../protocol/index.ts";
import { ActingObject } from "./acting-object.ts";
import type { By } from "../audit/events.ts";
import {
  changeWebhook,
  createWebhook,
  deleteWebhook,
  replayWebhook,
  rotateWebhook,
  testWebhook,
  webhookInfo,
  webhookInfos,
  type NewSecret,
  type WebhookInfo,
  type WebhookReplay,
} from "../webhooks/acts.ts";
import {
  settleAttempt,
  takeAttempt,
  type WebhookAttempt,
  type WebhookResult,
  type WebhookSettled,
} from "../webhooks/attempts.ts";
import type { NewWebhook } from "../webhooks/webhooks.ts";

export class WebhookAuthority extends ActingObject {
  webhooks(): Promise<Outcome<WebhookInfo[]>> {
    return this.acts.living(webhookInfos);
  }

  webhook(id: string): Promise<Outcome<WebhookInfo>> {
    return this.acts.living((tailnet) => webhookInfo(tailnet, id));
  }

  /** Makes an endpoint, with its first secret, sealed. */
  createWebhook(by: By, made: NewWebhook, box: Uint8Array): Promise<Outcome<WebhookInfo>> {
    return this.acts.living((tailnet, now) => createWebhook(tailnet, by, made, box, now));
  }

  changeWebhook(by: By, id: string, subscriptions: readonly WebhookSubscription[]): Promise<Outcome<WebhookInfo>> {
    return this.acts.living((tailnet, now) => changeWebhook(tailnet, by, id, subscriptions, now));
  }

  /** Gives an endpoint another secret, sealed. */
  rotateWebhook(by: By, id: string, secret: NewSecret): Promise<Outcome<WebhookInfo>> {
    return this.acts.living((tailnet, now) => rotateWebhook(tailnet, by, id, secret, now));
  }

  deleteWebhook(by: By, id: string): Promise<Outcome<null>> {
    return this.acts.living((tailnet, now) => deleteWebhook(tailnet, by, id, now));
  }

  testWebhook(by: By, id: string): Promise<Outcome<null>> {
    return this.acts.living((tailnet, now) => testWebhook(tailnet, by, id, now));
  }

  replayWebhook(by: By, id: string, replay: WebhookReplay): Promise<Outcome<null>> {
    return this.acts.living((tailnet, now) => replayWebhook(tailnet, by, id, replay, now));
  }

  /** What an attempt to tell an endpoint needs, once; null where there is nothing to be done. */
  takeWebhookAttempt(delivery: string, attempt: number): Promise<Outcome<WebhookAttempt | null>> {
    return this.acts.act((tailnet, now) => takeAttempt(tailnet, delivery, attempt, now));
  }

  /** How it went; null where it is settled already. */
  settleWebhookAttempt(
    delivery: string,
    attempt: number,
    result: WebhookResult,
  ): Promise<Outcome<WebhookSettled | null>> {
    return this.acts.act((tailnet, now) => settleAttempt(tailnet, { delivery, attempt }, result, now));
  }
}
