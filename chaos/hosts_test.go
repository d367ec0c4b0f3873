package chaos

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOnlyLoopbackAndNamedHostsAreAllowed(t *testing.T) {
	hosts := Hosts{"idp.example", "10.0.0.7"}
	for _, host := range []string{"localhost", "LocalHost", "127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", "idp.example", "IDP.Example", "10.0.0.7"} {
		assert.NoError(t, hosts.Check(host), host)
	}
	for _, host := range []string{"", "0.0.0.0", "::", "10.0.0.70", "api.idp.example", "idp.example.org", "localhost.example", "127.0.0.1.example", "2130706433", "0x7f.1"} {
		require.EqualError(t, hosts.Check(host), "host "+host+" is not allowed; expected --allow-host "+host)
	}
}

func TestANameThatWasNotAllowedIsNotDialled(t *testing.T) {
	err := Hosts{"idp.example"}.Control("api.example")("tcp", "10.0.0.1:443", nil)
	require.EqualError(t, err, "host api.example is not allowed; expected --allow-host api.example")
	assert.NoError(t, Hosts{}.Control("api.example")("tcp", "127.0.0.1:443", nil), "it is this machine")
}
