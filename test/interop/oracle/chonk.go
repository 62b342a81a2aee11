package main

import (
	"os"
	"time"

	"tailscale.com/tka"
	"tailscale.com/tstest"
)

// agedChonk is a Chonk whose commit times a play may set. The storage under it is
// Tailscale's own, and where no time was set it answers.
type agedChonk struct {
	tka.CompactableChonk
	ages map[tka.AUMHash]time.Time
}

func (c *agedChonk) CommitTime(h tka.AUMHash) (time.Time, error) {
	stored, err := c.CompactableChonk.CommitTime(h)
	if err != nil {
		return stored, err
	}
	if t, ok := c.ages[h]; ok {
		return t, nil
	}
	return stored, nil
}

// setAge has one AUM look as if committed so many seconds ago.
func (c *agedChonk) setAge(h tka.AUMHash, seconds float64) {
	if c.ages == nil {
		c.ages = map[tka.AUMHash]time.Time{}
	}
	c.ages[h] = secondsAgo(seconds)
}

func secondsAgo(seconds float64) time.Time {
	return time.Now().Add(-time.Duration(seconds * float64(time.Second)))
}

// memChonk makes an empty memory Chonk. Its clock stands still age seconds ago, or
// is the real one when age is nil.
func memChonk(age *float64) *agedChonk {
	mem := tka.ChonkMem()
	setClock(mem, age)
	return &agedChonk{CompactableChonk: mem}
}

func setClock(mem *tka.Mem, age *float64) {
	if age != nil {
		mem.SetClock(tstest.NewClock(tstest.ClockOpts{Start: secondsAgo(*age)}))
	}
}

// dirChonk makes an empty Chonk in a temporary directory of its own.
func dirChonk() (chonk *agedChonk, dir string, err error) {
	dir, err = scratchDir()
	if err != nil {
		return nil, "", err
	}
	fs, err := tka.ChonkDir(dir)
	if err != nil {
		os.RemoveAll(dir)
		return nil, "", err
	}
	return &agedChonk{CompactableChonk: fs}, dir, nil
}

// scratchDir makes a temporary directory, in memory where the system offers that:
// Chonks sync every file that they write.
func scratchDir() (string, error) {
	if dir, err := os.MkdirTemp("/dev/shm", "oracle-"); err == nil {
		return dir, nil
	}
	return os.MkdirTemp("", "oracle-")
}
