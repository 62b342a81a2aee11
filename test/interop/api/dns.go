package main

import (
	"context"

	tailscale "tailscale.com/client/tailscale/v2"
)

func dnsSteps() []step {
	resolvers := []string{"192.0.2.53"}
	split := tailscale.SplitDNSRequest{"corp.test": resolvers}
	configuration := tailscale.DNSConfiguration{
		Nameservers: []tailscale.DNSConfigurationResolver{{Address: "192.0.2.54"}},
		SplitDNS:    map[string][]tailscale.DNSConfigurationResolver{"whole.test": {{Address: "192.0.2.55"}}},
		SearchPaths: []string{"whole.test"},
		Preferences: tailscale.DNSConfigurationPreferences{OverrideLocalDNS: true, MagicDNS: true},
	}
	return []step{
		{method: "DNS.SetNameservers", run: func(ctx context.Context, c *tailscale.Client, _ scene) error {
			return c.DNS().SetNameservers(ctx, resolvers)
		}},
		{method: "DNS.Nameservers", run: func(ctx context.Context, c *tailscale.Client, _ scene) error {
			got, err := c.DNS().Nameservers(ctx)
			if err != nil {
				return err
			}
			return expect("the nameservers", got, resolvers)
		}},
		{method: "DNS.SetSearchPaths", run: func(ctx context.Context, c *tailscale.Client, _ scene) error {
			return c.DNS().SetSearchPaths(ctx, []string{"corp.test"})
		}},
		{method: "DNS.SearchPaths", run: func(ctx context.Context, c *tailscale.Client, _ scene) error {
			got, err := c.DNS().SearchPaths(ctx)
			if err != nil {
				return err
			}
			return expect("the search paths", got, []string{"corp.test"})
		}},
		{method: "DNS.SetPreferences", run: func(ctx context.Context, c *tailscale.Client, _ scene) error {
			return c.DNS().SetPreferences(ctx, tailscale.DNSPreferences{MagicDNS: false})
		}},
		{method: "DNS.Preferences", run: func(ctx context.Context, c *tailscale.Client, _ scene) error {
			got, err := c.DNS().Preferences(ctx)
			if err != nil {
				return err
			}
			return expect("MagicDNS", got.MagicDNS, false)
		}},
		{method: "DNS.SetSplitDNS", run: func(ctx context.Context, c *tailscale.Client, _ scene) error {
			if err := c.DNS().SetSplitDNS(ctx, tailscale.SplitDNSRequest{"old.test": resolvers}); err != nil {
				return err
			}
			return c.DNS().SetSplitDNS(ctx, split)
		}},
		{method: "DNS.SplitDNS", run: func(ctx context.Context, c *tailscale.Client, _ scene) error {
			got, err := c.DNS().SplitDNS(ctx)
			if err != nil {
				return err
			}
			return expect("the domains", got, tailscale.SplitDNSResponse(split))
		}},
		{method: "DNS.UpdateSplitDNS", run: func(ctx context.Context, c *tailscale.Client, _ scene) error {
			got, err := c.DNS().UpdateSplitDNS(ctx, tailscale.SplitDNSRequest{"more.test": resolvers, "corp.test": nil})
			if err != nil {
				return err
			}
			return expect("the domains", got, tailscale.SplitDNSResponse{"more.test": resolvers})
		}},
		{method: "DNS.SetConfiguration", run: func(ctx context.Context, c *tailscale.Client, _ scene) error {
			return c.DNS().SetConfiguration(ctx, configuration)
		}},
		{method: "DNS.Configuration", run: func(ctx context.Context, c *tailscale.Client, _ scene) error {
			got, err := c.DNS().Configuration(ctx)
			if err != nil {
				return err
			}
			return expect("the configuration", *got, configuration)
		}},
	}
}
