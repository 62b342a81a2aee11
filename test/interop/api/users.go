package main

import (
	"context"
	"strings"

	tailscale "tailscale.com/client/tailscale/v2"
)

func userSteps() []step {
	return []step{
		{method: "Users.List", run: func(ctx context.Context, c *tailscale.Client, in scene) error {
			owners, err := c.Users().List(ctx, tailscale.PointerTo(tailscale.UserTypeMember), tailscale.PointerTo(tailscale.UserRoleOwner))
			if err != nil {
				return err
			}
			shared, err := c.Users().List(ctx, tailscale.PointerTo(tailscale.UserTypeShared), nil)
			if err != nil {
				return err
			}
			return all(
				expect("the number of owners", len(owners), 1),
				expect("LoginName", owners[0].LoginName, in.Owner),
				expect("the number of shared users", len(shared), 0),
			)
		}},
		{method: "Users.Get", run: func(ctx context.Context, c *tailscale.Client, in scene) error {
			users, err := c.Users().List(ctx, nil, nil)
			if err != nil {
				return err
			}
			user, err := c.Users().Get(ctx, users[0].ID)
			if err != nil {
				return err
			}
			_, missing := c.Users().Get(ctx, "u"+strings.Repeat("0", 10)+users[0].ID[11:])
			return all(
				expect("ID", user.ID, users[0].ID),
				expect("TailnetID", user.TailnetID, in.Tailnet),
				expect("Status", user.Status, tailscale.UserStatusActive),
				that(tailscale.IsNotFound(missing), "another user: %v", missing),
			)
		}},
	}
}
