// The frames of a map stream, and the few fields of a map response that are looked
// at: four bytes of length, little endian, then one zstd frame of JSON. They are
// decoded sparingly, so that the figures are the server's and not this program's.

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/klauspost/compress/zstd"
)

const maxFrame = 64 << 20

type peer struct {
	ID        int64
	Key       string
	Endpoints []string
	Online    *bool
}

type patch struct {
	NodeID    int64
	Endpoints []string
	Online    *bool
}

type mapResponse struct {
	KeepAlive         bool
	Node              *peer
	Peers             []peer
	PeersChanged      []peer
	PeersRemoved      []int64
	PeersChangedPatch []patch
	OnlineChange      map[int64]bool
}

var decoder = func() *zstd.Decoder {
	made, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(maxFrame))
	if err != nil {
		panic(err)
	}
	return made
}()

// readFrame gives the next response and the bytes of its JSON.
func readFrame(r io.Reader) (*mapResponse, int, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, 0, err
	}
	size := binary.LittleEndian.Uint32(head[:])
	if size == 0 || size > maxFrame {
		return nil, 0, fmt.Errorf("a frame of %d bytes", size)
	}
	packed := make([]byte, size)
	if _, err := io.ReadFull(r, packed); err != nil {
		return nil, 0, errors.Join(errors.New("the stream ended within a frame"), err)
	}
	text, err := decoder.DecodeAll(packed, nil)
	if err != nil {
		return nil, 0, fmt.Errorf("zstd: %w", err)
	}
	var response mapResponse
	if err := json.Unmarshal(text, &response); err != nil {
		return nil, 0, fmt.Errorf("map response: %w", err)
	}
	return &response, len(text), nil
}

// What one client knows of the others, as its stream told it.
type view struct {
	online map[int64]bool // by node ID; false also where the server said nothing
	count  int            // of those that are online
}

func (v *view) set(id int64, online bool) {
	if v.online[id] {
		v.count--
	}
	if online {
		v.count++
	}
	v.online[id] = online
}

func (v *view) remove(id int64) {
	if v.online[id] {
		v.count--
	}
	delete(v.online, id)
}

// apply takes a response in, and counts patches for nodes that the stream had not named.
func (v *view) apply(m *mapResponse) (strangers int) {
	if len(m.Peers) > 0 || m.Node != nil && v.online == nil {
		*v = view{online: make(map[int64]bool, len(m.Peers))}
	}
	for _, list := range [][]peer{m.Peers, m.PeersChanged} {
		for _, p := range list {
			v.set(p.ID, p.Online != nil && *p.Online)
		}
	}
	for _, id := range m.PeersRemoved {
		v.remove(id)
	}
	patched := func(id int64, online *bool) {
		if _, known := v.online[id]; !known {
			strangers++
		} else if online != nil {
			v.set(id, *online)
		}
	}
	for id, online := range m.OnlineChange {
		patched(id, &online)
	}
	for _, p := range m.PeersChangedPatch {
		patched(p.NodeID, p.Online)
	}
	return strangers
}
