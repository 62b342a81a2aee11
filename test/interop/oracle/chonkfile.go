package main

import (
	"os"
	"path/filepath"
	"time"

	"tailscale.com/tka"
)

// The files of a Chonk in a directory, read and written by Go's own code.

var (
	_ = register("chonkfile.decode", typed(chonkfileDecode))
	_ = register("chonkfile.encode", typed(chonkfileEncode))
)

// chonkfilePath is where a Chonk keeps an AUM: the first two letters of its hash
// name the folder, the whole hash the file.
func chonkfilePath(hash tka.AUMHash) string {
	text := hash.String()
	return filepath.Join(text[:2], text)
}

type chonkfileAnswer struct {
	AUM        []byte `json:"aum"`
	CommitTime int64  `json:"commitTime"`
}

// chonkfileDecode places a file under a hash's name and reads it back; commitTime
// is in Unix seconds, the file's own time (now) where the file names none.
func chonkfileDecode(req struct {
	Hash  string `json:"hash"`
	Bytes []byte `json:"bytes"`
}) (chonkfileAnswer, error) {
	hash, err := parseHash(req.Hash)
	if err != nil {
		return chonkfileAnswer{}, err
	}
	chonk, dir, err := dirChonk()
	if err != nil {
		return chonkfileAnswer{}, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, chonkfilePath(hash))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return chonkfileAnswer{}, err
	}
	if err := os.WriteFile(path, req.Bytes, 0o600); err != nil {
		return chonkfileAnswer{}, err
	}
	aum, err := chonk.AUM(hash)
	if err != nil {
		return chonkfileAnswer{}, err
	}
	at, err := chonk.CommitTime(hash)
	if err != nil {
		return chonkfileAnswer{}, err
	}
	return chonkfileAnswer{AUM: aum.Serialize(), CommitTime: at.Unix()}, nil
}

type chonkfileBytes struct {
	Path       string `json:"path"`
	Bytes      []byte `json:"bytes"`
	CommitTime int64  `json:"commitTime"`
}

func chonkfileEncode(req aumRequest) (chonkfileBytes, error) {
	aum, err := decodeAUM(req.AUM)
	if err != nil {
		return chonkfileBytes{}, err
	}
	chonk, dir, err := dirChonk()
	if err != nil {
		return chonkfileBytes{}, err
	}
	defer os.RemoveAll(dir)
	if err := chonk.CommitVerifiedAUMs([]tka.AUM{aum}); err != nil {
		return chonkfileBytes{}, err
	}
	rel := chonkfilePath(aum.Hash())
	raw, err := os.ReadFile(filepath.Join(dir, rel))
	if err != nil {
		return chonkfileBytes{}, err
	}
	var at time.Time
	if at, err = chonk.CommitTime(aum.Hash()); err != nil {
		return chonkfileBytes{}, err
	}
	return chonkfileBytes{Path: filepath.ToSlash(rel), Bytes: raw, CommitTime: at.Unix()}, nil
}
