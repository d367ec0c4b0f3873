package main

import (
	"fmt"
	"net/http"
	"strings"
)

// sheet is what is printed: where things are, and how to try them.
func (s *standing) sheet(dir *stageFolder, raw string) string {
	var b strings.Builder
	b.WriteString(s.addresses())
	row(&b, "clients", "%s gets opaque tokens, %s signed ones; %s introspects", demoClient, demoJWTClient, gatewayClient)
	row(&b, "files", "%s", s.files(dir))
	row(&b, "token", "%s", raw)
	row(&b, "", "of %s, for %v; it dies with the stage, and no file holds it", clientOf(s.plan.Systems[0]), s.plan.Scenario.Tokens.Lifetime)
	fmt.Fprint(&b, "\nIn another terminal: get a token, use it, revoke it, see it refused.\n\n")
	for _, l := range s.lines(dir) {
		fmt.Fprintf(&b, "  %s\n", l)
	}
	mine := quoted(dir.name(s.plan.Systems[0].Pattern + ".yaml"))
	fmt.Fprintln(&b)
	row(&b, "next", "tokendrill target check %s    look at the %s gateways as if they were yours", mine, s.plan.Systems[0].Pattern)
	row(&b, "ready", "Ctrl-C takes it down and removes the files")
	return b.String()
}

// addresses says where things are.
func (s *standing) addresses() string {
	var b strings.Builder
	fmt.Fprintf(&b, "stage %s: %d patterns x %d gateways, %s\n\n",
		s.plan.Scenario.Name, len(s.plan.Systems), len(s.plan.Systems[0].Gateways), s.site.Stage)
	for i, sys := range s.plan.Systems {
		row(&b, sys.Pattern, "%s  bound %v", strings.Join(s.site.Gateways[i], "  "), sys.Bound)
	}
	row(&b, "authority", "%s  /token /introspect /revoke /jwks; metadata by RFC 8414", s.site.Issuer)
	row(&b, "upstream", "%s  what the gateways protect", s.upstream())
	return b.String()
}

// row is a line of a sheet behind its name.
func row(b *strings.Builder, name, format string, args ...any) {
	fmt.Fprintf(b, "%-10s "+format+"\n", append([]any{name}, args...)...)
}

// files are the names of the files.
func (s *standing) files(dir *stageFolder) string {
	names := []string{"env", "secret", addressFile, "pid"}
	for _, sys := range s.plan.Systems {
		names = append(names, sys.Pattern+".yaml")
	}
	return fmt.Sprintf("%s in %s", strings.Join(names, " "), dir.path)
}

// lines are the shell lines to paste.
func (s *standing) lines(dir *stageFolder) []string {
	client := map[string]string{demoClient: "CLIENT", demoJWTClient: "JWT_CLIENT"}[clientOf(s.plan.Systems[0])]
	request := `-H "Authorization: Bearer $token" "$api"`
	if s.probe.Method != http.MethodGet {
		request = "-X " + s.probe.Method + " " + request
	}
	return []string{
		fmt.Sprintf(". %s; as=$TOKENDRILL_STAGE_%s:$TOKENDRILL_STAGE_SECRET", quoted(dir.name("env")), client),
		fmt.Sprintf("idp=$TOKENDRILL_STAGE_ISSUER api=%s", quoted(s.site.Gateways[0][0]+s.probe.Path)),
		`token=$(curl -s -u "$as" -d grant_type=client_credentials "$idp/token" | cut -d'"' -f4)`,
		"curl -i " + request,
		`curl -i -u "$as" -d token="$token" "$idp/revoke"`,
		"until curl -si " + request + " | grep invalid_token; do sleep 0.1; done",
	}
}
