package main

import (
	"context"
	"strings"

	tailscale "tailscale.com/client/tailscale/v2"
)

// policyText is human JSON, with a comment and a comma too many.
const policyText = `// of the suite
{
	"tagOwners": {"tag:api": ["autogroup:admin"]},
	"grants": [{"src": ["*"], "dst": ["*"], "ip": ["*"]}],
}
`

func policySteps() []step {
	return []step{
		{method: "PolicyFile.Set", run: func(ctx context.Context, c *tailscale.Client, _ scene) error {
			if err := c.PolicyFile().Set(ctx, policyText, ""); err != nil {
				return err
			}
			stale := c.PolicyFile().Set(ctx, policyText+"\n", "another")
			bad := c.PolicyFile().Set(ctx, `{"grants": 1}`, "")
			return all(that(stale != nil, "a policy that has changed is overwritten"), that(bad != nil, "a bad policy is taken"))
		}},
		{method: "PolicyFile.Raw", run: func(ctx context.Context, c *tailscale.Client, _ scene) error {
			raw, err := c.PolicyFile().Raw(ctx)
			if err != nil {
				return err
			}
			return all(expect("HuJSON", raw.HuJSON, policyText), that(raw.ETag != "", "it has no ETag"))
		}},
		{method: "PolicyFile.Get", run: func(ctx context.Context, c *tailscale.Client, _ scene) error {
			acl, err := c.PolicyFile().Get(ctx)
			if err != nil {
				return err
			}
			return expect("TagOwners", acl.TagOwners, map[string][]string{"tag:api": {"autogroup:admin"}})
		}},
		{method: "PolicyFile.Validate", run: validatePolicy},
		{method: "PolicyFile.SetAndGet", run: func(ctx context.Context, c *tailscale.Client, _ scene) error {
			before, err := c.PolicyFile().Get(ctx)
			if err != nil {
				return err
			}
			etag := before.ETag
			before.Groups = map[string][]string{"group:none": {}}
			after, err := c.PolicyFile().SetAndGet(ctx, *before, etag)
			if err != nil {
				return err
			}
			return all(expect("Groups", after.Groups, before.Groups), that(after.ETag != etag, "the ETag stays"))
		}},
	}
}

// validatePolicy has a good file, a bad one and one whose tests fail looked at, and tests of the policy that is in force.
func validatePolicy(ctx context.Context, c *tailscale.Client, in scene) error {
	bad := c.PolicyFile().Validate(ctx, `{"grants": 1}`)
	denied := tailscale.ACL{Tests: []tailscale.ACLTest{{Source: in.Owner, Deny: []string{"tag:api:22"}}}}
	denied.TagOwners = map[string][]string{"tag:api": {"autogroup:admin"}}
	failing := c.PolicyFile().Validate(ctx, denied)
	return all(
		c.PolicyFile().Validate(ctx, policyText),
		that(bad != nil && strings.Contains(bad.Error(), "grants"), "a bad policy: %v", bad),
		that(failing != nil && strings.Contains(failing.Error(), "test(s) failed"), "a policy whose tests fail: %v", failing),
		c.PolicyFile().Validate(ctx, []tailscale.ACLTest{{Source: in.Owner, Accept: []string{"tag:api:22"}}}),
		that(c.PolicyFile().Validate(ctx, denied.Tests) != nil, "tests of the policy in force that fail pass"),
	)
}
