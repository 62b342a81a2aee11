package main

import (
	"errors"
	"runtime/debug"
	"strconv"

	"tailscale.com/tka"
)

// The parsers, the hashes, static validation and the fork weight.

var (
	_ = register("version", typed(version))
	_ = register("aum.decode", typed(aumDecode))
	_ = register("nks.decode", typed(nksDecode))
	_ = register("weight", typed(weight))
	_ = register("offer.parse", typed(offerParse))
)

type versionAnswer struct {
	Module string `json:"module"`
	Go     string `json:"go"`
}

func version(empty) (versionAnswer, error) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return versionAnswer{}, errors.New("oracle: built without module information")
	}
	for _, dep := range info.Deps {
		if dep.Path == "tailscale.com" {
			return versionAnswer{Module: dep.Version, Go: info.GoVersion}, nil
		}
	}
	return versionAnswer{}, errors.New("oracle: tailscale.com is not among the dependencies")
}

type bytesRequest struct {
	Bytes []byte `json:"bytes"`
}

type aumAnswer struct {
	Serialized []byte `json:"serialized"`
	Hash       string `json:"hash"`
	SigHash    []byte `json:"sigHash"`
	Kind       uint8  `json:"kind"`
	Parent     []byte `json:"parent"`
	Valid      bool   `json:"valid"`
	Why        string `json:"why"`
}

func aumDecode(req bytesRequest) (aumAnswer, error) {
	aum, err := decodeAUM(req.Bytes)
	if err != nil {
		return aumAnswer{}, err
	}
	sigHash := aum.SigHash()
	out := aumAnswer{
		Serialized: aum.Serialize(),
		Hash:       aum.Hash().String(),
		SigHash:    sigHash[:],
		Kind:       uint8(aum.MessageKind),
		Parent:     aum.PrevAUMHash,
		Valid:      true,
	}
	if err := aum.StaticValidate(); err != nil {
		out.Valid, out.Why = false, err.Error()
	}
	return out, nil
}

type nksAnswer struct {
	Serialized []byte `json:"serialized"`
	SigHash    []byte `json:"sigHash"`
	Kind       uint8  `json:"kind"`
	KeyID      []byte `json:"keyId"`
	Wrapping   []byte `json:"wrapping"`
	Text       string `json:"text"`
}

func nksDecode(req bytesRequest) (nksAnswer, error) {
	var sig tka.NodeKeySignature
	if err := sig.Unserialize(req.Bytes); err != nil {
		return nksAnswer{}, err
	}
	sigHash := sig.SigHash()
	out := nksAnswer{
		Serialized: sig.Serialize(),
		SigHash:    sigHash[:],
		Kind:       uint8(sig.SigKind),
		Text:       sig.String(),
	}
	if id, err := sig.UnverifiedAuthorizingKeyID(); err == nil {
		out.KeyID = id
	}
	if pub, ok := sig.UnverifiedWrappingPublic(); ok {
		out.Wrapping = pub
	}
	return out, nil
}

type weightRequest struct {
	AUM        []byte `json:"aum"`
	Checkpoint []byte `json:"checkpoint"`
}

type weightAnswer struct {
	Weight string `json:"weight"`
}

// weight weighs an AUM by the state inside a checkpoint, which need not be valid.
func weight(req weightRequest) (weightAnswer, error) {
	aum, err := decodeAUM(req.AUM)
	if err != nil {
		return weightAnswer{}, err
	}
	checkpoint, err := decodeAUM(req.Checkpoint)
	if err != nil {
		return weightAnswer{}, err
	}
	if checkpoint.State == nil {
		return weightAnswer{}, errors.New("oracle: the checkpoint carries no state")
	}
	w := aum.Weight(*checkpoint.State)
	return weightAnswer{Weight: strconv.FormatUint(uint64(w), 10)}, nil
}

type offerJSON struct {
	Head      string   `json:"head"`
	Ancestors []string `json:"ancestors"`
}

func offerParse(req offerJSON) (offerJSON, error) {
	offer, err := tka.ToSyncOffer(req.Head, req.Ancestors)
	if err != nil {
		return offerJSON{}, err
	}
	return offerToJSON(offer)
}

func offerToJSON(offer tka.SyncOffer) (offerJSON, error) {
	head, ancestors, err := tka.FromSyncOffer(offer)
	if err != nil {
		return offerJSON{}, err
	}
	if ancestors == nil {
		ancestors = []string{}
	}
	return offerJSON{Head: head, Ancestors: ancestors}, nil
}
