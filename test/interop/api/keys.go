package main

import (
	"context"
	"net/url"
	"strings"
	"time"

	tailscale "tailscale.com/client/tailscale/v2"
)

func authKeyRequest() tailscale.CreateKeyRequest {
	request := tailscale.CreateKeyRequest{ExpirySeconds: 3600, Description: "of the suite"}
	request.Capabilities.Devices.Create.Reusable = true
	request.Capabilities.Devices.Create.Preauthorized = true
	request.Capabilities.Devices.Create.Tags = []string{"tag:api"}
	return request
}

func keySteps() []step {
	return []step{
		{method: "Keys.Create", run: func(ctx context.Context, c *tailscale.Client, _ scene) error {
			key, err := c.Keys().Create(ctx, authKeyRequest())
			if err != nil {
				return err
			}
			create := key.Capabilities.Devices.Create
			return all(
				that(strings.HasPrefix(key.Key, "tskey-auth-"), "Key is %q", key.Key),
				expect("KeyType", key.KeyType, "auth"),
				expect("Description", key.Description, "of the suite"),
				expect("the time to live", key.Expires.Sub(key.Created), time.Hour),
				expect("Tags", create.Tags, []string{"tag:api"}),
				expect("Reusable, Preauthorized, Ephemeral", []bool{create.Reusable, create.Preauthorized, create.Ephemeral}, []bool{true, true, false}),
			)
		}},
		{method: "Keys.CreateAuthKey", run: func(ctx context.Context, c *tailscale.Client, _ scene) error {
			key, err := c.Keys().CreateAuthKey(ctx, tailscale.CreateKeyRequest{})
			if err != nil {
				return err
			}
			return expect("the time to live", key.Expires.Sub(key.Created), 90*24*time.Hour)
		}},
		{method: "Keys.Get", run: func(ctx context.Context, c *tailscale.Client, _ scene) error {
			made, err := c.Keys().Create(ctx, authKeyRequest())
			if err != nil {
				return err
			}
			key, err := c.Keys().Get(ctx, made.ID)
			if err != nil {
				return err
			}
			_, missing := c.Keys().Get(ctx, "kNoneOfThem")
			return all(expect("ID", key.ID, made.ID), expect("Key", key.Key, ""), that(tailscale.IsNotFound(missing), "another key: %v", missing))
		}},
		{method: "Keys.List", run: func(ctx context.Context, c *tailscale.Client, _ scene) error {
			some, err := c.Keys().List(ctx, false)
			if err != nil {
				return err
			}
			keys, err := c.Keys().List(ctx, true)
			if err != nil {
				return err
			}
			return that(len(keys) >= 3 && len(some) <= len(keys), "%d keys, and %d of one's own", len(keys), len(some))
		}},
		{method: "Keys.Delete", run: func(ctx context.Context, c *tailscale.Client, _ scene) error {
			made, err := c.Keys().Create(ctx, authKeyRequest())
			if err != nil {
				return err
			}
			if err := c.Keys().Delete(ctx, made.ID); err != nil {
				return err
			}
			key, err := c.Keys().Get(ctx, made.ID)
			if err != nil {
				return err
			}
			return that(key.Invalid && !key.Revoked.IsZero(), "it is good still")
		}},
		{method: "Keys.CreateOAuthClient", run: useOAuthClient},
		{method: "Keys.SetOAuthClient", run: func(ctx context.Context, c *tailscale.Client, _ scene) error {
			made, err := c.Keys().CreateOAuthClient(ctx, tailscale.CreateOAuthClientRequest{Scopes: []string{"dns:read"}})
			if err != nil {
				return err
			}
			changed, err := c.Keys().SetOAuthClient(ctx, made.ID, tailscale.SetOAuthClientRequest{Scopes: []string{"dns"}, Description: "changed"})
			if err != nil {
				return err
			}
			return all(expect("Scopes", changed.Scopes, []string{"dns"}), expect("Description", changed.Description, "changed"))
		}},
	}
}

// useOAuthClient makes a client, and asks as that client, by the tokens that the package itself gets for it.
func useOAuthClient(ctx context.Context, c *tailscale.Client, in scene) error {
	made, err := c.Keys().CreateOAuthClient(ctx, tailscale.CreateOAuthClientRequest{Scopes: []string{"devices:core:read"}, Description: "reader"})
	if err != nil {
		return err
	}
	base, err := url.Parse(in.URL)
	if err != nil {
		return err
	}
	auth := &tailscale.OAuth{ClientID: made.ID, ClientSecret: made.Key, Scopes: []string{"devices:core:read"}}
	reader := &tailscale.Client{BaseURL: base, Auth: auth}
	devices, err := reader.Devices().List(ctx)
	if err != nil {
		return err
	}
	_, refusal := reader.DNS().Preferences(ctx)
	return all(
		that(strings.HasPrefix(made.Key, "tskey-client-"), "Key is %q", made.Key),
		expect("KeyType", made.KeyType, "client"),
		that(len(devices) > 0, "the client sees no device"),
		that(refusal != nil, "the client reads what its scopes do not cover"),
	)
}
