// Helper of the plays with real clients: what stands beside the control plane, in one program.
//
//	helper relay ADDRESS DERP STUN   a DERP server (TLS, a certificate of its own making) and STUN on these two ports of ADDRESS
//	helper echo PORT                 answers every line on TCP port PORT with "echo: " and the line
//
// Both print one line "ready" on standard output, and end when standard input ends.
package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"strings"
)

const usage = "usage: helper relay ADDRESS DERP-PORT STUN-PORT | helper echo PORT"

func main() {
	log.SetFlags(0)
	if len(os.Args) < 3 {
		log.Fatal(usage)
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	switch os.Args[1] {
	case "relay":
		if len(os.Args) < 5 {
			log.Fatal(usage)
		}
		relay(context.Background(), os.Args[2], os.Args[3], os.Args[4])
	case "echo":
		echo(os.Args[2])
	default:
		log.Fatalf("unknown command %q", os.Args[1])
	}
}

// echo serves on every address, so also on those that come later.
func echo(port string) {
	listener, err := net.Listen("tcp", net.JoinHostPort("", port))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("ready")
	for {
		conn, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go answer(conn)
	}
}

func answer(conn net.Conn) {
	defer conn.Close()
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		if _, err := fmt.Fprintf(conn, "echo: %s\n", strings.TrimSpace(lines.Text())); err != nil {
			return
		}
	}
}
