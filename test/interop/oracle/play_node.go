package main

import (
	"tailscale.com/tka"
)

// Steps that ask an authority about node keys, keys, secrets and deep links.

var (
	_ = registerStep("authorized", onAuthority(stepAuthorized))
	_ = registerStep("disablement", onAuthority(stepDisablement))
	_ = registerStep("trusted", onAuthority(stepTrusted))
	_ = registerStep("deeplink.make", onAuthority(stepDeeplinkMake))
	_ = registerStep("deeplink.validate", onAuthority(stepDeeplinkValidate))
)

type nodeKeyRequest struct {
	NodeKey string `json:"nodeKey"`
	Sig     []byte `json:"sig"`
}

type authorizedAnswer struct {
	PrevNodeKeys    []string `json:"prevNodeKeys"`
	InitialKind     *uint8   `json:"initialKind"`
	InitialWrapping []byte   `json:"initialWrapping"`
}

// stepAuthorized errs where the node key is not authorized. The details are those
// of a rotation; of another kind there are none.
func stepAuthorized(n *node, req nodeKeyRequest) (authorizedAnswer, error) {
	nodeKey, err := parseNodeKey(req.NodeKey)
	if err != nil {
		return authorizedAnswer{}, err
	}
	details, err := n.authority.NodeKeyAuthorizedWithDetails(nodeKey, req.Sig)
	if err != nil {
		return authorizedAnswer{}, err
	}
	out := authorizedAnswer{PrevNodeKeys: []string{}}
	if details == nil {
		return out, nil
	}
	for _, k := range details.PrevNodeKeys {
		out.PrevNodeKeys = append(out.PrevNodeKeys, k.String())
	}
	kind := uint8(details.InitialSig.SigKind)
	out.InitialKind = &kind
	out.InitialWrapping = details.InitialSig.WrappingPubkey
	return out, nil
}

type validAnswer struct {
	Valid bool `json:"valid"`
}

func stepDisablement(n *node, req secretRequest) (validAnswer, error) {
	return validAnswer{n.authority.ValidDisablement(req.Secret)}, nil
}

type trustedAnswer struct {
	Trusted bool `json:"trusted"`
}

func stepTrusted(n *node, req struct {
	KeyID []byte `json:"keyId"`
}) (trustedAnswer, error) {
	return trustedAnswer{n.authority.KeyTrusted(req.KeyID)}, nil
}

type deeplinkRequest struct {
	Params struct {
		NodeKey    string `json:"nodeKey"`
		TLPub      string `json:"tlPub"`
		DeviceName string `json:"deviceName"`
		OSName     string `json:"osName"`
		LoginName  string `json:"loginName"`
	} `json:"params"`
}

type urlJSON struct {
	URL string `json:"url"`
}

func stepDeeplinkMake(n *node, req deeplinkRequest) (urlJSON, error) {
	url, err := n.authority.NewDeeplink(tka.NewDeeplinkParams{
		NodeKey:    req.Params.NodeKey,
		TLPub:      req.Params.TLPub,
		DeviceName: req.Params.DeviceName,
		OSName:     req.Params.OSName,
		LoginName:  req.Params.LoginName,
	})
	return urlJSON{url}, err
}

type deeplinkAnswer struct {
	Valid        bool   `json:"valid"`
	Error        string `json:"error"`
	Version      uint8  `json:"version"`
	NodeKey      string `json:"nodeKey"`
	TLPub        string `json:"tlPub"`
	DeviceName   string `json:"deviceName"`
	OSName       string `json:"osName"`
	EmailAddress string `json:"emailAddress"`
}

func stepDeeplinkValidate(n *node, req urlJSON) (deeplinkAnswer, error) {
	r := n.authority.ValidateDeeplink(req.URL)
	return deeplinkAnswer{
		Valid:        r.IsValid,
		Error:        r.Error,
		Version:      r.Version,
		NodeKey:      r.NodeKey,
		TLPub:        r.TLPub,
		DeviceName:   r.DeviceName,
		OSName:       r.OSName,
		EmailAddress: r.EmailAddress,
	}, nil
}
