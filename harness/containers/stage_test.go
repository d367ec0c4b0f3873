package containers

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/fixtures/authority"
	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/fixtures/undisturbed"
	"github.com/tokendrill/tokendrill/harness"
	"github.com/tokendrill/tokendrill/harness/harnesstest"
)

// watched is a stage that a test looks at while it is up.
type watched struct {
	Stage
	look func(*harness.Site)
}

func (w watched) Start(ctx context.Context, p *harness.Plan) (*harness.Site, error) {
	site, err := w.Stage.Start(ctx, p)
	if err == nil {
		w.look(site)
	}
	return site, err
}

func TestContainersAreAStage(t *testing.T) {
	undisturbed.Long(t, "starts containers")
	t.Parallel()
	o := alone(t)
	p := plan(t, patient)
	someone := authority.Client{ID: "someone", Secret: rand.Text()}
	harnesstest.TestStage(t, watched{Stage{Options: o, Clients: []authority.Client{someone}}, func(site *harness.Site) {
		t.Run("it is listed", func(t *testing.T) { testListed(t, o, p, site) })
		t.Run("its containers are closed", func(t *testing.T) { testClosed(t, o, someone.Secret) })
	}}, p)
}

// testListed tests that a stage is listed with all its nodes.
func testListed(t *testing.T, o Options, p *harness.Plan, site *harness.Site) {
	s := only(t, o)
	assert.True(t, s.Alive)
	assert.Equal(t, []string{"stage", "prune", "--all", "--id", s.ID}, site.Sweep[1:])
	var want, got []string
	urls := map[string]string{}
	for _, kind := range harness.Roles() {
		want = append(want, p.Nodes(kind)...)
	}
	for _, b := range s.Boxes {
		got = append(got, b.Node)
		assert.Equal(t, "running", b.State, b.Node)
		urls[b.Node] = b.URL
	}
	slices.Sort(want)
	assert.Equal(t, want, got)
	for i, sys := range p.Systems {
		for j, name := range sys.Gateways {
			assert.Equal(t, site.Gateways[i][j], urls[sys.Pattern+"/"+name])
		}
	}
	assert.Equal(t, site.Floor, urls["upstream"]+"/")
}

// hashed is a command line that has no secret.
var hashed = regexp.MustCompile(`^serve [a-z]+ --listen :(8080|4222) --control :9000 --control-key-hash [0-9a-f]{64}$`)

// testClosed tests that nobody reads a secret off a container or reaches it from
// elsewhere, and that it reaches nobody but the others.
func testClosed(t *testing.T, o Options, secret string) {
	e, err := connect(t.Context())
	require.NoError(t, err)
	defer e.close()
	id := only(t, o).ID
	boxes, err := e.containers(t.Context(), id)
	require.NoError(t, err)
	for _, c := range boxes {
		is, err := e.ContainerInspect(t.Context(), c.ID, client.ContainerInspectOptions{})
		require.NoError(t, err)
		assert.NotContains(t, string(is.Raw), secret)
		testOpen(t, is.Container)
		assert.Regexp(t, `^control  http://\[::\]:9000\n$`, logs(t, e, c.ID), "what it has written")
	}
	networks, err := e.networks(t.Context(), id)
	require.NoError(t, err)
	require.Len(t, networks, 2)
	for _, n := range networks {
		assert.Equal(t, strings.HasSuffix(n.Name, "-"+networkData), n.Internal, n.Name)
	}
}

// testOpen tests what everybody can see of a container.
func testOpen(t *testing.T, is container.InspectResponse) {
	assert.Regexp(t, hashed, strings.Join(is.Config.Cmd, " "))
	assert.Len(t, is.Config.Env, 1)
	assert.True(t, strings.HasPrefix(is.Config.Env[0], "PATH="))
	for label := range is.Config.Labels {
		assert.Regexp(t, `^(tokendrill\.(stage|for|owner|size|node|role|port|image)|org\.testcontainers.*)$`, label)
	}
	assert.Len(t, is.NetworkSettings.Ports, 2)
	for port, bindings := range is.NetworkSettings.Ports {
		require.Len(t, bindings, 1, port)
		assert.Equal(t, loopback, bindings[0].HostIP)
	}
	assert.Len(t, is.NetworkSettings.Networks, 2)
}

// logs are what a container has written.
func logs(t *testing.T, e *engine, id string) string {
	r, err := e.ContainerLogs(t.Context(), id, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true})
	require.NoError(t, err)
	defer r.Close()
	text, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Greater(t, len(text), 8)
	return string(text[8:]) // behind the header of the only line
}

