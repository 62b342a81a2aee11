package main

import (
	"encoding"
	"encoding/hex"
	"fmt"
	"strings"

	"tailscale.com/tka"
	"tailscale.com/types/key"
)

// The text forms of keys and hashes.

var _ = register("text.parse", typed(textParse))

type textRequest struct {
	Kind string `json:"kind"`
	Text string `json:"text"`
}

// textAnswer gives a key's bytes, its text as Go would write it, and for a public
// lock key the form that the command line shows.
type textAnswer struct {
	Bytes     []byte `json:"bytes"`
	Canonical string `json:"canonical"`
	CLI       string `json:"cli,omitempty"`
}

func textParse(req textRequest) (textAnswer, error) {
	switch req.Kind {
	case "nodekey":
		return parseHexKey(new(key.NodePublic), req.Text)
	case "mkey":
		return parseHexKey(new(key.MachinePublic), req.Text)
	case "discokey":
		return parseHexKey(new(key.DiscoPublic), req.Text)
	case "nlpriv":
		return parseHexKey(new(key.NLPrivate), req.Text)
	case "nlpub":
		k := new(key.NLPublic)
		out, err := parseHexKey(k, req.Text)
		if err == nil {
			out.CLI = k.CLIString()
		}
		return out, err
	case "aumhash":
		h, err := parseHash(req.Text)
		if err != nil {
			return textAnswer{}, err
		}
		return textAnswer{Bytes: h[:], Canonical: tka.AUMHash(h).String()}, nil
	}
	return textAnswer{}, fmt.Errorf("oracle: no such kind of text %q", req.Kind)
}

type textKey interface {
	encoding.TextMarshaler
	encoding.TextUnmarshaler
}

// parseHexKey reads a key whose text is a prefix and lower- or upper-case hex.
func parseHexKey(k textKey, text string) (textAnswer, error) {
	if err := k.UnmarshalText([]byte(text)); err != nil {
		return textAnswer{}, err
	}
	canonical, err := k.MarshalText()
	if err != nil {
		return textAnswer{}, err
	}
	_, digits, _ := strings.Cut(string(canonical), ":")
	raw, err := hex.DecodeString(digits)
	if err != nil {
		return textAnswer{}, err
	}
	return textAnswer{Bytes: raw, Canonical: string(canonical)}, nil
}
