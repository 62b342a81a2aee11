package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"

	"go4.org/netipx"
	"tailscale.com/tailcfg"
	"tailscale.com/types/ipproto"
	"tailscale.com/types/logger"
	"tailscale.com/wgengine/filter"
)

// What a client makes of the packet filter and the SSHPolicy that it is given.

var (
	_ = register("filter.judge", typed(filterJudge))
	_ = register("ssh.decode", typed(sshDecode))
)

type packetQuestion struct {
	From     netip.Addr `json:"from"`
	To       netip.Addr `json:"to"`
	Protocol uint8      `json:"protocol"`
	Port     uint16     `json:"port"`
}

type filterRequest struct {
	Rules   json.RawMessage  `json:"rules"`
	Local   []netip.Addr     `json:"local"`
	Packets []packetQuestion `json:"packets"`
}

// filterAnswer says of each packet whether it got through, and of each packet's
// source which capabilities it has on its destination.
type filterAnswer struct {
	Accepted     []bool               `json:"accepted"`
	Capabilities []tailcfg.PeerCapMap `json:"capabilities"`
}

// strictly decodes JSON in which every name must be one of Go's.
func strictly(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}

func filterJudge(req filterRequest) (filterAnswer, error) {
	var rules []tailcfg.FilterRule
	if err := strictly(req.Rules, &rules); err != nil {
		return filterAnswer{}, err
	}
	if rules == nil {
		return filterAnswer{}, fmt.Errorf("oracle: a nil filter is no filter")
	}
	matches, err := filter.MatchesFromFilterRules(rules)
	if err != nil {
		return filterAnswer{}, err
	}
	var local netipx.IPSetBuilder
	for _, addr := range req.Local {
		local.Add(addr)
	}
	set, err := local.IPSet()
	if err != nil {
		return filterAnswer{}, err
	}
	judge := filter.New(matches, nil, set, set, nil, logger.Discard)
	var answer filterAnswer
	for _, p := range req.Packets {
		response := judge.Check(p.From, p.To, p.Port, ipproto.Proto(p.Protocol))
		answer.Accepted = append(answer.Accepted, response == filter.Accept)
		answer.Capabilities = append(answer.Capabilities, judge.CapsWithValues(p.From, p.To))
	}
	return answer, nil
}

type sshRequest struct {
	Policy json.RawMessage `json:"policy"`
}

// sshDecode gives the policy as Go would write it.
func sshDecode(req sshRequest) (*tailcfg.SSHPolicy, error) {
	var policy tailcfg.SSHPolicy
	if err := strictly(req.Policy, &policy); err != nil {
		return nil, err
	}
	return &policy, nil
}
