package remote

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/tokendrill/tokendrill/chaos"
)

// Up is a role that is up, as its own process sees it.
type Up struct {
	// URL is the base URL of the address that it listens on. Where that is every
	// interface it is of no use to others.
	URL string `json:"url"`
	// Hops are the names of its links, sorted.
	Hops []string `json:"hops"`
}

// placing is a fault to inject into hops of the role.
type placing struct {
	Fault  string       `json:"fault"`
	Params chaos.Params `json:"params"`
	Hops   []string     `json:"hops"`
	Seed   uint64       `json:"seed"`
}

// telling is what a verb is told.
type telling struct {
	Amount float64 `json:"amount"`
}

// counts are those of a fault or a verb.
type counts struct {
	Met   int64 `json:"met"`
	Clear int64 `json:"clear"`
}

// failure is the body of an error.
type failure struct {
	Error string `json:"error"`
}

const (
	// headerOrder numbers the requests that change something.
	headerOrder = "Tokendrill-Order"
	// maxRole bounds a role as JSON, in bytes, and maxBody every other body. A role is
	// some 10 KiB long.
	maxRole = 1 << 20
	maxBody = 64 << 10
)

// HashKey is what [Options] have instead of a key: its SHA-256 as hex.
func HashKey(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// decode reads one JSON value and nothing else. Its errors show no value that was
// read: it may be a secret.
func decode(body []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return unread(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more than one JSON value")
	}
	return nil
}

// unread is what can be told of an error of decoding.
func unread(err error) error {
	var syntax *json.SyntaxError
	var mistyped *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("it is no JSON at byte %d", syntax.Offset)
	case errors.As(err, &mistyped):
		return fmt.Errorf("something in it is no %s", mistyped.Type)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("it ends too early")
	}
	return errors.New("a field is unknown, or has a value that it cannot have")
}
