//go:build v1102

package main

import (
	"bytes"

	"tailscale.com/cmd/tailscale/cli/jsonoutput"
	"tailscale.com/ipn/ipnstate"
)

func printLog(updates []ipnstate.TailnetLockUpdate) (string, error) {
	var out bytes.Buffer
	err := jsonoutput.PrintTailnetLockLogJSONV1(&out, updates)
	return out.String(), err
}

func printStatus(status *ipnstate.TailnetLockStatus) (string, error) {
	var out bytes.Buffer
	err := jsonoutput.PrintTailnetLockStatusJSONV1(&out, status)
	return out.String(), err
}
