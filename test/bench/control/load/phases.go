// What is measured, one function each.

package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"
)

const (
	requestPatience = 60 * time.Second
	mapPatience     = 5 * time.Minute
	tellPatience    = time.Minute
	settlePatience  = 3 * time.Minute
)

// The figures of one thing that was done.
type figures struct {
	Name      string  `json:"name"`
	Count     int     `json:"count"`           // registrations, or streams that should hear
	First     float64 `json:"firstMs"`         // milliseconds, as all that end so
	Median    float64 `json:"medianMs"`        //
	P99       float64 `json:"p99Ms"`           //
	Last      float64 `json:"lastMs"`          //
	WholeMs   float64 `json:"wholeMs"`         // from the start until the last
	Lost      int     `json:"lost"`            // that never heard, or never were registered
	Bytes     float64 `json:"bytesAStream"`    // off the socket, until all was quiet
	JSON      float64 `json:"jsonBytesStream"` // the same after decompression, map responses alone
	Frames    float64 `json:"framesAStream"`   //
	CPU       float64 `json:"serverCpuMs"`     // of the server, until all was quiet
	Dropped   int     `json:"dropped"`         // live streams that ended meanwhile
	Refused   int     `json:"refused"`         // attempts to open a stream that failed
	Answered  float64 `json:"answeredMs"`      // when the request that began it was answered
	Peers     int     `json:"peersInFirstMap"` // the fewest
	Memory    float64 `json:"memoryKiBStream"` // of the server, a stream
	Unseen    int     `json:"unseen"`          // that never saw all online
	SettledMs float64 `json:"settledMs"`       // when the last message came that was no keep-alive
}

func (f *figures) spread(millis []float64) {
	slices.Sort(millis)
	if len(millis) == 0 {
		return
	}
	f.First, f.Last = millis[0], millis[len(millis)-1]
	f.Median, f.P99 = quantile(millis, 0.5), quantile(millis, 0.99)
}

// The state of things before something is done, for the difference afterwards.
type before struct {
	began                                 time.Time
	cpu                                   float64
	wire, json, frames, dropped, refusals int64
}

func (r *run) before() before {
	c := r.crowd
	return before{
		began: time.Now(), cpu: r.server.cpu(), wire: c.wireBytes(), json: c.jsonBytes(),
		frames: c.frames(), dropped: c.dropped.Load(), refusals: c.refused.Load(),
	}
}

func (r *run) since(b before, f *figures) {
	c, streams := r.crowd, float64(max(1, len(r.crowd.streams)))
	f.CPU = (r.server.cpu() - b.cpu) * 1000
	f.Bytes = float64(c.wireBytes()-b.wire) / streams
	f.JSON = float64(c.jsonBytes()-b.json) / streams
	f.Frames = float64(c.frames()-b.frames) / streams
	f.Dropped = int(c.dropped.Load() - b.dropped)
	f.Refused = int(c.refused.Load() - b.refusals)
	f.SettledMs = max(0, float64(c.lastFrame.Load()-b.began.UnixNano())/1e6)
}

// register joins so many new nodes, `hands` at a time, each over a connection of its own.
func (r *run) register(count, hands int) (figures, error) {
	f := figures{Name: fmt.Sprintf("registration, %d at a time", hands), Count: count}
	b := r.before()
	made := make([]*client, count)
	for i := range made {
		made[i] = newClient(r.control, len(r.clients)+i)
	}
	var mu sync.Mutex
	var millis []float64
	each(count, hands, func(i int) {
		began := time.Now()
		err := joinOnce(made[i])
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			f.Lost++
			if f.Lost < 5 {
				fmt.Fprintf(os.Stderr, "  registration %d: %v\n", i, err)
			}
			return
		}
		millis = append(millis, float64(time.Since(began))/1e6)
		r.clients = append(r.clients, made[i])
	})
	f.WholeMs = float64(time.Since(b.began)) / 1e6
	f.spread(millis)
	r.since(b, &f)
	f.Bytes, f.JSON, f.Frames, f.SettledMs = 0, 0, 0, 0
	if len(millis) == 0 && count > 0 {
		return f, fmt.Errorf("no registration succeeded")
	}
	return f, nil
}

func joinOnce(c *client) error {
	ctx, cancel := context.WithTimeout(context.Background(), requestPatience)
	defer cancel()
	if err := c.connect(); err != nil {
		return err
	}
	defer c.close()
	return c.register(ctx)
}

