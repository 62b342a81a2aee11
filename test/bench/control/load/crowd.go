// The streaming clients together: what was seen by how many of them and when, how
// much arrived, and which streams ended that should not have.

package main

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Something that every stream should come to see, once.
type mark struct {
	// isIn tells whether a response shows it; isFirst says that the response is a first map.
	isIn  func(m *mapResponse, isFirst bool) bool
	began time.Time
	seen  []atomic.Int64 // nanoseconds since began, by stream; 0 where not yet
	left  atomic.Int64
	all   chan struct{}
}

type crowd struct {
	streams []*stream

	mark      atomic.Pointer[mark]
	lastFrame atomic.Int64 // Unix nanoseconds of the last frame that was no keep-alive
	strangers atomic.Int64 // patches for nodes that the stream had not named
	dropped   atomic.Int64 // live streams that ended
	refused   atomic.Int64 // attempts that gave no stream
	isKilling atomic.Bool  // true while the server is down on purpose

	mu   sync.Mutex
	said map[string]int // how streams ended
}

func newCrowd() *crowd {
	return &crowd{said: map[string]int{}}
}

func (c *crowd) noteEnd(s *stream, wasUp bool, err error) {
	if c.isKilling.Load() {
		return
	}
	kind := "not opened"
	if wasUp {
		kind = "dropped"
		c.dropped.Add(1)
	} else {
		c.refused.Add(1)
	}
	said := fmt.Sprintf("%s: %.160v", kind, err)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.said[said] == 0 && len(c.said) < 20 {
		fmt.Fprintf(os.Stderr, "  stream %d %s\n", s.index, said)
	}
	if len(c.said) < 20 || c.said[said] > 0 {
		c.said[said]++
	}
}

func (c *crowd) noteFrame(s *stream, m *mapResponse, size int, isFirst bool, strangers int, now time.Time) {
	s.frames.Add(1)
	s.jsonBytes.Add(int64(size))
	c.strangers.Add(int64(strangers))
	if !m.KeepAlive {
		c.lastFrame.Store(now.UnixNano())
	}
	k := c.mark.Load()
	if k == nil || s.index >= len(k.seen) || k.seen[s.index].Load() != 0 || !k.isIn(m, isFirst) {
		return
	}
	if k.seen[s.index].CompareAndSwap(0, max(1, int64(now.Sub(k.began)))) && k.left.Add(-1) == 0 {
		close(k.all)
	}
}

// watch begins to look for something in every stream but `except`, which is -1 for none.
func (c *crowd) watch(count, except int, isIn func(*mapResponse, bool) bool) *mark {
	k := &mark{isIn: isIn, began: time.Now(), seen: make([]atomic.Int64, count), all: make(chan struct{})}
	k.left.Store(int64(count))
	if except >= 0 {
		k.seen[except].Store(-1)
		k.left.Add(-1)
	}
	c.mark.Store(k)
	return k
}

// wait gives the milliseconds after which each saw it, and how many did not in time.
func (k *mark) wait(patience time.Duration) (millis []float64, lost int) {
	select {
	case <-k.all:
	case <-time.After(patience):
	}
	for i := range k.seen {
		switch at := k.seen[i].Load(); {
		case at > 0:
			millis = append(millis, float64(at)/1e6)
		case at == 0:
			lost++
		}
	}
	return millis, lost
}

// settle waits until nothing but keep-alives has come for that long, or for `most`.
func (c *crowd) settle(quiet, most time.Duration) {
	for until := time.Now().Add(most); time.Now().Before(until); time.Sleep(50 * time.Millisecond) {
		if time.Since(time.Unix(0, c.lastFrame.Load())) > quiet {
			return
		}
	}
}

func (c *crowd) wireBytes() (sum int64) {
	for _, s := range c.streams {
		sum += s.client.read.Load()
	}
	return sum
}

func (c *crowd) jsonBytes() (sum int64) {
	for _, s := range c.streams {
		sum += s.jsonBytes.Load()
	}
	return sum
}

func (c *crowd) frames() (sum int64) {
	for _, s := range c.streams {
		sum += s.frames.Load()
	}
	return sum
}

// What the clients know of one another.
type standing struct {
	Expected   int `json:"expected"`     // peers that each should know
	Incomplete int `json:"incomplete"`   // streams that know another number
	NotOnline  int `json:"notAllOnline"` // streams that do not see all streaming peers as online
	Patchless  int `json:"strangers"`    // patches for nodes never named
}

func (c *crowd) standing(nodes, streaming int) standing {
	found := standing{Expected: nodes - 1, Patchless: int(c.strangers.Load())}
	for _, s := range c.streams {
		known, online := s.standing()
		if known != nodes-1 {
			found.Incomplete++
		}
		if online < streaming-1 {
			found.NotOnline++
		}
	}
	return found
}
