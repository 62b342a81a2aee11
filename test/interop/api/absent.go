package main

import (
	"context"

	tailscale "tailscale.com/client/tailscale/v2"
)

const (
	noPosture    = "device posture is not looked at"
	noServices   = "there are no services with addresses of their own"
	noFederation = "no other identity provider's tokens are taken"
)

// absentSteps are of resources that the control plane has nothing of.
func absentSteps() []step {
	return []step{
		{method: "DevicePosture.ListIntegrations", run: func(ctx context.Context, c *tailscale.Client, _ scene) error {
			integrations, err := c.DevicePosture().ListIntegrations(ctx)
			if err != nil {
				return err
			}
			return expect("the number of integrations", len(integrations), 0)
		}},
		{method: "DevicePosture.CreateIntegration", refused: noPosture, run: func(ctx context.Context, c *tailscale.Client, _ scene) error {
			_, err := c.DevicePosture().CreateIntegration(ctx, tailscale.CreatePostureIntegrationRequest{Provider: tailscale.PostureIntegrationProviderFleet})
			return err
		}},
		{method: "DevicePosture.UpdateIntegration", refused: noPosture, run: func(ctx context.Context, c *tailscale.Client, _ scene) error {
			_, err := c.DevicePosture().UpdateIntegration(ctx, "none", tailscale.UpdatePostureIntegrationRequest{})
			return err
		}},
		{method: "DevicePosture.DeleteIntegration", refused: noPosture, run: func(ctx context.Context, c *tailscale.Client, _ scene) error {
			return c.DevicePosture().DeleteIntegration(ctx, "none")
		}},
		{method: "DevicePosture.GetIntegration", refused: noPosture, run: func(ctx context.Context, c *tailscale.Client, _ scene) error {
			_, err := c.DevicePosture().GetIntegration(ctx, "none")
			return err
		}},
		{method: "Services.List", run: func(ctx context.Context, c *tailscale.Client, _ scene) error {
			services, err := c.Services().List(ctx)
			if err != nil {
				return err
			}
			return expect("the number of services", len(services), 0)
		}},
		{method: "Services.Get", refused: noServices, run: func(ctx context.Context, c *tailscale.Client, _ scene) error {
			_, err := c.Services().Get(ctx, "svc:none")
			return err
		}},
		{method: "Services.CreateOrUpdate", refused: noServices, run: func(ctx context.Context, c *tailscale.Client, _ scene) error {
			return c.Services().CreateOrUpdate(ctx, tailscale.Service{Name: "svc:none"})
		}},
		{method: "Services.Delete", refused: noServices, run: func(ctx context.Context, c *tailscale.Client, _ scene) error {
			return c.Services().Delete(ctx, "svc:none")
		}},
		{method: "Keys.CreateFederatedIdentity", refused: noFederation, run: func(ctx context.Context, c *tailscale.Client, _ scene) error {
			_, err := c.Keys().CreateFederatedIdentity(ctx, tailscale.CreateFederatedIdentityRequest{Issuer: "https://issuer.test", Subject: "one"})
			return err
		}},
		{method: "Keys.SetFederatedIdentity", refused: noFederation, run: func(ctx context.Context, c *tailscale.Client, _ scene) error {
			_, err := c.Keys().SetFederatedIdentity(ctx, "kNoneOfThem", tailscale.SetFederatedIdentityRequest{Issuer: "https://issuer.test", Subject: "one"})
			return err
		}},
	}
}
