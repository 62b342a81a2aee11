// Command api runs Tailscale's own client of its admin API against a control plane, unchanged: every exported method of every resource is called, and what
// comes of it is held against what was asked. It reads where that is, and what is there, as JSON from its input, and writes a line of JSON a method.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	tailscale "tailscale.com/client/tailscale/v2"
)

// scene is what the control plane holds.
type scene struct {
	URL     string
	Token   string
	Tailnet string
	// Devices are IDs; the first's key is not signed, and the last may go.
	Devices []string
	// Hook is an address that takes webhooks.
	Hook string
	// Collector is an address that takes streamed logs.
	Collector string
	// Owner is the login name of the tailnet's owner.
	Owner string
}

// step calls methods and judges what comes of it. Methods are named as Resource.Method.
type step struct {
	method string
	// refused says why the control plane has none of it; then the call has to fail with those words.
	refused string
	run     func(context.Context, *tailscale.Client, scene) error
}

type outcome struct {
	Method  string `json:"method"`
	Refused string `json:"refused,omitempty"`
	Error   string `json:"error,omitempty"`
}

func newClient(in scene, tailnet string) (*tailscale.Client, error) {
	base, err := url.Parse(in.URL)
	if err != nil {
		return nil, err
	}
	return &tailscale.Client{BaseURL: base, APIKey: in.Token, Tailnet: tailnet}, nil
}

// judge says what is wrong with how a step ended, or nothing.
func judge(s step, err error) string {
	if s.refused == "" {
		if err != nil {
			return err.Error()
		}
		return ""
	}
	var refusal tailscale.APIError
	switch {
	case err == nil:
		return "was not refused"
	case !strings.Contains(err.Error(), s.refused):
		return fmt.Sprintf("was refused in other words: %v", err)
	// The one method that gives no APIError.
	case s.method == "Logging.GetNetworkFlowLogs":
		return ""
	case !errors.As(err, &refusal) || refusal.Status != http.StatusUnprocessableEntity:
		return fmt.Sprintf("was refused by another status: %v", err)
	default:
		return ""
	}
}

func steps() []step {
	var all []step
	for _, some := range [][]step{deviceSteps(), keySteps(), dnsSteps(), policySteps(), settingsSteps(), userSteps(), webhookSteps(), loggingSteps(), absentSteps()} {
		all = append(all, some...)
	}
	return all
}

func run() error {
	var in scene
	if err := json.NewDecoder(os.Stdin).Decode(&in); err != nil {
		return err
	}
	client, err := newClient(in, in.Tailnet)
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	for _, s := range steps() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		wrong := judge(s, s.run(ctx, client, in))
		cancel()
		if err := out.Encode(outcome{Method: s.method, Refused: s.refused, Error: wrong}); err != nil {
			return err
		}
	}
	return nil
}

func main() {
	var err error
	if len(os.Args) > 1 && os.Args[1] == "methods" {
		err = json.NewEncoder(os.Stdout).Encode(methods())
	} else {
		err = run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
