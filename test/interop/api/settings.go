package main

import (
	"context"

	tailscale "tailscale.com/client/tailscale/v2"
)

func settingsSteps() []step {
	return []step{
		{method: "TailnetSettings.Update", run: func(ctx context.Context, c *tailscale.Client, _ scene) error {
			update := tailscale.UpdateTailnetSettingsRequest{
				DevicesKeyDurationDays: tailscale.PointerTo(30),
				ACLsExternalLink:       tailscale.PointerTo("https://git.test/policy"),
				UsersApprovalOn:        tailscale.PointerTo(true),
				HTTPSEnabled:           tailscale.PointerTo(false),
			}
			refusal := c.TailnetSettings().Update(ctx, tailscale.UpdateTailnetSettingsRequest{HTTPSEnabled: tailscale.PointerTo(true)})
			return all(c.TailnetSettings().Update(ctx, update), that(refusal != nil, "what there is not is turned on"))
		}},
		{method: "TailnetSettings.Get", run: func(ctx context.Context, c *tailscale.Client, _ scene) error {
			settings, err := c.TailnetSettings().Get(ctx)
			if err != nil {
				return err
			}
			return expect("the settings", *settings, tailscale.TailnetSettings{
				ACLsExternalLink:                       "https://git.test/policy",
				DevicesKeyDurationDays:                 30,
				UsersApprovalOn:                        true,
				UsersRoleAllowedToJoinExternalTailnets: tailscale.RoleAllowedToJoinExternalTailnetsAdmin,
			})
		}},
		{method: "Contacts.Update", run: func(ctx context.Context, c *tailscale.Client, _ scene) error {
			return c.Contacts().Update(ctx, tailscale.ContactSecurity, tailscale.UpdateContactRequest{Email: tailscale.PointerTo("security@corp.test")})
		}},
		{method: "Contacts.Get", run: func(ctx context.Context, c *tailscale.Client, in scene) error {
			contacts, err := c.Contacts().Get(ctx)
			if err != nil {
				return err
			}
			return all(
				expect("the security contact", contacts.Security, tailscale.Contact{Email: "security@corp.test"}),
				expect("the account's contact", contacts.Account, tailscale.Contact{Email: in.Owner}),
			)
		}},
	}
}
