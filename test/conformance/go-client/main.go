// Go's HTTP/2 clients, the ones that Tailscale's clients use, against a server in clear text:
//
//	go-client std|x ADDRESS
//
// std is net/http's own, which current clients speak inside Noise; x is golang.org/x/net/http2's, of older ones.
// Prints one JSON object: what each play came to.
package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"golang.org/x/net/http2"
)

var client *http.Client
var base string

// pingAfter is how long a connection is quiet before the client asks whether it lives.
const pingAfter = 50 * time.Millisecond

// dialled counts connections: all plays share one.
var dialled int

func ask(ctx context.Context, method, path string, body int, more ...string) string {
	req, err := http.NewRequestWithContext(ctx, method, base+path, bytes.NewReader(make([]byte, body)))
	if err != nil {
		return err.Error()
	}
	for i := 0; i+1 < len(more); i += 2 {
		req.Header.Add(more[i], more[i+1])
	}
	res, err := client.Do(req)
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return err.Error()
	}
	if len(answer) > 200 {
		return fmt.Sprintf("%d, %d octets", res.StatusCode, len(answer))
	}
	return fmt.Sprintf("%d, %s", res.StatusCode, answer)
}

func together(count int, path string, body int) []string {
	came := make([]string, count)
	var group sync.WaitGroup
	for i := range came {
		group.Add(1)
		go func() {
			defer group.Done()
			came[i] = ask(context.Background(), "POST", path, body)
		}()
	}
	group.Wait()
	return came
}

// givenUp begins a stream that never ends and leaves it, many times.
func givenUp(times int) string {
	for range times {
		ctx, cancel := context.WithCancel(context.Background())
		req, _ := http.NewRequestWithContext(ctx, "POST", base+"/stream", nil)
		res, err := client.Do(req)
		if err != nil {
			cancel()
			return err.Error()
		}
		if _, err := io.ReadFull(res.Body, make([]byte, 4)); err != nil {
			cancel()
			return err.Error()
		}
		cancel()
		res.Body.Close()
	}
	return "left"
}

func dial(_ context.Context, network, address string) (net.Conn, error) {
	dialled++
	return net.Dial(network, address)
}

func std() http.RoundTripper {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Transport{
		Protocols:   protocols,
		DialContext: dial,
		HTTP2:       &http.HTTP2Config{SendPingTimeout: pingAfter},
	}
}

func x() http.RoundTripper {
	return &http2.Transport{
		AllowHTTP:       true,
		ReadIdleTimeout: pingAfter,
		DialTLSContext: func(ctx context.Context, network, address string, _ *tls.Config) (net.Conn, error) {
			return dial(ctx, network, address)
		},
	}
}

func main() {
	base = "http://" + os.Args[2]
	if os.Args[1] == "std" {
		client = &http.Client{Transport: std()}
	} else {
		client = &http.Client{Transport: x()}
	}
	ctx := context.Background()
	result := map[string]any{
		"get":     ask(ctx, "GET", "/?a=b", 0),
		"getBody": ask(ctx, "GET", "/", 55),
		"post":    ask(ctx, "POST", "/", 3_000_000),
		"again":   ask(ctx, "POST", "/", 10, "x-asked", "one", "x-asked", "two"),
		"large":   ask(ctx, "GET", "/large", 0),
		"many":    together(20, "/", 1000),
		"heavy":   together(4, "/large", 300_000),
		"givenUp": givenUp(30),
		"quiet":   func() string { time.Sleep(300 * time.Millisecond); return ask(ctx, "GET", "/", 0) }(),
		"tooMuch": ask(ctx, "GET", "/", 0, "x-much", string(bytes.Repeat([]byte("x"), 20_000))),
		"after":   ask(ctx, "GET", "/", 0),
	}
	result["dialled"] = dialled
	json.NewEncoder(os.Stdout).Encode(result)
}
