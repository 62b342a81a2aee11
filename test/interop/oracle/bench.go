package main

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"tailscale.com/tka"
	"tailscale.com/types/key"
)

// Loops on one core, timed from inside: what a loop needs is made before its clock
// starts, and a first round that fails stops the benchmark.

var _ = register("bench", typed(bench))

type benchRequest struct {
	What       string           `json:"what"`
	N          int              `json:"n"`
	AUM        []byte           `json:"aum"`
	AUMs       [][]byte         `json:"aums"`
	Genesis    []byte           `json:"genesis"`
	Checkpoint []byte           `json:"checkpoint"`
	NodeKey    string           `json:"nodeKey"`
	Sig        []byte           `json:"sig"`
	Peers      []nodeKeyRequest `json:"peers"`
	Secret     []byte           `json:"secret"`
	Pub        []byte           `json:"pub"`
	Msg        []byte           `json:"msg"`
}

type benchAnswer struct {
	N  int   `json:"n"`
	NS int64 `json:"ns"`
}

// round does the work once and says how long the part that counts took.
type round func() (time.Duration, error)

var benchmarks = map[string]func(benchRequest) (round, func(), error){
	"verify-direct":   benchVerify,
	"verify-rotation": benchVerify,
	"recheck":         benchRecheck,
	"open-dir":        benchOpenDir,
	"inform":          benchInform,
	"hash":            benchHash,
	"encode":          benchEncode,
	"decode":          benchDecode,
	"kdf":             benchKDF,
	"ed25519":         benchEd25519,
}

func bench(req benchRequest) (benchAnswer, error) {
	prepare, ok := benchmarks[req.What]
	if !ok {
		return benchAnswer{}, fmt.Errorf("oracle: no such benchmark %q", req.What)
	}
	once, cleanup, err := prepare(req)
	if err != nil {
		return benchAnswer{}, err
	}
	defer cleanup()
	if _, err := once(); err != nil {
		return benchAnswer{}, err
	}
	runtime.GC()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var total time.Duration
	for range req.N {
		spent, err := once()
		if err != nil {
			return benchAnswer{}, err
		}
		total += spent
	}
	return benchAnswer{N: req.N, NS: total.Nanoseconds()}, nil
}

func nothing() {}

// timed makes a round of which everything counts.
func timed(f func() error) round {
	return func() (time.Duration, error) {
		start := time.Now()
		err := f()
		return time.Since(start), err
	}
}

func authorityAt(checkpoint []byte) (*tka.Authority, error) {
	aum, err := decodeAUM(checkpoint)
	if err != nil {
		return nil, err
	}
	return tka.Bootstrap(tka.ChonkMem(), aum)
}

func benchVerify(req benchRequest) (round, func(), error) {
	req.Peers = []nodeKeyRequest{{NodeKey: req.NodeKey, Sig: req.Sig}}
	return benchRecheck(req)
}

// benchRecheck verifies every peer once a round, as a client does for each netmap.
func benchRecheck(req benchRequest) (round, func(), error) {
	authority, err := authorityAt(req.Checkpoint)
	if err != nil {
		return nil, nil, err
	}
	keys := make([]key.NodePublic, len(req.Peers))
	for i, p := range req.Peers {
		if keys[i], err = parseNodeKey(p.NodeKey); err != nil {
			return nil, nil, err
		}
	}
	return timed(func() error {
		for i, k := range keys {
			if _, err := authority.NodeKeyAuthorizedWithDetails(k, req.Peers[i].Sig); err != nil {
				return err
			}
		}
		return nil
	}), nothing, nil
}

// benchOpenDir opens a directory that holds the given chain, its genesis first.
func benchOpenDir(req benchRequest) (round, func(), error) {
	aums, err := decodeAUMs(req.AUMs)
	if err != nil {
		return nil, nil, err
	}
	if len(aums) == 0 {
		return nil, nil, errors.New("oracle: no AUMs to open")
	}
	chonk, dir, err := dirChonk()
	if err != nil {
		return nil, nil, err
	}
	cleanup := func() { os.RemoveAll(dir) }
	if err = chonk.CommitVerifiedAUMs(aums); err == nil {
		err = chonk.SetLastActiveAncestor(aums[0].Hash())
	}
	if err != nil {
		cleanup()
		return nil, nil, err
	}
	return timed(func() error {
		fs, err := tka.ChonkDir(dir)
		if err != nil {
			return err
		}
		_, err = tka.Open(fs)
		return err
	}), cleanup, nil
}

// benchInform informs a fresh authority; making the authority does not count.
func benchInform(req benchRequest) (round, func(), error) {
	genesis, err := decodeAUM(req.Genesis)
	if err != nil {
		return nil, nil, err
	}
	aums, err := decodeAUMs(req.AUMs)
	if err != nil {
		return nil, nil, err
	}
	return func() (time.Duration, error) {
		chonk := tka.ChonkMem()
		authority, err := tka.Bootstrap(chonk, genesis)
		if err != nil {
			return 0, err
		}
		return timed(func() error { return authority.Inform(chonk, aums) })()
	}, nothing, nil
}

func benchAUM(req benchRequest, f func(*tka.AUM)) (round, func(), error) {
	aum, err := decodeAUM(req.AUM)
	return timed(func() error { f(&aum); return nil }), nothing, err
}

func benchHash(req benchRequest) (round, func(), error) {
	return benchAUM(req, func(a *tka.AUM) { a.Hash() })
}

func benchEncode(req benchRequest) (round, func(), error) {
	return benchAUM(req, func(a *tka.AUM) { a.Serialize() })
}

func benchDecode(req benchRequest) (round, func(), error) {
	return timed(func() error {
		_, err := decodeAUM(req.AUM)
		return err
	}), nothing, nil
}

func benchKDF(req benchRequest) (round, func(), error) {
	return timed(func() error { tka.DisablementKDF(req.Secret); return nil }), nothing, nil
}

func benchEd25519(req benchRequest) (round, func(), error) {
	return timed(func() error {
		if !ed25519.Verify(req.Pub, req.Msg, req.Sig) {
			return errors.New("oracle: the signature does not verify")
		}
		return nil
	}), nothing, nil
}
