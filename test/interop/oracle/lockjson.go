package main

import (
	"fmt"
	"net/netip"

	"tailscale.com/ipn/ipnstate"
	"tailscale.com/tailcfg"
	"tailscale.com/tka"
	"tailscale.com/types/key"
)

// What `tailscale lock log --json` and `lock status --json` print, byte for byte.
// The two modules keep the encoders in different packages: lockjson_v*.go.

var (
	_ = register("json.log", typed(jsonLog))
	_ = register("json.status", typed(jsonStatus))
)

type jsonAnswer struct {
	JSON string `json:"json"`
}

// jsonLog takes AUMs newest first, as the command gets them.
func jsonLog(req aumsRequest) (jsonAnswer, error) {
	updates := make([]ipnstate.TailnetLockUpdate, len(req.AUMs))
	for i, raw := range req.AUMs {
		aum, err := decodeAUM(raw)
		if err != nil {
			return jsonAnswer{}, fmt.Errorf("decoding aums[%d]: %w", i, err)
		}
		updates[i] = ipnstate.TailnetLockUpdate{
			Hash:   aum.Hash(),
			Change: aum.MessageKind.String(),
			Raw:    aum.Serialize(),
		}
	}
	text, err := printLog(updates)
	return jsonAnswer{text}, err
}

type peerJSON struct {
	Name     string       `json:"name"`
	ID       int64        `json:"id"`
	StableID string       `json:"stableId"`
	IPs      []netip.Addr `json:"ips"`
	NodeKey  string       `json:"nodeKey"`
	Sig      []byte       `json:"sig"`
}

type statusJSON struct {
	Enabled          bool       `json:"enabled"`
	PublicKey        *string    `json:"publicKey"`
	NodeKey          *string    `json:"nodeKey"`
	Head             *string    `json:"head"`
	NodeKeySigned    bool       `json:"nodeKeySigned"`
	NodeKeySignature []byte     `json:"nodeKeySignature"`
	TrustedKeys      []keyJSON  `json:"trustedKeys"`
	VisiblePeers     []peerJSON `json:"visiblePeers"`
	FilteredPeers    []peerJSON `json:"filteredPeers"`
	StateID          string     `json:"stateId"`
}

func jsonStatus(req struct {
	Status statusJSON `json:"status"`
}) (jsonAnswer, error) {
	status, err := req.Status.status()
	if err != nil {
		return jsonAnswer{}, err
	}
	text, err := printStatus(status)
	return jsonAnswer{text}, err
}

// status makes what the client's local API would give the command.
func (s statusJSON) status() (*ipnstate.TailnetLockStatus, error) {
	out := &ipnstate.TailnetLockStatus{Enabled: s.Enabled, NodeKeySigned: s.NodeKeySigned}
	var err error
	if s.PublicKey != nil {
		if err := out.PublicKey.UnmarshalText([]byte(*s.PublicKey)); err != nil {
			return nil, err
		}
	}
	if s.NodeKey != nil {
		nodeKey, err := parseNodeKey(*s.NodeKey)
		if err != nil {
			return nil, err
		}
		out.NodeKey = &nodeKey
	}
	if s.Head != nil {
		head, err := parseHash(*s.Head)
		if err != nil {
			return nil, err
		}
		out.Head = (*[32]byte)(&head)
	}
	if s.NodeKeySignature != nil {
		out.NodeKeySignature = new(tka.NodeKeySignature)
		if err := out.NodeKeySignature.Unserialize(s.NodeKeySignature); err != nil {
			return nil, err
		}
	}
	for _, k := range s.TrustedKeys {
		out.TrustedKeys = append(out.TrustedKeys, ipnstate.TKAKey{
			Kind:     tka.KeyKind(k.Kind).String(),
			Key:      key.NLPublicFromEd25519Unsafe(k.Public),
			Metadata: k.Meta,
			Votes:    k.Votes,
		})
	}
	if out.VisiblePeers, err = peersFromJSON(s.VisiblePeers); err != nil {
		return nil, err
	}
	if out.FilteredPeers, err = peersFromJSON(s.FilteredPeers); err != nil {
		return nil, err
	}
	out.StateID, err = parseUint64(s.StateID)
	return out, err
}

func peersFromJSON(peers []peerJSON) ([]*ipnstate.TKAPeer, error) {
	var out []*ipnstate.TKAPeer
	for i, p := range peers {
		nodeKey, err := parseNodeKey(p.NodeKey)
		if err != nil {
			return nil, fmt.Errorf("peers[%d]: %w", i, err)
		}
		peer := &ipnstate.TKAPeer{
			Name:         p.Name,
			ID:           tailcfg.NodeID(p.ID),
			StableID:     tailcfg.StableNodeID(p.StableID),
			TailscaleIPs: p.IPs,
			NodeKey:      nodeKey,
		}
		if p.Sig != nil {
			if err := peer.NodeKeySignature.Unserialize(p.Sig); err != nil {
				return nil, fmt.Errorf("peers[%d]: %w", i, err)
			}
		}
		out = append(out, peer)
	}
	return out, nil
}
