package main

import (
	"fmt"
	"sort"
	"strconv"

	"tailscale.com/tka"
	"tailscale.com/types/key"
	"tailscale.com/types/tkatype"
)

// The JSON shapes shared by several operations. A []byte is base64 text, null is
// nil and "" is empty: Go's encoder keeps the two apart in both directions.

// empty is the answer of an operation that has nothing to say but that it worked.
type empty struct{}

type keyJSON struct {
	Kind   uint8             `json:"kind"`
	Votes  uint              `json:"votes"`
	Public []byte            `json:"public"`
	Meta   map[string]string `json:"meta"`
}

func (k keyJSON) key() tka.Key {
	return tka.Key{Kind: tka.KeyKind(k.Kind), Votes: k.Votes, Public: k.Public, Meta: k.Meta}
}

func keysToJSON(keys []tka.Key) []keyJSON {
	out := make([]keyJSON, 0, len(keys))
	for _, k := range keys {
		out = append(out, keyJSON{Kind: uint8(k.Kind), Votes: k.Votes, Public: k.Public, Meta: k.Meta})
	}
	return out
}

type stateJSON struct {
	Keys              []keyJSON `json:"keys"`
	DisablementValues [][]byte  `json:"disablementValues"`
	State1            string    `json:"state1"`
	State2            string    `json:"state2"`
}

func (s stateJSON) state() (tka.State, error) {
	id1, err := parseUint64(s.State1)
	if err != nil {
		return tka.State{}, err
	}
	id2, err := parseUint64(s.State2)
	if err != nil {
		return tka.State{}, err
	}
	out := tka.State{DisablementValues: s.DisablementValues, StateID1: id1, StateID2: id2}
	for _, k := range s.Keys {
		out.Keys = append(out.Keys, k.key())
	}
	return out, nil
}

// parseUint64 reads decimal text; no text is zero.
func parseUint64(text string) (uint64, error) {
	if text == "" {
		return 0, nil
	}
	return strconv.ParseUint(text, 10, 64)
}

func decodeAUM(raw []byte) (tka.AUM, error) {
	var aum tka.AUM
	err := aum.Unserialize(raw)
	return aum, err
}

func decodeAUMs(raws [][]byte) ([]tka.AUM, error) {
	out := make([]tka.AUM, len(raws))
	for i, raw := range raws {
		if err := out[i].Unserialize(raw); err != nil {
			return nil, fmt.Errorf("decoding aums[%d]: %w", i, err)
		}
	}
	return out, nil
}

func serializeAUMs(aums []tka.AUM) [][]byte {
	out := make([][]byte, len(aums))
	for i := range aums {
		out[i] = aums[i].Serialize()
	}
	return out
}

func hashesOf(aums []tka.AUM) []string {
	out := make([]string, len(aums))
	for i := range aums {
		out[i] = aums[i].Hash().String()
	}
	return out
}

func sortedHashes(hashes []tka.AUMHash) []string {
	out := make([]string, len(hashes))
	for i, h := range hashes {
		out[i] = h.String()
	}
	sort.Strings(out)
	return out
}

func parseHash(text string) (h tka.AUMHash, err error) {
	err = h.UnmarshalText([]byte(text))
	return h, err
}

func parseNodeKey(text string) (k key.NodePublic, err error) {
	err = k.UnmarshalText([]byte(text))
	return k, err
}

func parseNLPrivate(text string) (*key.NLPrivate, error) {
	var k key.NLPrivate
	if err := k.UnmarshalText([]byte(text)); err != nil {
		return nil, err
	}
	return &k, nil
}

func keyIDs(raws [][]byte) []tkatype.KeyID {
	out := make([]tkatype.KeyID, len(raws))
	for i, raw := range raws {
		out[i] = raw
	}
	return out
}
