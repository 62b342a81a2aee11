// A server that goes away under all its streams and comes back, and a spell in which nothing happens.

package main

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"
)

// restart has the server killed and started anew: by a shell command, or, where that is "-", by whoever reads
// this program's standard output and answers on its standard input. What comes back may name the new process IDs.
func (r *run) restart() error {
	said := ""
	if r.options.restart == "-" {
		fmt.Println("restart")
		line, err := bufio.NewReader(os.Stdin).ReadString('\n')
		if err != nil {
			return fmt.Errorf("waiting for the restart: %w", err)
		}
		said = line
	} else {
		out, err := exec.Command("sh", "-c", r.options.restart).Output()
		if err != nil {
			return fmt.Errorf("--restart: %w", err)
		}
		said = string(out)
	}
	if pids, err := parsePids(strings.TrimSpace(said)); err == nil && len(pids) > 0 {
		r.server.roots = pids
	}
	return nil
}

func (r *run) waitUntilUp(patience time.Duration) error {
	short := &http.Client{Timeout: 2 * time.Second}
	for until := time.Now().Add(patience); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
		response, err := short.Get(r.control.url + "/key?v=100")
		if err != nil {
			continue
		}
		response.Body.Close()
		if response.StatusCode == http.StatusOK {
			return nil
		}
	}
	return fmt.Errorf("the server did not come back")
}

// storm measures how all streams come back, from the moment the server answers again.
func (r *run) storm() (maps, complete figures, err error) {
	count := len(r.crowd.streams)
	maps = figures{Name: "all come back after a restart", Count: count}
	r.crowd.isKilling.Store(true)
	if err := r.restart(); err != nil {
		return maps, complete, err
	}
	if err := r.waitUntilUp(time.Minute); err != nil {
		return maps, complete, err
	}
	b := r.before()
	b.cpu = 0
	marks := r.crowd.watch(count, isFirstMap, seesOnline(count-1))
	for i, s := range r.crowd.streams {
		known, online := s.standing()
		if s.isBack() {
			marks[0].note(i, b.began)
		}
		if known > 0 && s.isBack() && online >= count-1 {
			marks[1].note(i, b.began)
		}
	}
	r.crowd.isKilling.Store(false)
	complete = r.opened(&maps, marks, b)
	complete.Name += " again"
	return maps, complete, nil
}

func (s *stream) isBack() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.isUp
}

// idle measures what it costs that all wait.
func (r *run) idle() figures {
	f := figures{Name: fmt.Sprintf("idle for %s", r.options.idle), Count: len(r.crowd.streams)}
	b := r.before()
	time.Sleep(r.options.idle)
	r.since(b, &f)
	f.SettledMs = 0
	return f
}