// open has all clients open their streams at once: until each has its first map, and until each sees all others online.
func (r *run) open() (maps, complete figures) {
	count := r.options.streams
	maps = figures{Name: "first maps, all at once", Count: count}
	memory := r.server.memory()
	for i, c := range r.clients[:count] {
		s := newStream(c, i, r.crowd)
		s.reports = r.options.reports
		r.crowd.streams = append(r.crowd.streams, s)
	}
	b := r.before()
	marks := r.crowd.watch(count, isFirstMap, seesOnline(count-1))
	r.start(marks[0])
	complete = r.opened(&maps, marks, b)
	maps.Peers = r.fewestPeers()
	maps.Memory = float64(r.server.memory()-memory) / 1024 / float64(count)
	return maps, complete
}

// start begins all streams at once, or with so many of them that have no map yet.
func (r *run) start(first *mark) {
	for i, s := range r.crowd.streams {
		for most := int64(r.options.opening); most > 0 && int64(i)-(int64(len(first.at))-first.left.Load()) >= most; {
			time.Sleep(time.Millisecond)
		}
		s.start()
	}
}

// opened waits for first maps, and then for what follows them.
func (r *run) opened(maps *figures, marks []*mark, b before) figures {
	millis, lost := marks[0].wait(mapPatience)
	maps.Lost = lost
	maps.spread(millis)
	maps.WholeMs = maps.Last
	r.since(b, maps)
	complete := figures{Name: "until all see all online", Count: maps.Count}
	r.settle()
	millis, complete.Unseen = marks[1].wait(0)
	complete.spread(millis)
	complete.WholeMs = complete.Last
	r.since(b, &complete)
	return complete
}

func isFirstMap(s seen) bool { return s.isFirst }

func seesOnline(count int) func(seen) bool {
	return func(s seen) bool { return s.online >= count }
}

func (r *run) fewestPeers() int {
	fewest := -1
	for _, s := range r.crowd.streams {
		s.mu.Lock()
		if fewest < 0 || s.first < fewest {
			fewest = s.first
		}
		s.mu.Unlock()
	}
	return fewest
}

// move has one client tell of a new endpoint, and waits until all others were told.
func (r *run) move() figures {
	count := len(r.crowd.streams)
	r.moves++
	who := r.moves * 7 % count
	c := r.crowd.streams[who].client
	at := c.moveTo(who, r.moves).String()
	f := figures{Name: "endpoint change", Count: count - 1}
	b := r.before()
	k := r.crowd.watch(count, func(s seen) bool { return hasEndpoint(s.mapResponse, at) })[0]
	k.spare(who)
	ctx, cancel := context.WithTimeout(context.Background(), requestPatience)
	defer cancel()
	if err := c.report(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "  endpoint change: %v\n", err)
	}
	r.heard(k, b, &f)
	return f
}

// arrive registers a new node, has it open its stream, and waits until all others were told.
func (r *run) arrive() figures {
	count := len(r.crowd.streams)
	c := newClient(r.control, len(r.clients))
	name := c.node.Public().String()
	f := figures{Name: "new node", Count: count}
	b := r.before()
	k := r.crowd.watch(count, func(s seen) bool { return hasNode(s.mapResponse, name) })[0]
	if err := joinOnce(c); err != nil {
		fmt.Fprintf(os.Stderr, "  new node: %v\n", err)
	}
	answered := float64(time.Since(b.began)) / 1e6
	newcomer := newStream(c, count, r.crowd)
	newcomer.reports = true
	newcomer.start()
	r.heard(k, b, &f)
	f.Answered = answered
	r.clients = append(r.clients, c)
	r.crowd.streams = append(r.crowd.streams, newcomer)
	return f
}

func (r *run) heard(k *mark, b before, f *figures) {
	f.Answered = float64(time.Since(b.began)) / 1e6
	millis, lost := k.wait(tellPatience)
	f.Lost = lost
	f.spread(millis)
	f.WholeMs = f.Last
	r.settle()
	r.since(b, f)
}

func (r *run) settle() {
	r.crowd.settle(r.options.quiet, settlePatience)
}

func hasEndpoint(m *mapResponse, at string) bool {
	for _, p := range m.PeersChangedPatch {
		if slices.Contains(p.Endpoints, at) {
			return true
		}
	}
	is := func(p peer) bool { return slices.Contains(p.Endpoints, at) }
	return slices.ContainsFunc(m.PeersChanged, is) || slices.ContainsFunc(m.Peers, is)
}

func hasNode(m *mapResponse, name string) bool {
	is := func(p peer) bool { return p.Key == name }
	return slices.ContainsFunc(m.PeersChanged, is) || slices.ContainsFunc(m.Peers, is)
}
