package chaos

import (
	"os"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// guide:begin
func answerTruncate() Spec {
	return Spec{
		Name: "answer.truncate", Place: OnLink, Links: []string{"gateway-authority"},
		Does:   "Cuts the bodies of answers in half.",
		Params: []Param{paramShare("answers"), paramPath("every path")},
		Met:    "answers that were cut", Clear: "answers that arrived whole",
		Models: "A proxy that gives up in the middle.",
		Source: "name the incident or the bug here, so that others can read about it",
		New: func(p Params) Fault {
			return tamper{scope: p.scope(), concerns: plainAnswer, begin: halved}
		},
	}
}

func halved() func(string, *answer) bool {
	return func(_ string, a *answer) bool {
		a.replace(a.body[:len(a.body)/2], a.Header.Get("Content-Type"))
		return true
	}
}

// guide:end

// The guide's example is code that works, and stands there as it stands here.
func TestTheExampleOfTheGuideWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hit, other := two()
		i, err := answerTruncate().New(Params{}).Inject(t.Context(), Target{Links: []*Link{hit}})
		require.NoError(t, err)
		got, err := call(t, hit, fine, "GET", "/", "")
		require.NoError(t, err)
		assert.Equal(t, "fi", got.body)
		untouched(t, other, 0)
		require.NoError(t, i.Heal(t.Context()))
		untouched(t, hit, 0)
		assert.EqualValues(t, 1, i.Met())
		assert.EqualValues(t, 1, i.Clear())
	})
	source, err := os.ReadFile("truncate_test.go")
	require.NoError(t, err)
	_, rest, _ := strings.Cut(string(source), "// guide:begin\n")
	example, _, _ := strings.Cut(rest, "\n// guide:end")
	guide, err := os.ReadFile("../docs/faults.md")
	require.NoError(t, err)
	assert.Contains(t, string(guide), "```go\n"+example+"```\n")
}
