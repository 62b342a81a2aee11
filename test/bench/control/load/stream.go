// A client's map stream: opened, read, and opened again when it ends, with the
// waits of Tailscale's own clients. It notes when it first saw what is looked for.

package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// Tailscale's client hangs up after so long without a byte.
	silence = 120 * time.Second
	// And waits no longer than that before it comes again.
	longestWait = 30 * time.Second
)

var errSilence = errors.New("nothing for 120 s")

type stream struct {
	client *client
	index  int
	crowd  *crowd
	cancel context.CancelFunc
	done   chan struct{}
	// reports is true where it tells of its endpoints once its stream is open, as tailscaled does.
	reports bool

	frames    atomic.Int64
	jsonBytes atomic.Int64 // of responses, after decompression

	mu    sync.Mutex
	view  view
	isUp  bool
	first int // peers of the last first map
}

func newStream(c *client, index int, in *crowd) *stream {
	return &stream{client: c, index: index, crowd: in, done: make(chan struct{})}
}

func (s *stream) start() {
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	go func() {
		defer close(s.done)
		s.keep(ctx)
	}()
}

// keep holds a stream open until the context ends.
func (s *stream) keep(ctx context.Context) {
	for failures := 0; ctx.Err() == nil; {
		began := time.Now()
		err := s.run(ctx)
		wasUp := s.noteDown()
		if ctx.Err() != nil {
			return
		}
		s.crowd.noteEnd(s, wasUp, err)
		if wasUp && time.Since(began) > time.Second {
			failures = 0
		}
		failures++
		wait := min(time.Duration(failures*failures)*10*time.Millisecond, longestWait)
		select {
		case <-time.After(time.Duration(float64(wait) * (0.5 + rand.Float64()))):
		case <-ctx.Done():
		}
	}
}

// run opens a stream on a connection of its own and reads it to its end.
func (s *stream) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(silence, func() { cancel(errSilence) })
	defer watch.Stop()
	if err := s.client.connect(); err != nil {
		return err
	}
	body, err := s.client.openStream(ctx)
	if err != nil {
		return err
	}
	defer body.Close()
	if s.reports {
		go s.client.report(ctx)
	}
	s.mu.Lock()
	s.view = view{}
	s.mu.Unlock()
	for {
		m, size, err := readFrame(body)
		if err != nil {
			return errors.Join(err, context.Cause(ctx))
		}
		watch.Reset(silence)
		s.take(m, size)
	}
}

func (s *stream) take(m *mapResponse, size int) {
	now := time.Now()
	s.mu.Lock()
	isFirst := !s.isUp && m.Node != nil
	strangers := 0
	if s.isUp || isFirst {
		strangers = s.view.apply(m)
	}
	if isFirst {
		s.isUp, s.first = true, len(m.Peers)
	}
	seen := seen{m, isFirst, s.view.count}
	s.mu.Unlock()
	s.crowd.noteFrame(s, seen, size, strangers, now)
}

// noteDown marks the stream as ended, and tells whether it had been up.
func (s *stream) noteDown() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	wasUp := s.isUp
	s.isUp = false
	return wasUp
}

// standing gives how many peers the client knows, and how many of them as online.
func (s *stream) standing() (known, online int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.view.online), s.view.count
}

func (s *stream) stop() {
	s.cancel()
	<-s.done
	s.client.close()
}
