package scenarios

import (
	"slices"
	"strings"

	"github.com/tokendrill/tokendrill/fixtures/token"
)

// Policy is what every gateway demands, in the words of package token. Issuer,
// audience and leeway are the stage's to fill in.
func (s *Scenario) Policy() token.Policy {
	var p token.Policy
	for _, r := range s.Routes {
		p.Routes = append(p.Routes, token.Route{
			Method: r.Method, Path: r.Path, Scope: r.Scope, Audience: r.Audience, Fail: r.Fail,
			Sensitive: r.Sensitive, Grace: r.Grace, ACR: r.ACR,
		})
	}
	return p
}

// Call is a request line and the route that answers it.
type Call struct {
	Method, Path string
	Route        Route
}

// Calls returns one call for each route that a request can reach, in the order of
// the routes. A route is out of reach if those before it match all that it does.
func (s *Scenario) Calls() []Call {
	policy := s.Policy()
	var out []Call
	for _, r := range s.Routes {
		methods := []string{r.Method}
		if r.Method == "" {
			methods = []string{"GET", "POST", "PUT", "PATCH", "DELETE"}
		}
		path := callPath(r.Path)
		i := slices.IndexFunc(methods, func(m string) bool {
			got := policy.Match(m, path)
			return got.Method == r.Method && got.Path == r.Path // a pair stands once only
		})
		if i >= 0 && !strings.ContainsAny(path, "%?#") {
			out = append(out, Call{Method: methods[i], Path: path, Route: r})
		}
	}
	return out
}

// callPath is a path that a route's pattern matches.
func callPath(pattern string) string {
	if prefix, wild := strings.CutSuffix(pattern, "*"); wild {
		return prefix + "stimulus"
	}
	if pattern == "" {
		return "/tokendrill/stimulus"
	}
	return pattern
}

// ScopeCalls returns a call and another one that asks for another scope.
func (s *Scenario) ScopeCalls() (own, other Call, ok bool) {
	return pair(s.Calls(), func(a, b Call) bool {
		return a.Route.Scope != "" && b.Route.Scope != "" && a.Route.Scope != b.Route.Scope &&
			a.Route.Audience == b.Route.Audience && a.Route.ACR == "" && b.Route.ACR == ""
	})
}

// AudienceCalls returns a call and another one for another audience; one of the
// two may be the usual one, which is empty.
func (s *Scenario) AudienceCalls() (own, other Call, ok bool) {
	return pair(s.Calls(), func(a, b Call) bool {
		return a.Route.Audience != b.Route.Audience && a.Route.ACR == "" && b.Route.ACR == ""
	})
}

// GraceCall returns a call of a route with a grace that leeway does not cover.
func (s *Scenario) GraceCall() (Call, bool) {
	return first(s.Calls(), func(c Call) bool { return c.Route.Grace > Leeway && !c.Route.Sensitive })
}

// StepUpCall returns a call of a route with acr.
func (s *Scenario) StepUpCall() (Call, bool) {
	return first(s.Calls(), func(c Call) bool { return c.Route.ACR != "" })
}

// PlainCall returns a call of a route without grace, acr and audience of its own,
// or one that no route matches.
func (s *Scenario) PlainCall() Call {
	plain, ok := first(s.Calls(), func(c Call) bool {
		return c.Route.Grace == 0 && c.Route.ACR == "" && c.Route.Audience == ""
	})
	if !ok {
		return Call{Method: "GET", Path: callPath("")}
	}
	return plain
}

func first(calls []Call, fits func(Call) bool) (Call, bool) {
	if i := slices.IndexFunc(calls, fits); i >= 0 {
		return calls[i], true
	}
	return Call{}, false
}

// pair is the first call with the first one after or before it that fits.
func pair(calls []Call, fits func(a, b Call) bool) (a, b Call, ok bool) {
	for _, a := range calls {
		for _, b := range calls {
			if fits(a, b) {
				return a, b, true
			}
		}
	}
	return Call{}, Call{}, false
}
