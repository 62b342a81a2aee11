package main

import (
	"fmt"

	"tailscale.com/tka"
	"tailscale.com/types/tkatype"
)

// Steps that make AUMs: a genesis, updates, a retroactive revocation.

var (
	_ = registerStep("create", onNode(stepCreate))
	_ = registerStep("build", onAuthority(stepBuild))
	_ = registerStep("revoke", onAuthority(stepRevoke))
)

type createRequest struct {
	State stateJSON `json:"state"`
	Priv  string    `json:"priv"`
}

type genesisAnswer struct {
	Genesis []byte `json:"genesis"`
}

func stepCreate(n *node, req createRequest) (genesisAnswer, error) {
	state, err := req.State.state()
	if err != nil {
		return genesisAnswer{}, err
	}
	signer, err := parseNLPrivate(req.Priv)
	if err != nil {
		return genesisAnswer{}, err
	}
	authority, genesis, err := tka.Create(n.chonk, state, signer)
	if err != nil {
		return genesisAnswer{}, err
	}
	n.authority = authority
	return genesisAnswer{genesis.Serialize()}, nil
}

type buildOp struct {
	Op    string            `json:"op"`
	Key   keyJSON           `json:"key"`
	KeyID []byte            `json:"keyId"`
	Votes uint              `json:"votes"`
	Meta  map[string]string `json:"meta"`
}

type buildRequest struct {
	Priv string    `json:"priv"`
	Ops  []buildOp `json:"ops"`
}

// stepBuild makes signed updates; the node itself is not informed of them.
func stepBuild(n *node, req buildRequest) (aumsAnswer, error) {
	signer, err := parseNLPrivate(req.Priv)
	if err != nil {
		return aumsAnswer{}, err
	}
	builder := n.authority.NewUpdater(signer)
	for i, op := range req.Ops {
		if err := applyBuildOp(builder, op); err != nil {
			return aumsAnswer{}, fmt.Errorf("ops[%d]: %w", i, err)
		}
	}
	aums, err := builder.Finalize(n.chonk)
	if err != nil {
		return aumsAnswer{}, err
	}
	return aumsAnswer{serializeAUMs(aums)}, nil
}

func applyBuildOp(builder *tka.UpdateBuilder, op buildOp) error {
	id := tkatype.KeyID(op.KeyID)
	switch op.Op {
	case "add":
		return builder.AddKey(op.Key.key())
	case "remove":
		return builder.RemoveKey(id)
	case "votes":
		return builder.SetKeyVote(id, op.Votes)
	case "meta":
		return builder.SetKeyMeta(id, op.Meta)
	}
	return fmt.Errorf("oracle: no such build operation %q", op.Op)
}

type revokeRequest struct {
	RemoveKeys [][]byte `json:"removeKeys"`
	OurKey     []byte   `json:"ourKey"`
	ForkFrom   string   `json:"forkFrom"`
}

type aumAnswerBytes struct {
	AUM []byte `json:"aum"`
}

// stepRevoke makes an unsigned revocation; no forkFrom has Go find the fork point.
func stepRevoke(n *node, req revokeRequest) (aumAnswerBytes, error) {
	var forkFrom tka.AUMHash
	if req.ForkFrom != "" {
		var err error
		if forkFrom, err = parseHash(req.ForkFrom); err != nil {
			return aumAnswerBytes{}, err
		}
	}
	aum, err := n.authority.MakeRetroactiveRevocation(n.chonk, keyIDs(req.RemoveKeys), req.OurKey, forkFrom)
	if err != nil {
		return aumAnswerBytes{}, err
	}
	return aumAnswerBytes{aum.Serialize()}, nil
}
