// The load program: plays many nodes against a control server, whichever it is, and
// prints what that took. README.md beside this folder says how to read it.

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"tailscale.com/control/tsp"
	"tailscale.com/types/key"
)

type options struct {
	streams, registrations, hands, rounds, opening int
	quiet, idle                                    time.Duration
	restart, json                                  string
	reports                                        bool
}

type run struct {
	options options
	control *control
	server  *server
	crowd   *crowd
	clients []*client // all that are registered
	moves   int       // endpoint changes so far
	report  report
}

func main() {
	if err := play(); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func play() error {
	var o options
	url := flag.String("url", "", "the control server, as clients are given it")
	authKey := flag.String("authkey", "", "a reusable auth key; AUTHKEY in the environment is the same and not seen by other users")
	pid := flag.String("pid", "", "the server's process IDs, with commas between: their memory and processor time are told, children included")
	flag.IntVar(&o.streams, "streams", 500, "clients that hold a map stream")
	flag.IntVar(&o.registrations, "registrations", 200, "registrations, one after another and again several at a time")
	flag.IntVar(&o.hands, "hands", 16, "how many at a time")
	flag.IntVar(&o.opening, "opening", 0, "streams that are opened at the same time; 0 for all")
	flag.IntVar(&o.rounds, "rounds", 5, "endpoint changes and new nodes")
	flag.DurationVar(&o.quiet, "quiet", 2*time.Second, "how long nothing comes before a round counts as over")
	flag.DurationVar(&o.idle, "idle", 0, "how long to watch all streams wait")
	flag.StringVar(&o.restart, "restart", "", "a shell command that kills the server and starts it again; - to be asked by the line `restart`")
	flag.StringVar(&o.json, "json", "", "a file for the figures as JSON")
	flag.BoolVar(&o.reports, "reports", false, "all clients tell of their endpoints once their streams are open, as tailscaled does; else the newcomers alone")
	flag.Parse()
	if *authKey == "" {
		*authKey = os.Getenv("AUTHKEY")
	}
	if *url == "" || flag.NArg() > 0 {
		return errors.New("needs --url, and takes no other arguments than flags")
	}
	roots, err := parsePids(*pid)
	if err != nil {
		return err
	}
	public, err := discover(*url)
	if err != nil {
		return err
	}
	r := &run{
		options: o, server: &server{roots}, crowd: newCrowd(),
		control: &control{url: *url, key: public, authKey: *authKey},
		report:  report{URL: *url, Streams: o.streams},
	}
	return r.all()
}

func discover(url string) (key.MachinePublic, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return tsp.DiscoverServerKey(ctx, url)
}

// all runs every part in order and prints the table, also where a part failed.
func (r *run) all() error {
	err := r.parts()
	for _, s := range r.crowd.streams {
		go s.stop()
	}
	out := &r.report
	out.Nodes, out.Dropped, out.Endings = len(r.clients), int(r.crowd.dropped.Load()), r.crowd.said
	for _, f := range out.Phases {
		out.Lost += f.Lost
	}
	out.print(os.Stderr)
	if r.options.json != "" {
		err = errors.Join(err, out.write(r.options.json))
	}
	return err
}

func (r *run) add(f figures) {
	r.report.Phases = append(r.report.Phases, f)
	fmt.Fprintf(os.Stderr, "%s: median %.1f ms, last %.1f ms, lost %d\n", f.Name, f.Median, f.Last, f.Lost)
}

func (r *run) parts() error {
	o := r.options
	for _, hands := range []int{1, o.hands} {
		f, err := r.register(o.registrations, hands)
		r.add(f)
		if err != nil {
			return err
		}
	}
	if missing := o.streams - len(r.clients); missing > 0 {
		f, err := r.register(missing, o.hands)
		f.Name = "the rest of the registrations"
		r.add(f)
		if err != nil {
			return err
		}
	}
	if len(r.clients) < o.streams {
		return fmt.Errorf("%d clients are registered, of %d", len(r.clients), o.streams)
	}
	maps, complete := r.open()
	r.add(maps)
	r.add(complete)
	if o.rounds > 0 {
		r.add(r.repeat(r.move))
		r.add(r.repeat(r.arrive))
	}
	if o.idle > 0 {
		r.add(r.idle())
	}
	r.report.Memory = r.server.memory()
	if o.restart != "" {
		maps, complete, err := r.storm()
		r.add(maps)
		r.add(complete)
		if err != nil {
			return err
		}
		r.add(r.repeat(r.move))
	}
	r.report.Standing = r.crowd.standing(len(r.clients), len(r.crowd.streams))
	return nil
}

// repeat does it once for practice and then so many times.
func (r *run) repeat(do func() figures) figures {
	do()
	rounds := make([]figures, r.options.rounds)
	for i := range rounds {
		rounds[i] = do()
	}
	return middle(rounds)
}
