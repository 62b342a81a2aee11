package main

import (
	"bytes"
	"encoding/json"
	"fmt"

	"tailscale.com/tailcfg"
)

// What a client makes of the control plane's answers: decoded as it decodes them, but
// with unknown fields refused, and encoded again.

var _ = register("wire.decode", typed(wireDecode))

type wireRequest struct {
	// Type is a name in wireTypes.
	Type string `json:"type"`
	JSON string `json:"json"`
}

var wireTypes = map[string]func() any{
	"MapResponse":      func() any { return new(tailcfg.MapResponse) },
	"RegisterResponse": func() any { return new(tailcfg.RegisterResponse) },
	"initBegin":        func() any { return new(tailcfg.TKAInitBeginResponse) },
	"bootstrap":        func() any { return new(tailcfg.TKABootstrapResponse) },
	"syncOffer":        func() any { return new(tailcfg.TKASyncOfferResponse) },
	"syncSend":         func() any { return new(tailcfg.TKASyncSendResponse) },
	"affectedSigs":     func() any { return new(tailcfg.TKASignaturesUsingKeyResponse) },
}

func wireDecode(req wireRequest) (jsonAnswer, error) {
	make, ok := wireTypes[req.Type]
	if !ok {
		return jsonAnswer{}, fmt.Errorf("oracle: no such type %q", req.Type)
	}
	value := make()
	dec := json.NewDecoder(bytes.NewReader([]byte(req.JSON)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(value); err != nil {
		return jsonAnswer{}, err
	}
	out, err := json.Marshal(value)
	return jsonAnswer{JSON: string(out)}, err
}
