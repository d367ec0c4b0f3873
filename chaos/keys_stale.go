package chaos

func keysStale() Spec {
	return Spec{
		Name: "keys.stale", Place: OnLink, Links: []string{"gateway-cdn", "cdn-authority"},
		Does: "Serves the first document that crosses it again and again, whatever the authority says since.",
		Params: []Param{
			paramShare("answers"), paramPath("/jwks"),
		},
		Met: "newer documents that were held back", Clear: "documents that came as they were",
		Models: "A CDN, or a gateway, that goes on with old keys after a rotation.",
		Source: "mcp-oauth#452, ark#2457, oidcc#543, istio#49044: a new kid was unknown for up to an hour; svelte-langgraph#284: a removed key was trusted until the next start",
		New: func(p Params) Fault {
			return tamper{scope: p.scopeAt("/jwks"), concerns: plainAnswer, whole: true, begin: firstAgain}
		},
	}
}

// firstAgain leaves the first document, and those that are the same, as they are.
func firstAgain() func(string, *answer) bool {
	var first *document
	return func(_ string, a *answer) bool {
		if first == nil {
			first = keep(a)
			return false
		}
		return first.instead(a)
	}
}
