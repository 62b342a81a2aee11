package main

import (
	"fmt"
	"net/netip"
	"slices"

	"tailscale.com/tailcfg"
	"tailscale.com/types/key"
	"tailscale.com/types/netmap"
)

// The client's own rule for which peers it shows: not authorized, rotated out, or
// cloned nodes are dropped. It is reached where control's netmaps reach it, in a
// whole client; what it dropped is read from the status that `lock status` prints.

var _ = registerStep("peers", onAuthority(stepPeers))

type peerRequest struct {
	ID      int64  `json:"id"`
	NodeKey string `json:"nodeKey"`
	Sig     []byte `json:"sig"`
}

type peersRequest struct {
	Self  *nodeKeyRequest `json:"self"`
	Peers []peerRequest   `json:"peers"`
	// Mode is "full", one netmap with all peers, or "delta", a netmap with none
	// and then one delta that adds them all.
	Mode string `json:"mode"`
}

type peersAnswer struct {
	Visible    []int64 `json:"visible"`
	Filtered   []int64 `json:"filtered"`
	SelfSigned bool    `json:"selfSigned"`
}

// selfID is the client's own node; the request's peers may not use it.
const selfID = tailcfg.NodeID(1 << 52)

func stepPeers(n *node, req peersRequest) (peersAnswer, error) {
	self, peers, err := req.nodes()
	if err != nil {
		return peersAnswer{}, err
	}
	c, err := n.tailscaleClient()
	if err != nil {
		return peersAnswer{}, err
	}
	nm := &netmap.NetworkMap{
		SelfNode:   self,
		NodeKey:    self.Key(),
		TKAEnabled: true,
		TKAHead:    n.authority.Head(),
	}
	switch req.Mode {
	case "full":
		nm.Peers = peers
		c.setNetMap(nm)
	case "delta":
		c.setNetMap(nm)
		muts := make([]netmap.NodeMutation, len(peers))
		for i, p := range peers {
			muts[i] = netmap.NodeMutationUpsert{Node: p}
		}
		c.backend.UpdateNetmapDelta(muts)
	default:
		return peersAnswer{}, fmt.Errorf("oracle: no such mode %q", req.Mode)
	}
	return c.shown(n)
}

// shown says what the client shows and hides now.
func (c *client) shown(n *node) (peersAnswer, error) {
	status := c.backend.TailnetLockStatus()
	if !status.Enabled || status.Head == nil || *status.Head != [32]byte(n.authority.Head()) {
		return peersAnswer{}, fmt.Errorf("oracle: the client's lock is not at the node's head")
	}
	out := peersAnswer{Visible: []int64{}, Filtered: []int64{}, SelfSigned: status.NodeKeySigned}
	for _, p := range c.backend.ForTest().Peers() {
		out.Visible = append(out.Visible, int64(p.ID()))
	}
	for _, p := range status.FilteredPeers {
		out.Filtered = append(out.Filtered, int64(p.ID))
	}
	slices.Sort(out.Visible)
	slices.Sort(out.Filtered)
	return out, nil
}

// nodes makes the netmap's nodes; peers are in order of their ids, as in every netmap.
func (req peersRequest) nodes() (self tailcfg.NodeView, peers []tailcfg.NodeView, err error) {
	selfKey, selfSig := key.NewNode().Public(), []byte(nil)
	if req.Self != nil {
		if selfKey, err = parseNodeKey(req.Self.NodeKey); err != nil {
			return self, nil, err
		}
		selfSig = req.Self.Sig
	}
	self = netmapNode(selfID, selfKey, selfSig)
	for _, p := range req.Peers {
		k, err := parseNodeKey(p.NodeKey)
		if err != nil {
			return self, nil, err
		}
		peers = append(peers, netmapNode(tailcfg.NodeID(p.ID), k, p.Sig))
	}
	slices.SortFunc(peers, func(a, b tailcfg.NodeView) int { return int(a.ID() - b.ID()) })
	return self, peers, nil
}

func netmapNode(id tailcfg.NodeID, k key.NodePublic, sig []byte) tailcfg.NodeView {
	addr := netip.AddrFrom4([4]byte{100, 64 | byte(id>>16)&0x3f, byte(id >> 8), byte(id)})
	return (&tailcfg.Node{
		ID:                id,
		StableID:          tailcfg.StableNodeID(fmt.Sprintf("n%d", id)),
		Name:              fmt.Sprintf("n%d.example.ts.net.", id),
		User:              1,
		Key:               k,
		KeySignature:      sig,
		Addresses:         []netip.Prefix{netip.PrefixFrom(addr, 32)},
		AllowedIPs:        []netip.Prefix{netip.PrefixFrom(addr, 32)},
		MachineAuthorized: true,
		Hostinfo:          (&tailcfg.Hostinfo{}).View(),
	}).View()
}
