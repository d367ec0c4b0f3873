package harness

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/tokendrill/tokendrill/fixtures/token"
)

func TestALookalikeKeepsTheKindOfAToken(t *testing.T) {
	model := "ory_at_" + strings.Repeat("xY3-", 20)
	one, other := Lookalike(model, token.Opaque), Lookalike(model, token.Opaque)
	assert.Regexp(t, `^ory_at_([A-Za-z0-9]{3}-){20}$`, one)
	assert.NotEqual(t, model, one)
	assert.NotEqual(t, one, other)
	assert.Len(t, Lookalike("a_b", token.Opaque), 3, "one that is too short is redrawn in all")
}

func TestCheckTimeIsToldOrNot(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"token;dur=1.5": 1500 * time.Microsecond, "app;dur=3, token;dur=0": 0, "": -1, "app;dur=3": -1, "token;dur=x": -1,
	} {
		got, told := CheckTime(http.Header{"Server-Timing": {header}})
		assert.Equal(t, want >= 0, told, header)
		if told {
			assert.Equal(t, want, got, header)
		}
	}
}
