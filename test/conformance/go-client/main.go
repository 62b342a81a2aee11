// Go's HTTP/2 client, the one that Tailscale's clients use, against a server in clear text:
//
//	go-client ADDRESS
//
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

func main() {
	base = "http://" + os.Args[1]
	transport := &http2.Transport{
		AllowHTTP:       true,
		ReadIdleTimeout: 50 * time.Millisecond,
		DialTLSContext: func(_ context.Context, network, address string, _ *tls.Config) (net.Conn, error) {
			dialled++
			return net.Dial(network, address)
		},
	}
	client = &http.Client{Transport: transport}
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
