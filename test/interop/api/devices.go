package main

import (
	"context"
	"strings"

	tailscale "tailscale.com/client/tailscale/v2"
)

func deviceSteps() []step {
	return []step{
		{method: "Devices.List", run: listDevices},
		{method: "Devices.ListWithAllFields", run: func(ctx context.Context, c *tailscale.Client, in scene) error {
			devices, err := c.Devices().ListWithAllFields(ctx)
			if err != nil {
				return err
			}
			return all(
				expect("the number of devices", len(devices), len(in.Devices)),
				that(devices[0].AdvertisedRoutes != nil && devices[0].ClientConnectivity != nil, "fields are missing"),
			)
		}},
		{method: "Devices.Get", run: func(ctx context.Context, c *tailscale.Client, in scene) error {
			device, err := c.Devices().Get(ctx, in.Devices[0])
			if err != nil {
				return err
			}
			_, missing := c.Devices().Get(ctx, strings.Replace(in.Devices[0], "n", "n0", 1)[:11]+in.Devices[0][11:])
			return all(
				expect("NodeID", device.NodeID, in.Devices[0]),
				expect("AdvertisedRoutes", device.AdvertisedRoutes, nil),
				that(strings.HasPrefix(device.TailnetLockKey, "tlpub:"), "TailnetLockKey is %q", device.TailnetLockKey),
				that(device.TailnetLockError != "", "an unsigned device says nothing of the lock"),
				that(len(device.Addresses) == 2, "Addresses are %v", device.Addresses),
				that(!device.Created.IsZero() && !device.Expires.IsZero(), "times are missing"),
				that(tailscale.IsNotFound(missing), "another device: %v", missing),
			)
		}},
		{method: "Devices.GetWithAllFields", run: func(ctx context.Context, c *tailscale.Client, in scene) error {
			device, err := c.Devices().GetWithAllFields(ctx, in.Devices[1])
			if err != nil {
				return err
			}
			return all(
				expect("TailnetLockError", device.TailnetLockError, ""),
				that(device.EnabledRoutes != nil, "EnabledRoutes are missing"),
			)
		}},
		{method: "Devices.SetName", run: func(ctx context.Context, c *tailscale.Client, in scene) error {
			if err := c.Devices().SetName(ctx, in.Devices[1], "renamed"); err != nil {
				return err
			}
			device, err := c.Devices().Get(ctx, in.Devices[1])
			if err != nil {
				return err
			}
			return that(strings.HasPrefix(device.Name, "renamed."), "Name is %q", device.Name)
		}},
		{method: "Devices.SetTags", run: func(ctx context.Context, c *tailscale.Client, in scene) error {
			if err := c.Devices().SetTags(ctx, in.Devices[1], []string{"tag:api"}); err != nil {
				return err
			}
			tagged, err := c.Devices().List(ctx, tailscale.WithFilter("tags", []string{"tag:api"}))
			if err != nil {
				return err
			}
			return all(expect("the number of tagged devices", len(tagged), 1), expect("Tags", tagged[0].Tags, []string{"tag:api"}))
		}},
		{method: "Devices.SetKey", run: func(ctx context.Context, c *tailscale.Client, in scene) error {
			if err := c.Devices().SetKey(ctx, in.Devices[0], tailscale.DeviceKey{KeyExpiryDisabled: true}); err != nil {
				return err
			}
			device, err := c.Devices().Get(ctx, in.Devices[0])
			if err != nil {
				return err
			}
			return expect("KeyExpiryDisabled", device.KeyExpiryDisabled, true)
		}},
		{method: "Devices.SetAuthorized", run: func(ctx context.Context, c *tailscale.Client, in scene) error {
			return c.Devices().SetAuthorized(ctx, in.Devices[0], true)
		}},
		{method: "Devices.SubnetRoutes", run: func(ctx context.Context, c *tailscale.Client, in scene) error {
			routes, err := c.Devices().SubnetRoutes(ctx, in.Devices[0])
			if err != nil {
				return err
			}
			return expect("the routes", *routes, tailscale.DeviceRoutes{Advertised: []string{}, Enabled: []string{}})
		}},
		{method: "Devices.SetSubnetRoutes", refused: "no subnet is routed", run: func(ctx context.Context, c *tailscale.Client, in scene) error {
			if err := c.Devices().SetSubnetRoutes(ctx, in.Devices[0], []string{}); err != nil {
				return err
			}
			return c.Devices().SetSubnetRoutes(ctx, in.Devices[0], []string{"10.0.0.0/8"})
		}},
		{method: "Devices.SetIPv4Address", refused: "addresses follow from its place", run: func(ctx context.Context, c *tailscale.Client, in scene) error {
			return c.Devices().SetIPv4Address(ctx, in.Devices[0], "100.64.1.1")
		}},
		{method: "Devices.GetPostureAttributes", run: func(ctx context.Context, c *tailscale.Client, in scene) error {
			attributes, err := c.Devices().GetPostureAttributes(ctx, in.Devices[0])
			if err != nil {
				return err
			}
			return expect("node:os", attributes.Attributes["node:os"], any("linux"))
		}},
		{method: "Devices.SetPostureAttribute", refused: "no attributes of its own", run: func(ctx context.Context, c *tailscale.Client, in scene) error {
			return c.Devices().SetPostureAttribute(ctx, in.Devices[0], "custom:one", tailscale.DevicePostureAttributeRequest{Value: "x"})
		}},
		{method: "Devices.DeletePostureAttribute", refused: "no attributes of its own", run: func(ctx context.Context, c *tailscale.Client, in scene) error {
			return c.Devices().DeletePostureAttribute(ctx, in.Devices[0], "custom:one")
		}},
		{method: "Devices.Delete", run: func(ctx context.Context, c *tailscale.Client, in scene) error {
			gone := in.Devices[len(in.Devices)-1]
			if err := c.Devices().Delete(ctx, gone); err != nil {
				return err
			}
			_, err := c.Devices().Get(ctx, gone)
			return that(tailscale.IsNotFound(err), "it is still there: %v", err)
		}},
	}
}

func listDevices(ctx context.Context, c *tailscale.Client, in scene) error {
	devices, err := c.Devices().List(ctx)
	if err != nil {
		return err
	}
	one, err := c.Devices().List(ctx, tailscale.WithFilter("hostname", []string{devices[0].Hostname}))
	if err != nil {
		return err
	}
	return all(expect("the number of devices", len(devices), len(in.Devices)), expect("the number by hostname", len(one), 1))
}
