package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
)

// victim is a process that a fault breaks: a server that answers until its
// standard input ends. The first line it prints is its address.
func victim() {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		os.Exit(1)
	}
	fmt.Println(ln.Addr())
	go http.Serve(ln, http.NotFoundHandler())
	io.Copy(io.Discard, os.Stdin)
}
