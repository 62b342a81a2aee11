package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"sync"

	"tailscale.com/control/controlbase"
	"tailscale.com/types/key"
)

// The Noise connection of the control protocol, between Go's client and Go's server, with all that they draw named: so that another
// server can be given the same, and must say the same.

var _ = register("noise.exchange", typed(noiseExchange))

type noiseRequest struct {
	// Seed is what the random bytes are made from.
	Seed    string `json:"seed"`
	Version uint16 `json:"version"`
	// FromClient and FromServer are sizes of plaintexts, whose byte i is 7 times i.
	FromClient []int `json:"fromClient"`
	FromServer []int `json:"fromServer"`
}

type noiseAnswer struct {
	// Control and Machine are private keys in their text form.
	Control       string `json:"control"`
	ControlPublic string `json:"controlPublic"`
	Machine       string `json:"machine"`
	MachinePublic string `json:"machinePublic"`
	// ClientEphemeral and ServerEphemeral are private keys as they were drawn.
	ClientEphemeral []byte `json:"clientEphemeral"`
	ServerEphemeral []byte `json:"serverEphemeral"`
	Initiation      []byte `json:"initiation"`
	Response        []byte `json:"response"`
	// What each plaintext became on the wire, one record or more.
	FromClient [][]byte `json:"fromClient"`
	FromServer [][]byte `json:"fromServer"`
}

// seeded gives random bytes that follow from a seed, and keeps them.
type seeded struct {
	seed  string
	drawn [][]byte
}

func (s *seeded) Read(b []byte) (int, error) {
	sum := sha256.Sum256([]byte(fmt.Sprintf("%s %d", s.seed, len(s.drawn))))
	n := copy(b, sum[:])
	s.drawn = append(s.drawn, append([]byte(nil), b[:n]...))
	return n, nil
}

// tapped keeps what is written.
type tapped struct {
	net.Conn
	written []byte
}

func (t *tapped) Write(b []byte) (int, error) {
	t.written = append(t.written, b...)
	return t.Conn.Write(b)
}

// randomness is the process's own: one exchange at a time borrows it.
var randomness sync.Mutex

func noiseExchange(req noiseRequest) (noiseAnswer, error) {
	randomness.Lock()
	defer randomness.Unlock()
	drawing := &seeded{seed: req.Seed}
	own := rand.Reader
	rand.Reader = drawing
	defer func() { rand.Reader = own }()

	control, machine := key.NewMachine(), key.NewMachine()
	initiation, goOn, err := controlbase.ClientDeferred(machine, control.Public(), req.Version)
	if err != nil {
		return noiseAnswer{}, err
	}
	near, far := net.Pipe()
	client, server := &tapped{Conn: near}, &tapped{Conn: far}
	defer client.Close()
	defer server.Close()
	type finished struct {
		conn *controlbase.Conn
		err  error
	}
	done := make(chan finished, 1)
	go func() {
		conn, err := goOn(context.Background(), client)
		done <- finished{conn, err}
	}()
	served, err := controlbase.Server(context.Background(), server, control, initiation)
	if err != nil {
		return noiseAnswer{}, err
	}
	asked := <-done
	if asked.err != nil {
		return noiseAnswer{}, asked.err
	}
	out := noiseAnswer{
		Control: privateText(control), ControlPublic: control.Public().String(),
		Machine: privateText(machine), MachinePublic: machine.Public().String(),
		ClientEphemeral: drawing.drawn[2], ServerEphemeral: drawing.drawn[3],
		Initiation: initiation, Response: append([]byte(nil), server.written...),
	}
	if out.FromClient, err = moved(asked.conn, served, client, req.FromClient); err != nil {
		return noiseAnswer{}, err
	}
	out.FromServer, err = moved(served, asked.conn, server, req.FromServer)
	return out, err
}

func privateText(k key.MachinePrivate) string {
	text, err := k.MarshalText()
	if err != nil {
		panic(err)
	}
	return string(text)
}

// moved sends plaintexts of these sizes, and gives what each became on the wire.
func moved(from, to *controlbase.Conn, wire *tapped, sizes []int) ([][]byte, error) {
	all := [][]byte{}
	for _, size := range sizes {
		plain := make([]byte, size)
		for i := range plain {
			plain[i] = byte(i * 7)
		}
		wire.written = nil
		sent := make(chan error, 1)
		go func() {
			_, err := from.Write(plain)
			sent <- err
		}()
		if _, err := io.ReadFull(to, make([]byte, size)); err != nil {
			return nil, err
		}
		if err := <-sent; err != nil {
			return nil, err
		}
		all = append(all, append([]byte(nil), wire.written...))
	}
	return all, nil
}
