package main

import (
	"context"

	tailscale "tailscale.com/client/tailscale/v2"
)

func webhookSteps() []step {
	var made *tailscale.Webhook
	return []step{
		{method: "Webhooks.Create", run: func(ctx context.Context, c *tailscale.Client, in scene) error {
			var err error
			made, err = c.Webhooks().Create(ctx, tailscale.CreateWebhookRequest{
				EndpointURL:   in.Hook,
				Subscriptions: []tailscale.WebhookSubscriptionType{tailscale.WebhookNodeCreated, tailscale.WebhookPolicyUpdate},
			})
			if err != nil {
				return err
			}
			return all(expect("EndpointURL", made.EndpointURL, in.Hook), that(made.Secret != nil && *made.Secret != "", "it has no secret"))
		}},
		{method: "Webhooks.List", run: func(ctx context.Context, c *tailscale.Client, _ scene) error {
			hooks, err := c.Webhooks().List(ctx)
			if err != nil {
				return err
			}
			return all(expect("the number of webhooks", len(hooks), 1), expect("Secret", hooks[0].Secret, nil))
		}},
		{method: "Webhooks.Get", run: func(ctx context.Context, c *tailscale.Client, _ scene) error {
			hook, err := c.Webhooks().Get(ctx, made.EndpointID)
			if err != nil {
				return err
			}
			return all(expect("EndpointID", hook.EndpointID, made.EndpointID), expect("Subscriptions", hook.Subscriptions, made.Subscriptions))
		}},
		{method: "Webhooks.Update", run: func(ctx context.Context, c *tailscale.Client, _ scene) error {
			wanted := []tailscale.WebhookSubscriptionType{tailscale.WebhookCategoryTailnetManagement}
			hook, err := c.Webhooks().Update(ctx, made.EndpointID, wanted)
			if err != nil {
				return err
			}
			return expect("Subscriptions", hook.Subscriptions, wanted)
		}},
		{method: "Webhooks.Test", run: func(ctx context.Context, c *tailscale.Client, _ scene) error {
			return c.Webhooks().Test(ctx, made.EndpointID)
		}},
		{method: "Webhooks.RotateSecret", run: func(ctx context.Context, c *tailscale.Client, _ scene) error {
			hook, err := c.Webhooks().RotateSecret(ctx, made.EndpointID)
			if err != nil {
				return err
			}
			return that(hook.Secret != nil && *hook.Secret != *made.Secret, "it has no other secret")
		}},
		{method: "Webhooks.Delete", run: func(ctx context.Context, c *tailscale.Client, _ scene) error {
			if err := c.Webhooks().Delete(ctx, made.EndpointID); err != nil {
				return err
			}
			_, err := c.Webhooks().Get(ctx, made.EndpointID)
			return that(tailscale.IsNotFound(err), "it is still there: %v", err)
		}},
	}
}
