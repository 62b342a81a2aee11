package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"tailscale.com/tka"
)

// A play: several nodes, each with a Chonk and perhaps an Authority, acted upon
// step by step. A step that fails leaves what Go's code leaves, and the play goes
// on. Nothing outlives the request.

var _ = register("play", typed(runPlay))

type playRequest struct {
	Steps []json.RawMessage `json:"steps"`
}

type playAnswer struct {
	Steps []result `json:"steps"`
}

type play struct {
	nodes    map[string]*node
	clockAge *float64
	cleanups []func()
}

// node is one participant. authority is nil until it was bootstrapped, created or
// opened; client is nil until a step asked what Tailscale's client would show.
type node struct {
	chonk     *agedChonk
	dir       string // where the Chonk is, empty for one in memory
	authority *tka.Authority
	client    *client
}

var errNoAuthority = errors.New("oracle: the node has no authority")

// stepHandler runs one step from its whole object.
type stepHandler func(p *play, body json.RawMessage) (any, error)

var steps = map[string]stepHandler{}

func registerStep(name string, h stepHandler) struct{} {
	if _, dup := steps[name]; dup {
		panic("step registered twice: " + name)
	}
	steps[name] = h
	return struct{}{}
}

// onNode makes a step of a function of a node and the step's own fields.
func onNode[Req, Res any](f func(*node, Req) (Res, error)) stepHandler {
	return func(p *play, body json.RawMessage) (any, error) {
		var target struct {
			Node string `json:"node"`
		}
		if err := json.Unmarshal(body, &target); err != nil {
			return nil, fmt.Errorf("oracle: bad step: %w", err)
		}
		return typed(func(req Req) (Res, error) { return f(p.node(target.Node), req) })(body)
	}
}

// onAuthority is onNode for steps that need an authority.
func onAuthority[Req, Res any](f func(*node, Req) (Res, error)) stepHandler {
	return onNode(func(n *node, req Req) (res Res, err error) {
		if n.authority == nil {
			return res, errNoAuthority
		}
		return f(n, req)
	})
}

// node returns the named node, made on first use with an empty memory Chonk.
func (p *play) node(name string) *node {
	n, ok := p.nodes[name]
	if !ok {
		n = &node{chonk: memChonk(p.clockAge)}
		p.nodes[name] = n
	}
	return n
}

func runPlay(req playRequest) (playAnswer, error) {
	p := &play{nodes: map[string]*node{}}
	defer p.close()
	out := playAnswer{Steps: make([]result, len(req.Steps))}
	for i, body := range req.Steps {
		out.Steps[i] = guard(func() (any, error) { return p.step(body) })
	}
	return out, nil
}

func (p *play) step(body json.RawMessage) (any, error) {
	var head struct {
		Do string `json:"do"`
	}
	if err := json.Unmarshal(body, &head); err != nil {
		return nil, fmt.Errorf("oracle: bad step: %w", err)
	}
	h, ok := steps[head.Do]
	if !ok {
		return nil, fmt.Errorf("oracle: no such step %q", head.Do)
	}
	return h(p, body)
}

func (p *play) close() {
	for _, n := range p.nodes {
		n.closeClient()
	}
	for _, f := range p.cleanups {
		f()
	}
}

var (
	_ = registerStep("clock", stepClock)
	_ = registerStep("dir", stepDir)
)

// stepClock has the memory Chonks' clocks, the later ones' too, stand still so
// many seconds before now.
func stepClock(p *play, body json.RawMessage) (any, error) {
	return typed(func(req struct {
		AgeSeconds float64 `json:"ageSeconds"`
	}) (empty, error) {
		p.clockAge = &req.AgeSeconds
		for _, n := range p.nodes {
			if mem, ok := n.chonk.CompactableChonk.(*tka.Mem); ok {
				setClock(mem, p.clockAge)
			}
		}
		return empty{}, nil
	})(body)
}

// stepDir gives a node an empty Chonk in a directory, in place of what it had.
func stepDir(p *play, body json.RawMessage) (any, error) {
	return onNode(func(n *node, _ empty) (empty, error) {
		chonk, dir, err := dirChonk()
		if err != nil {
			return empty{}, err
		}
		p.cleanups = append(p.cleanups, func() { os.RemoveAll(dir) })
		n.chonk, n.dir, n.authority = chonk, dir, nil
		return empty{}, nil
	})(p, body)
}
