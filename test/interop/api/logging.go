package main

import (
	"context"
	"time"

	tailscale "tailscale.com/client/tailscale/v2"
)

const noFlows = "devices send their flow logs nowhere"

func loggingSteps() []step {
	return []step{
		{method: "Logging.SetLogstreamConfiguration", run: func(ctx context.Context, c *tailscale.Client, in scene) error {
			return c.Logging().SetLogstreamConfiguration(ctx, tailscale.LogTypeConfig, tailscale.SetLogstreamConfigurationRequest{
				DestinationType: tailscale.LogstreamSplunkEndpoint,
				URL:             in.Collector,
				Token:           "token-of-the-suite",
			})
		}},
		{method: "Logging.LogstreamConfiguration", run: func(ctx context.Context, c *tailscale.Client, in scene) error {
			stream, err := c.Logging().LogstreamConfiguration(ctx, tailscale.LogTypeConfig)
			if err != nil {
				return err
			}
			_, network := c.Logging().LogstreamConfiguration(ctx, tailscale.LogTypeNetwork)
			return all(
				expect("URL", stream.URL, in.Collector),
				expect("DestinationType", stream.DestinationType, tailscale.LogstreamSplunkEndpoint),
				that(network != nil, "there is a stream of flow logs"),
			)
		}},
		{method: "Logging.DeleteLogstreamConfiguration", run: func(ctx context.Context, c *tailscale.Client, _ scene) error {
			if err := c.Logging().DeleteLogstreamConfiguration(ctx, tailscale.LogTypeConfig); err != nil {
				return err
			}
			_, err := c.Logging().LogstreamConfiguration(ctx, tailscale.LogTypeConfig)
			return that(tailscale.IsNotFound(err), "it is still there: %v", err)
		}},
		{method: "Logging.GetNetworkFlowLogs", refused: noFlows, run: func(ctx context.Context, c *tailscale.Client, _ scene) error {
			hour := tailscale.NetworkFlowLogsRequest{Start: time.Now().Add(-time.Hour), End: time.Now()}
			return c.Logging().GetNetworkFlowLogs(ctx, hour, func(tailscale.NetworkFlowLog) error { return nil })
		}},
		{method: "Logging.CreateOrGetAwsExternalId", refused: "nothing is streamed to a bucket", run: func(ctx context.Context, c *tailscale.Client, _ scene) error {
			_, err := c.Logging().CreateOrGetAwsExternalId(ctx, true)
			return err
		}},
		{method: "Logging.ValidateAWSTrustPolicy", refused: "nothing is streamed to a bucket", run: func(ctx context.Context, c *tailscale.Client, _ scene) error {
			return c.Logging().ValidateAWSTrustPolicy(ctx, "none", "arn:aws:iam::0:role/none")
		}},
	}
}
