// Upstream is somebody's software: it answers with its arguments, an environment
// variable and a file of its configuration.
package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "fail" {
		fmt.Fprintln(os.Stderr, "upstream: no license")
		os.Exit(7)
	}
	text, err := os.ReadFile("/etc/upstream/upstream.conf")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "%v, %s, %s", os.Args[1:], os.Getenv("GREETING"), text)
	})
	fmt.Fprintln(os.Stderr, http.ListenAndServe(":9090", nil))
}
