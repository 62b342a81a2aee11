//go:build !v1102

package main

import (
	"bytes"
	"encoding/json"

	"tailscale.com/feature/tailnetlock/tslockjsonv1"
	"tailscale.com/ipn/ipnstate"
)

func printLog(updates []ipnstate.TailnetLockUpdate) (string, error) {
	response, err := tslockjsonv1.LogResponse(updates)
	if err != nil {
		return "", err
	}
	return indented(response)
}

func printStatus(status *ipnstate.TailnetLockStatus) (string, error) {
	return indented(tslockjsonv1.StatusResponse(status))
}

// indented writes JSON with the settings of the command.
func indented(v any) (string, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetIndent("", "  ")
	err := enc.Encode(v)
	return out.String(), err
}
