package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"tailscale.com/control/controlclient"
	"tailscale.com/ipn"
	"tailscale.com/ipn/ipnlocal"
	"tailscale.com/ipn/store/mem"
	"tailscale.com/tailcfg"
	"tailscale.com/tka"
	"tailscale.com/tsd"
	"tailscale.com/types/key"
	"tailscale.com/types/logger"
	"tailscale.com/types/logid"
	"tailscale.com/types/netmap"
	"tailscale.com/types/persist"
	"tailscale.com/util/eventbus"
	"tailscale.com/wgengine"
)

// silentControl is a control client that says nothing of itself: the statuses and
// deltas come from us.
type silentControl struct{}

func (*silentControl) Shutdown()                          {}
func (*silentControl) Login(controlclient.LoginFlags)     {}
func (*silentControl) Logout(context.Context) error       { return nil }
func (*silentControl) SetPaused(bool)                     {}
func (*silentControl) AuthCantContinue() bool             { return false }
func (*silentControl) SetHostinfo(*tailcfg.Hostinfo)      {}
func (*silentControl) SetNetInfo(*tailcfg.NetInfo)        {}
func (*silentControl) SetTKAHead(string)                  {}
func (*silentControl) UpdateEndpoints([]tailcfg.Endpoint) {}
func (*silentControl) SetDiscoPublicKey(key.DiscoPublic)  {}
func (*silentControl) SetIPForwardingBroken(bool)         {}
func (*silentControl) ClientID() int64                    { return 1 }

// client is Tailscale's own client, logged in, with a tailnet lock in its state
// directory, on an engine that moves no packets.
type client struct {
	backend *ipnlocal.LocalBackend
	control *silentControl
	engine  wgengine.Engine
	bus     *eventbus.Bus
	dir     string
	at      string // what the lock was read from, as text to compare
}

// newClient starts a client whose lock is what the Chonk holds.
func newClient(chonk tka.CompactableChonk) (*client, error) {
	dir, err := scratchDir()
	if err != nil {
		return nil, err
	}
	c := &client{control: &silentControl{}, dir: dir}
	ready := false
	defer func() {
		if !ready {
			c.close()
		}
	}()
	if err := c.startBackend(); err != nil {
		return nil, err
	}
	c.logIn()
	id := c.backend.CurrentProfile().ID()
	if id == "" {
		return nil, errors.New("oracle: the client has no profile")
	}
	if err := copyChonk(chonk, filepath.Join(dir, "tka-profiles", string(id))); err != nil {
		return nil, err
	}
	ready = true
	return c, nil
}

func (c *client) startBackend() error {
	sys := tsd.NewSystem()
	c.bus = sys.Bus.Get()
	sys.Set(new(mem.Store))
	engine, err := wgengine.NewFakeUserspaceEngine(
		logger.Discard, sys.Set, sys.HealthTracker.Get(), sys.UserMetricsRegistry(), c.bus)
	if err != nil {
		return err
	}
	c.engine = engine
	sys.Set(engine)
	c.backend, err = ipnlocal.NewLocalBackend(logger.Discard, logid.PublicID{}, sys, 0)
	if err != nil {
		return err
	}
	c.backend.SetVarRoot(c.dir)
	c.backend.ForTest().SetControlClientGetter(func(controlclient.Options) (controlclient.Client, error) {
		return c.control, nil
	})
	return c.backend.Start(ipn.Options{})
}

// logIn gives the client a profile, which names its lock's directory.
func (c *client) logIn() {
	p := persist.Persist{
		PrivateNodeKey: key.NewNode(),
		NetworkLockKey: key.NewNLPrivate(),
		UserProfile:    tailcfg.UserProfile{ID: 1, LoginName: "user@example.com"},
		NodeID:         "self",
	}
	c.backend.SetControlClientStatus(c.control, controlclient.Status{LoggedIn: true, Persist: p.View()})
}

// setNetMap hands the client a whole netmap, as a control client does.
func (c *client) setNetMap(nm *netmap.NetworkMap) {
	c.backend.SetControlClientStatus(c.control, controlclient.Status{LoggedIn: true, NetMap: nm})
}

func (c *client) close() {
	if c.backend != nil {
		c.backend.Shutdown()
	}
	if c.engine != nil {
		c.engine.Close()
	}
	if c.bus != nil {
		c.bus.Close()
	}
	os.RemoveAll(c.dir)
}

// copyChonk writes all that a Chonk holds into a directory.
func copyChonk(from tka.CompactableChonk, dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return err
	}
	to, err := tka.ChonkDir(dir)
	if err != nil {
		return err
	}
	hashes, err := from.AllAUMs()
	if err != nil {
		return err
	}
	aums := make([]tka.AUM, len(hashes))
	for i, h := range hashes {
		if aums[i], err = from.AUM(h); err != nil {
			return err
		}
	}
	if err := to.CommitVerifiedAUMs(aums); err != nil {
		return err
	}
	ancestor, err := from.LastActiveAncestor()
	if err != nil || ancestor == nil {
		return err
	}
	return to.SetLastActiveAncestor(*ancestor)
}

// tailscaleClient is the node's client with what the node's Chonk holds now. It is
// kept as long as that stays the same.
func (n *node) tailscaleClient() (*client, error) {
	stored, err := stepStored(n, empty{})
	if err != nil {
		return nil, err
	}
	at := fmt.Sprint(n.authority.Head(), stored.Stored)
	if n.client != nil && n.client.at == at {
		return n.client, nil
	}
	n.closeClient()
	c, err := newClient(n.chonk)
	if err != nil {
		return nil, err
	}
	c.at, n.client = at, c
	return c, nil
}

func (n *node) closeClient() {
	if n.client != nil {
		n.client.close()
		n.client = nil
	}
}
