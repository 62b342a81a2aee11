// The figures as a table for people and as JSON for programs.

package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"sync"
	"text/tabwriter"
)

// quantile gives the value below which that share of the sorted values lies, between neighbours by their distance.
func quantile(sorted []float64, share float64) float64 {
	at := share * float64(len(sorted)-1)
	low, high := sorted[int(math.Floor(at))], sorted[int(math.Ceil(at))]
	return low + (high-low)*(at-math.Floor(at))
}

// each calls `do` for 0 to count-1, `hands` at a time.
func each(count, hands int, do func(int)) {
	next := make(chan int)
	var all sync.WaitGroup
	for range min(hands, count) {
		all.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for i := range count {
		next <- i
	}
	close(next)
	all.Wait()
}

type report struct {
	URL      string         `json:"url"`
	Streams  int            `json:"streams"`
	Nodes    int            `json:"nodes"`
	Phases   []figures      `json:"phases"`
	Dropped  int            `json:"dropped"`
	Lost     int            `json:"lost"`
	Memory   int64          `json:"serverBytes"`
	Standing standing       `json:"views"`
	Endings  map[string]int `json:"endings"`
}

// middle gives the figures of several rounds of the same: medians, but the worst last and the sums of what should not be.
func middle(rounds []figures) figures {
	f := rounds[0]
	of := func(get func(*figures) float64) float64 {
		values := make([]float64, len(rounds))
		for i := range rounds {
			values[i] = get(&rounds[i])
		}
		slices.Sort(values)
		return quantile(values, 0.5)
	}
	f.First = of(func(f *figures) float64 { return f.First })
	f.Median = of(func(f *figures) float64 { return f.Median })
	f.P99 = of(func(f *figures) float64 { return f.P99 })
	f.Last = of(func(f *figures) float64 { return f.Last })
	f.WholeMs = of(func(f *figures) float64 { return f.WholeMs })
	f.Bytes = of(func(f *figures) float64 { return f.Bytes })
	f.JSON = of(func(f *figures) float64 { return f.JSON })
	f.Frames = of(func(f *figures) float64 { return f.Frames })
	f.CPU = of(func(f *figures) float64 { return f.CPU })
	f.Answered = of(func(f *figures) float64 { return f.Answered })
	f.SettledMs = of(func(f *figures) float64 { return f.SettledMs })
	f.Lost, f.Dropped, f.Refused = 0, 0, 0
	for _, round := range rounds {
		f.Lost += round.Lost
		f.Dropped += round.Dropped
		f.Refused += round.Refused
	}
	f.Name = fmt.Sprintf("%s (median of %d)", f.Name, len(rounds))
	return f
}

func (r *report) print(out *os.File) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "\tcount\tfirst ms\tmedian ms\t99th ms\tlast ms\tlost\tdropped\tbytes/stream\tmessages/stream\tserver CPU ms\t")
	for _, f := range r.Phases {
		fmt.Fprintf(table, "%s\t%d\t%.1f\t%.1f\t%.1f\t%.1f\t%d\t%d\t%.0f\t%.1f\t%.0f\t\n",
			f.Name, f.Count, f.First, f.Median, f.P99, f.Last, f.Lost, f.Dropped, f.Bytes, f.Frames, f.CPU)
	}
	table.Flush()
	fmt.Fprintf(out, "%d streams dropped, %d updates lost; server %.0f MiB\n", r.Dropped, r.Lost, float64(r.Memory)/(1<<20))
	s := r.Standing
	fmt.Fprintf(out, "in the end %d of %d streams do not know all of %d peers, %d not all as online; %d patches for unknown nodes\n",
		s.Incomplete, r.Streams, s.Expected, s.NotOnline, s.Patchless)
	for said, times := range r.Endings {
		fmt.Fprintf(out, "  %d x %s\n", times, said)
	}
}

func (r *report) write(path string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}
