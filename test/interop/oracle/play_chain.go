package main

import (
	"errors"
	"strconv"
	"time"

	"tailscale.com/tka"
)

// Steps that fill a Chonk, move an authority along its chain and say where it is.

var (
	_ = registerStep("bootstrap", onNode(stepBootstrap))
	_ = registerStep("commit", onNode(stepCommit))
	_ = registerStep("setAncestor", onNode(stepSetAncestor))
	_ = registerStep("open", onNode(stepOpen))
	_ = registerStep("inform", onAuthority(stepInform))
	_ = registerStep("head", onAuthority(stepHead))
	_ = registerStep("stored", onNode(stepStored))
	_ = registerStep("compact", onAuthority(stepCompact))
	_ = registerStep("wipe", onNode(stepWipe))
)

type aumRequest struct {
	AUM []byte `json:"aum"`
}

type aumsRequest struct {
	AUMs [][]byte `json:"aums"`
}

type hashRequest struct {
	Hash string `json:"hash"`
}

func stepBootstrap(n *node, req aumRequest) (empty, error) {
	aum, err := decodeAUM(req.AUM)
	if err != nil {
		return empty{}, err
	}
	authority, err := tka.Bootstrap(n.chonk, aum)
	if err != nil {
		return empty{}, err
	}
	n.authority = authority
	return empty{}, nil
}

// stepCommit stores AUMs unverified.
func stepCommit(n *node, req aumsRequest) (empty, error) {
	aums, err := decodeAUMs(req.AUMs)
	if err != nil {
		return empty{}, err
	}
	return empty{}, n.chonk.CommitVerifiedAUMs(aums)
}

func stepSetAncestor(n *node, req hashRequest) (empty, error) {
	hash, err := parseHash(req.Hash)
	if err != nil {
		return empty{}, err
	}
	return empty{}, n.chonk.SetLastActiveAncestor(hash)
}

func stepOpen(n *node, _ empty) (empty, error) {
	authority, err := tka.Open(n.chonk)
	if err != nil {
		return empty{}, err
	}
	n.authority = authority
	return empty{}, nil
}

func stepInform(n *node, req aumsRequest) (empty, error) {
	aums, err := decodeAUMs(req.AUMs)
	if err != nil {
		return empty{}, err
	}
	return empty{}, n.authority.Inform(n.chonk, aums)
}

type headAnswer struct {
	Head     string    `json:"head"`
	Keys     []keyJSON `json:"keys"`
	State1   string    `json:"state1"`
	State2   string    `json:"state2"`
	Ancestor *string   `json:"ancestor"`
	Stored   []string  `json:"stored"`
}

// stepHead says what the authority trusts and what its Chonk holds; ancestor is
// the last active one as stored, null where none is.
func stepHead(n *node, _ empty) (headAnswer, error) {
	stored, err := stepStored(n, empty{})
	if err != nil {
		return headAnswer{}, err
	}
	id1, id2 := n.authority.StateIDs()
	return headAnswer{
		Head:     n.authority.Head().String(),
		Keys:     keysToJSON(n.authority.Keys()),
		State1:   strconv.FormatUint(id1, 10),
		State2:   strconv.FormatUint(id2, 10),
		Ancestor: stored.Ancestor,
		Stored:   stored.Stored,
	}, nil
}

type storedAnswer struct {
	Ancestor *string  `json:"ancestor"`
	Stored   []string `json:"stored"`
}

func stepStored(n *node, _ empty) (storedAnswer, error) {
	hashes, err := n.chonk.AllAUMs()
	if err != nil {
		return storedAnswer{}, err
	}
	out := storedAnswer{Stored: sortedHashes(hashes)}
	ancestor, err := n.chonk.LastActiveAncestor()
	if err != nil {
		return storedAnswer{}, err
	}
	if ancestor != nil {
		text := ancestor.String()
		out.Ancestor = &text
	}
	return out, nil
}

type compactRequest struct {
	MinChain      int                `json:"minChain"`
	MinAgeSeconds float64            `json:"minAgeSeconds"`
	Ages          map[string]float64 `json:"ages"`
}

// stepCompact sets the commit times that it is given, for good, and compacts.
func stepCompact(n *node, req compactRequest) (storedAnswer, error) {
	for text, seconds := range req.Ages {
		hash, err := parseHash(text)
		if err != nil {
			return storedAnswer{}, err
		}
		n.chonk.setAge(hash, seconds)
	}
	err := n.authority.Compact(n.chonk, tka.CompactionOptions{
		MinChain: req.MinChain,
		MinAge:   time.Duration(req.MinAgeSeconds * float64(time.Second)),
	})
	if err != nil {
		return storedAnswer{}, err
	}
	out, err := stepStored(n, empty{})
	if err == nil && out.Ancestor == nil {
		err = errors.New("oracle: compaction left no active ancestor")
	}
	return out, err
}

// stepWipe does what a client does when its lock is disabled. A Chonk in a
// directory takes the directory with it, and the next enabling makes it anew.
func stepWipe(n *node, _ empty) (empty, error) {
	n.authority = nil
	n.chonk.ages = nil
	if err := n.chonk.RemoveAll(); err != nil || n.dir == "" {
		return empty{}, err
	}
	fs, err := tka.ChonkDir(n.dir)
	if err != nil {
		return empty{}, err
	}
	n.chonk.CompactableChonk = fs
	return empty{}, nil
}
