// The relay: a DERP server and STUN.
//
// The certificate is made anew on each start and nobody checks it: a client is told so by InsecureForTests in the DERP map.

package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"time"

	"tailscale.com/derp/derpserver"
	"tailscale.com/net/stunserver"
	"tailscale.com/types/key"
)

func relay(ctx context.Context, address, derpPort, stunPort string) {
	stun := stunserver.New(ctx)
	if err := stun.Listen(net.JoinHostPort(address, stunPort)); err != nil {
		log.Fatal(err)
	}
	go func() { log.Fatal(stun.Serve()) }()

	derp := derpserver.New(key.NewNode(), func(string, ...any) {})
	mux := http.NewServeMux()
	// A browser's client comes by WebSocket.
	mux.Handle("/derp", derpserver.AddWebSocketSupport(derp, derpserver.Handler(derp)))
	mux.HandleFunc("/derp/probe", derpserver.ProbeHandler)
	mux.HandleFunc("/derp/latency-check", derpserver.ProbeHandler)
	mux.Handle("/generate_204", http.HandlerFunc(derpserver.ServeNoContent))
	listener, err := tls.Listen("tcp", net.JoinHostPort(address, derpPort), &tls.Config{
		Certificates: []tls.Certificate{certificate(address)},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("ready")
	server := &http.Server{
		Handler: mux,
		// A client of DERP speaks HTTP/1.1 and upgrades.
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){},
		ErrorLog:     log.New(io.Discard, "", 0),
	}
	log.Fatal(server.Serve(listener))
}

// certificate makes one for this address, good for two days.
func certificate(address string) tls.Certificate {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: address},
		IPAddresses:  []net.IP{net.ParseIP(address)},
		NotBefore:    time.Now().Add(-24 * time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		log.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}
}
