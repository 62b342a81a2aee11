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

// A response as its stream took it in.
type seen struct {
	*mapResponse
	isFirst bool // it is a first map
	online  int  // peers that the client knows to be online after it
}

// Something that every stream should come to see, once.
type mark struct {
	isIn  func(seen) bool
	began time.Time
	at    []atomic.Int64 // nanoseconds since began, by stream; 0 where not yet
	left  atomic.Int64
	all   chan struct{}
}

type crowd struct {
	streams []*stream

	marks     atomic.Pointer[[]*mark] // what is looked for now
	lastFrame atomic.Int64            // Unix nanoseconds of the last frame that was no keep-alive
	strangers atomic.Int64            // patches for nodes that the stream had not named
	dropped   atomic.Int64            // live streams that ended
	refused   atomic.Int64            // attempts that gave no stream
	isKilling atomic.Bool             // true while the server is down on purpose

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

func (c *crowd) noteFrame(s *stream, got seen, size, strangers int, now time.Time) {
	s.frames.Add(1)
	s.jsonBytes.Add(int64(size))
	c.strangers.Add(int64(strangers))
	if !got.KeepAlive {
		c.lastFrame.Store(now.UnixNano())
	}
	if marks := c.marks.Load(); marks != nil {
		for _, k := range *marks {
			if s.index < len(k.at) && k.at[s.index].Load() == 0 && k.isIn(got) {
				k.note(s.index, now)
			}
		}
	}
}

// watch begins to look for things in the first `count` streams, and for nothing else.
func (c *crowd) watch(count int, things ...func(seen) bool) []*mark {
	marks := make([]*mark, len(things))
	for i, isIn := range things {
		marks[i] = &mark{isIn: isIn, began: time.Now(), at: make([]atomic.Int64, count), all: make(chan struct{})}
		marks[i].left.Store(int64(count))
	}
	c.marks.Store(&marks)
	return marks
}

func (k *mark) note(index int, now time.Time) {
	if k.at[index].CompareAndSwap(0, max(1, int64(now.Sub(k.began)))) && k.left.Add(-1) == 0 {
		close(k.all)
	}
}

// spare takes a stream out of the count: it need not see it.
func (k *mark) spare(index int) {
	if k.at[index].CompareAndSwap(0, -1) && k.left.Add(-1) == 0 {
		close(k.all)
	}
}

// wait gives the milliseconds after which each saw it, and how many did not in time.
func (k *mark) wait(patience time.Duration) (millis []float64, lost int) {
	select {
	case <-k.all:
	case <-time.After(patience):
	}
	for i := range k.at {
		switch at := k.at[i].Load(); {
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
