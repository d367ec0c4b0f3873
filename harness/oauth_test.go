package harness

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/scenarios"
)

// The reference authority must issue what a plan asks for, and nothing else.
func TestTheOperatorGetsTokensOfEveryKindThatAPlanAsksFor(t *testing.T) {
	p := planOf(t, provoked, 1)
	site, err := Embedded{}.Start(t.Context(), p)
	require.NoError(t, err)
	defer site.Close()
	issue := func(g Grant) (Issued, token.Claims) {
		g.Format, g.Scope = token.JWT, []string{"read"}
		got, err := site.Authority.Issue(t.Context(), g)
		require.NoError(t, err, "%+v", g)
		claims, err := token.Verify(got.Token, site.Ring.Public(), token.Expect{Type: token.TypeAccess, Issuer: site.Issuer}, time.Now())
		if !g.NoExpiry { // a verifier of ours takes none
			require.NoError(t, err, "%+v", g)
		}
		return got, claims
	}

	usual, claims := issue(Grant{})
	assert.Equal(t, 10*time.Minute, usual.ExpiresIn)
	assert.Equal(t, []string{audience}, claims.Audience)
	assert.Equal(t, []string{"read"}, claims.Scope)

	short, claims := issue(Grant{Lifetime: scenarios.ShortLife})
	assert.LessOrEqual(t, short.ExpiresIn, scenarios.ShortLife)
	assert.LessOrEqual(t, time.Until(claims.Expires), scenarios.ShortLife)

	_, claims = issue(Grant{Audience: "tenant-b"})
	assert.Equal(t, []string{"tenant-b"}, claims.Audience)

	_, claims = issue(Grant{ACR: "mfa"})
	assert.Equal(t, "mfa", claims.ACR)

	undated, _ := issue(Grant{NoExpiry: true})
	assert.Zero(t, undated.ExpiresIn)

	child, claims := issue(Grant{Child: true, Group: "family"})
	assert.Equal(t, []string{originAudience}, claims.Audience)
	assert.NotEmpty(t, child.Parent)
	assert.NotEmpty(t, claims.Parent, "it names what it was exchanged for")
	status, err := site.Authority.Revoke(t.Context(), child.Parent)
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, status)

	_, claims = issue(Grant{Group: "family"})
	assert.Equal(t, "family", claims.Subject)
	status, err = site.Authority.RevokeAll(t.Context(), "family")
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, status)

	_, err = site.Authority.Issue(t.Context(), Grant{Format: token.JWT, Audience: "nobody"})
	require.EqualError(t, err, "token endpoint: no client gets jwt tokens like this")
}
