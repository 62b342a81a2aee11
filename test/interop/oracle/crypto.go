package main

import (
	"crypto/ed25519"
	"fmt"

	"github.com/hdevalence/ed25519consensus"
	"tailscale.com/tka"
)

// The two Ed25519 rules and the disablement KDF.

var (
	_ = register("ed25519.verify", typed(ed25519Verify))
	_ = register("kdf", typed(kdf))
)

type ed25519Request struct {
	Rule string `json:"rule"`
	Pub  []byte `json:"pub"`
	Msg  []byte `json:"msg"`
	Sig  []byte `json:"sig"`
}

type okAnswer struct {
	OK bool `json:"ok"`
}

// ed25519Verify answers by ZIP-215 or by Go's standard library. The library
// panics on a public key of another length, and so does this.
func ed25519Verify(req ed25519Request) (okAnswer, error) {
	switch req.Rule {
	case "zip215":
		return okAnswer{ed25519consensus.Verify(req.Pub, req.Msg, req.Sig)}, nil
	case "std":
		return okAnswer{ed25519.Verify(req.Pub, req.Msg, req.Sig)}, nil
	}
	return okAnswer{}, fmt.Errorf("oracle: no such rule %q", req.Rule)
}

type secretRequest struct {
	Secret []byte `json:"secret"`
}

type valueAnswer struct {
	Value []byte `json:"value"`
}

func kdf(req secretRequest) (valueAnswer, error) {
	return valueAnswer{tka.DisablementKDF(req.Secret)}, nil
}
