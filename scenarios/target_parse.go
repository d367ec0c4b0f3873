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
	t := &Target{
		Dir:        filepath.Dir(file),
		Connection: Connection{Timeout: 10 * time.Second},
		Authority:  TargetAuthority{TokenType: string(token.Opaque), Client: Client{Auth: ClientSecretBasic}, Revoke: RevokeBy{Kind: KindToken}},
		Probe:      Probe{Method: http.MethodGet},
		Verdict:    Verdict{Accept: []Rule{{Status: "2xx"}}, Reject: []Rule{{Status: "401"}, {Status: "403"}}},
		Limits:     Limits{Rate: 100, Tokens: 500, Duration: 10 * time.Minute},
	}
	doc, err := decode(data, file, "target", t)
	if err != nil {
		return nil, err
	}
	if err := validateTarget(t, doc); err != nil {
		return nil, err
	}
	return t, nil
}
