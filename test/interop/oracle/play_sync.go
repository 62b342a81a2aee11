package main

import (
	"encoding/json"

	"tailscale.com/tka"
)

// Steps of the sync between two authorities.

var (
	_ = registerStep("offer", onAuthority(stepOffer))
	_ = registerStep("missing", onAuthority(stepMissing))
	_ = registerStep("sync", stepSync)
)

func stepOffer(n *node, _ empty) (offerJSON, error) {
	offer, err := n.authority.SyncOffer(n.chonk)
	if err != nil {
		return offerJSON{}, err
	}
	return offerToJSON(offer)
}

type aumsAnswer struct {
	AUMs [][]byte `json:"aums"`
}

func stepMissing(n *node, req offerJSON) (aumsAnswer, error) {
	offer, err := tka.ToSyncOffer(req.Head, req.Ancestors)
	if err != nil {
		return aumsAnswer{}, err
	}
	aums, err := n.authority.MissingAUMs(n.chonk, offer)
	if err != nil {
		return aumsAnswer{}, err
	}
	return aumsAnswer{serializeAUMs(aums)}, nil
}

type syncAnswer struct {
	AUMs []string `json:"aums"`
	Head string   `json:"head"`
}

// stepSync brings one node what another has: one direction of what a client and
// its control do.
func stepSync(p *play, body json.RawMessage) (any, error) {
	return typed(func(req struct {
		From string `json:"from"`
		To   string `json:"to"`
	}) (syncAnswer, error) {
		from, to := p.node(req.From), p.node(req.To)
		if from.authority == nil || to.authority == nil {
			return syncAnswer{}, errNoAuthority
		}
		offer, err := to.authority.SyncOffer(to.chonk)
		if err != nil {
			return syncAnswer{}, err
		}
		aums, err := from.authority.MissingAUMs(from.chonk, offer)
		if err != nil {
			return syncAnswer{}, err
		}
		if len(aums) > 0 {
			if err := to.authority.Inform(to.chonk, aums); err != nil {
				return syncAnswer{}, err
			}
		}
		return syncAnswer{AUMs: hashesOf(aums), Head: to.authority.Head().String()}, nil
	})(body)
}
