package harness

import (
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/tokendrill/tokendrill/fixtures/token"
)

// CheckTime is how long a gateway says that it took to decide about the token of a
// request: the metric "token" of Server-Timing. It is false if the answer does not tell.
func CheckTime(h http.Header) (time.Duration, bool) {
	d := answerCheck(h)
	return d, d >= 0
}

// ReplicaName is the name of a replica as a run keeps it, from what its header says:
// printable and at most 64 characters.
func ReplicaName(told string) string { return answerReplica(told) }

// maxKind is the longest beginning of an opaque token that may say of what kind it
// is, such as "ory_at_".
const maxKind = 12

// Lookalike is a token that nobody issued, with the shape of one that was. It is
// another one each time.
func Lookalike(model string, format token.Format) string {
	rng := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	kind := strings.LastIndexByte(model[:min(len(model), maxKind)], '_') + 1
	return lookalike(rng, model, format, kind, 0)
}
