// Tailscale's own control server for tests, all in memory, as a program: a yardstick for the load program.

package main

import (
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"

	"tailscale.com/tailcfg"
	"tailscale.com/tstest/integration/testcontrol"
	"tailscale.com/types/logger"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "where to listen")
	flag.Parse()
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	url := "http://" + listener.Addr().String()
	server := &testcontrol.Server{
		Logf:             logger.Discard,
		DERPMap:          &tailcfg.DERPMap{},
		AllNodesSameUser: true,
		ExplicitBaseURL:  url,
	}
	fmt.Fprintln(os.Stdout, url)
	log.Fatal(http.Serve(listener, server))
}
