// One node as the load program plays it: its keys, its Noise connection, its
// registration, its map stream and the updates that it sends of itself. It sits on
// control/ts2021, the connection that control/tsp and tailscaled use, since
// control/tsp hides the socket, on which bytes are counted, and sends no endpoints.

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"tailscale.com/control/ts2021"
	"tailscale.com/net/tsdial"
	"tailscale.com/tailcfg"
	"tailscale.com/types/key"
	"tailscale.com/types/logger"
)

// The control server under load.
type control struct {
	url     string
	key     key.MachinePublic
	authKey string
}

type client struct {
	control *control
	name    string
	machine key.MachinePrivate
	node    key.NodePrivate
	disco   key.DiscoPrivate
	at      atomic.Pointer[netip.AddrPort] // its endpoint
	conn    *ts2021.Client
	read    atomic.Int64 // bytes off its sockets
}

func newClient(c *control, index int) *client {
	made := &client{
		control: c,
		name:    fmt.Sprintf("load-%d-%d", time.Now().Unix()%100000, index),
		machine: key.NewMachine(),
		node:    key.NewNode(),
		disco:   key.NewDisco(),
	}
	made.moveTo(index, 0)
	return made
}

// moveTo gives it an endpoint that no other client has and that it had in no other round.
func (c *client) moveTo(index, round int) netip.AddrPort {
	address := netip.AddrFrom4([4]byte{10, byte(round), byte(index >> 8), byte(index)})
	at := netip.AddrPortFrom(address, 41641)
	c.at.Store(&at)
	return at
}

func (c *client) hostinfo() *tailcfg.Hostinfo {
	return &tailcfg.Hostinfo{
		OS: "linux", OSVersion: "6.1", Hostname: c.name, IPNVersion: "1.102.5", GoArch: "amd64",
		NetInfo: &tailcfg.NetInfo{PreferredDERP: 1},
	}
}

type countingConn struct {
	net.Conn
	read *atomic.Int64
}

func (c countingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.read.Add(int64(n))
	return n, err
}

// connect gives it a new connection, opened by the first request. A running stream ends.
func (c *client) connect() error {
	c.close()
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return countingConn{conn, &c.read}, nil
	}
	conn, err := ts2021.NewClient(ts2021.ClientOpts{
		ServerURL:    c.control.url,
		PrivKey:      c.machine,
		ServerPubKey: c.control.key,
		Dialer:       tsdial.NewFromFuncForDebug(logger.Discard, dial),
		Logf:         logger.Discard,
	})
	c.conn = conn
	return err
}

func (c *client) close() {
	if c.conn != nil {
		c.conn.Close()
	}
	c.conn = nil
}

// post sends a request as tailscaled does. The caller closes the body.
func (c *client) post(ctx context.Context, path string, body any) (*http.Response, error) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	url := strings.Replace(c.control.url, "http:", "https:", 1) + path
	request, err := http.NewRequestWithContext(ctx, "POST", url, bytes.NewReader(encoded))
	if err != nil {
		return nil, err
	}
	ts2021.AddLBHeader(request, c.node.Public())
	response, err := c.conn.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(io.LimitReader(response.Body, 300))
		response.Body.Close()
		return nil, fmt.Errorf("%s: http %d: %s", path, response.StatusCode, strings.TrimSpace(string(said)))
	}
	return response, nil
}

// register joins the tailnet with the auth key, over a connection of its own.
func (c *client) register(ctx context.Context) error {
	response, err := c.post(ctx, "/machine/register", tailcfg.RegisterRequest{
		Version:  tailcfg.CurrentCapabilityVersion,
		NodeKey:  c.node.Public(),
		Hostinfo: c.hostinfo(),
		Auth:     &tailcfg.RegisterResponseAuth{AuthKey: c.control.authKey},
	})
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var answer tailcfg.RegisterResponse
	if err := json.NewDecoder(io.LimitReader(response.Body, maxFrame)).Decode(&answer); err != nil {
		return fmt.Errorf("register: %w", err)
	}
	if answer.Error != "" {
		return fmt.Errorf("register: %s", answer.Error)
	}
	if !answer.MachineAuthorized {
		return fmt.Errorf("register: not authorized (login at %q)", answer.AuthURL)
	}
	return nil
}

// report tells where it is now, in the form that leaves a stream alone.
func (c *client) report(ctx context.Context) error {
	response, err := c.post(ctx, "/machine/map", tailcfg.MapRequest{
		Version:       tailcfg.CurrentCapabilityVersion,
		NodeKey:       c.node.Public(),
		DiscoKey:      c.disco.Public(),
		Hostinfo:      c.hostinfo(),
		Endpoints:     []netip.AddrPort{*c.at.Load()},
		EndpointTypes: []tailcfg.EndpointType{tailcfg.EndpointLocal},
		Compress:      "zstd",
		OmitPeers:     true,
	})
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return err
}

// openStream asks for the map and gives the body that its frames arrive in.
func (c *client) openStream(ctx context.Context) (io.ReadCloser, error) {
	response, err := c.post(ctx, "/machine/map", tailcfg.MapRequest{
		Version:   tailcfg.CurrentCapabilityVersion,
		NodeKey:   c.node.Public(),
		DiscoKey:  c.disco.Public(),
		Hostinfo:  c.hostinfo(),
		Stream:    true,
		KeepAlive: true,
		Compress:  "zstd",
	})
	if err != nil {
		return nil, err
	}
	return response.Body, nil
}
