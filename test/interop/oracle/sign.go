package main

import (
	"tailscale.com/tka"
	"tailscale.com/types/logger"
)

// What makes node-key signatures, and the text of a wrapped auth key.

var (
	_ = register("resign", typed(resign))
	_ = register("signByCredential", typed(signByCredential))
	_ = register("wrapped.decode", typed(wrappedDecode))
)

type sigAnswer struct {
	Sig []byte `json:"sig"`
}

func resign(req struct {
	Priv    string `json:"priv"`
	NodeKey string `json:"nodeKey"`
	Old     []byte `json:"old"`
}) (sigAnswer, error) {
	priv, err := parseNLPrivate(req.Priv)
	if err != nil {
		return sigAnswer{}, err
	}
	nodeKey, err := parseNodeKey(req.NodeKey)
	if err != nil {
		return sigAnswer{}, err
	}
	sig, err := tka.ResignNKS(*priv, nodeKey, req.Old)
	return sigAnswer{sig}, err
}

// signByCredential panics, as Go does, on a private key that is not 64 bytes.
func signByCredential(req struct {
	Priv    []byte `json:"priv"`
	Wrapped []byte `json:"wrapped"`
	NodeKey string `json:"nodeKey"`
}) (sigAnswer, error) {
	var wrapped tka.NodeKeySignature
	if err := wrapped.Unserialize(req.Wrapped); err != nil {
		return sigAnswer{}, err
	}
	nodeKey, err := parseNodeKey(req.NodeKey)
	if err != nil {
		return sigAnswer{}, err
	}
	sig, err := tka.SignByCredential(req.Priv, &wrapped, nodeKey)
	return sigAnswer{sig}, err
}

type wrappedAnswer struct {
	AuthKey   string `json:"authKey"`
	IsWrapped bool   `json:"isWrapped"`
	Sig       []byte `json:"sig"`
	Priv      []byte `json:"priv"`
}

func wrappedDecode(req struct {
	Text string `json:"text"`
}) (wrappedAnswer, error) {
	authKey, isWrapped, sig, priv := tka.DecodeWrappedAuthkey(req.Text, logger.Discard)
	out := wrappedAnswer{AuthKey: authKey, IsWrapped: isWrapped, Priv: priv}
	if sig != nil {
		out.Sig = sig.Serialize()
	}
	return out, nil
}