func TestAStageStartsSoonAndLeavesNothing(t *testing.T) {
	undisturbed.Long(t, "starts containers")
	o := alone(t)
	warm(t, o)
	undisturbed.Try(t, func(t *undisturbed.Attempt) {
		at := time.Now()
		site, err := Stage{Options: o}.Start(t.Context(), plan(t, patient))
		require.NoError(t, err)
		took := time.Since(at)
		at = time.Now()
		require.NoError(t, site.Close())
		t.Logf("started in %v, closed in %v", took, time.Since(at))
		assert.Less(t, took, 20*time.Second)
		assert.Empty(t, stages(t, o))
	})
}

// small is a plan of seven containers.
const small = `
name: small
about: one pattern
patterns: [cache]
traffic: {recording: sample, rate: 50/s, rounds: 1, slice: 100ms}
revocations: {tokens: 3}
`

func TestAStageThatDoesNotStartLeavesNothing(t *testing.T) {
	undisturbed.Long(t, "starts containers")
	t.Parallel()
	o := alone(t)
	path, theirs := someones(t)
	for _, row := range []struct{ name, binary, roles, want string }{
		{"a program that is no tokendrill", path, "{}", "has ended with 1: open /etc/upstream/upstream.conf: no such file"},
		{"an image that nobody has", o.Binary, `{cdn: {image: "nowhere.invalid/cdn:1"}}`, "roles.cdn: the engine does not have the image nowhere.invalid/cdn:1 and cannot pull it: "},
		{"a program that ends", o.Binary, `{upstream: {image: "` + theirs + `", command: [fail]}}`, "upstream has ended with 7: upstream: no license"},
		{"a program that is not there", o.Binary, `{upstream: {image: "` + theirs + `", command: [fail], config: {/tokendrill: "text"}}}`, "start upstream: "},
	} {
		t.Run(row.name, func(t *testing.T) {
			o := o
			o.Binary = row.binary
			_, err := Stage{Options: o}.Start(t.Context(), plan(t, small+"roles: "+row.roles))
			require.ErrorContains(t, err, row.want)
			assert.NotContains(t, err.Error(), "\n")
			assert.Empty(t, stages(t, o))
		})
	}
}

func TestAStageWhoseStartIsCancelledLeavesNothing(t *testing.T) {
	undisturbed.Long(t, "starts containers")
	t.Parallel()
	o := alone(t)
	for _, row := range []struct {
		name, when string
		after      time.Duration
	}{
		{"as its containers are made", "starting 7 containers", 500 * time.Millisecond},
		{"as its roles are told what to be", "starting the roles", 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			enough := errors.New("enough of it")
			o := o
			o.Progress = func(line string) {
				if line == row.when {
					time.AfterFunc(row.after, func() { cancel(enough) })
				}
			}
			_, err := Stage{Options: o}.Start(ctx, plan(t, small))
			require.ErrorIs(t, err, enough)
			assert.Empty(t, stages(t, o))
		})
	}
}

func TestOtherPeoplesSoftwareServesARole(t *testing.T) {
	undisturbed.Long(t, "starts containers")
	o := alone(t)
	_, theirs := someones(t)
	site, err := Stage{Options: o}.Start(t.Context(), plan(t, small+`
roles:
  upstream:
    image: `+theirs+`
    command: [one, two]
    port: 9090
    config: {/etc/upstream/upstream.conf: "asks ${AUTHORITY}"}
    env: {GREETING: hello}
`))
	require.NoError(t, err)
	defer func() { assert.NoError(t, site.Close()) }()
	issued, err := site.Authority.Issue(t.Context(), harness.Grant{Format: token.Opaque, Scope: []string{"read"}})
	require.NoError(t, err)
	assert.Equal(t, "[one two], hello, asks http://authority:8080", body(t, site, site.Gateways[0][0]+"/", issued.Token))
}

func TestURLsOutliveARestart(t *testing.T) {
	undisturbed.Long(t, "starts containers")
	t.Parallel()
	o := alone(t)
	site, err := Stage{Options: o}.Start(t.Context(), plan(t, small))
	require.NoError(t, err)
	defer func() { assert.NoError(t, site.Close()) }()
	for _, n := range site.Nodes {
		if n.Name == "authority" { // it would forget the tokens
			continue
		}
		require.NoError(t, n.Control.Do(t.Context(), chaos.Command{Verb: chaos.VerbRestart, Amount: 1}), n.Name)
	}
	issued, err := site.Authority.Issue(t.Context(), harness.Grant{Format: token.Opaque, Scope: []string{"read"}})
	require.NoError(t, err)
	for i, url := range site.Gateways[0] {
		assert.Equal(t, `{"ok":true}`, body(t, site, url+"/", issued.Token), i)
	}
	assert.Equal(t, `{"ok":true}`, body(t, site, site.Floor, ""))
}

// body is what a gateway answers to a token, or anybody without one.
func body(t *testing.T, site *harness.Site, url, raw string) string {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+raw)
	res, err := site.Transport.RoundTrip(req)
	require.NoError(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, res.StatusCode, string(text))
	return string(text)
}
