package reports

import "github.com/tokendrill/tokendrill/harness/measure"

// glossary explains the words of the page.
func glossary(r *measure.Report) []sentence {
	words := usualWords()
	if targets(r) > 0 {
		words = append(words, targetWords()...)
	}
	if inContainers(r) {
		words = append(words, containerWords()...)
	}
	return words
}

// targetWords are those that only targets need.
func targetWords() []sentence {
	return []sentence{
		{"Target", "A system that is not the reference stage's own: nothing is known of it but what it answers. What it refuses with, and what counts as let in, its target file says."},
		{"Control path", "A path of the same gateways that asks for no token. It is asked as often as the probe, and counts neither as let in nor as refused."},
		{"Derived *", "Where no gateway tells how long a check takes: p50 and p95 of the response less those of the control path, at least zero. What else sets the two paths apart is in it."},
		{"Replica", "One of several servers behind a gateway, as the header tells that the target file names."},
	}
}

// containerWords are those that only a stage of containers needs.
func containerWords() []sentence {
	return []sentence{
		{"Paused container", "Nothing in it runs and its connections stay: a request that was sent during the pause may be answered after it. It is judged by when it was sent; what was sent before the revocation was acknowledged is legal however late it is let in."},
		{"Killed, disconnected", "A killed one refuses connections and starts with an empty memory. A disconnected one is reached from outside and reaches no other role."},
		{"Sign of life", "The role answered while nothing was in force. It shows that a fault of its container is over."},
	}
}

func usualWords() []sentence {
	return []sentence{
		{"Gateway", "Where a request is let in or refused; also called an enforcement point."},
		{"Check latency", "Time the gateway spent deciding about the token, as it says in Server-Timing. Only requests that should be accepted count."},
		{"Response, service, lag", "Planned send to last byte; actual send to last byte; planned to actual send. Response is what a caller feels, and includes lag."},
		{"a to b", "The last request with the revoked token that was let in began a after the revoke was sent; it was refused for good by b. The true moment lies between."},
		{"> a", "Censored: still let in at a, and not refused while it was watched."},
		{"Moment", "A revocation at a time of its own. Tokens revoked by one call are one moment, hence one sample."},
		{"Worst", "The token that lived longest, at its slowest gateway."},
		{"Uses (stale accepts)", "Requests let in after the revocation was acknowledged but within the bound: the cost of the design, not a mistake."},
		{"Bound", "How long a revoked token may live by design."},
		{"Let in (false accepts)", "Accepts that no right implementation gives: forged, expired, wrong audience or scope, revoked longer than the bound ago, let in again after a refusal."},
		{"Shut out (false rejects)", "Refusals of a token that was valid throughout, or for the wrong reason."},
		{"Floor", "Response on the bare path of the stage, past the gateways and without a token decision: what every response here holds. Figures of stages with another path or floor are not compared."},
		{"Before, during, after", "The stretches of a run around its faults: during is from the begin of the first to the end of the last. A request belongs to before if it was answered before that, to after if it was sent after it, and else to during."},
		{"Landed, healed", "A fault landed if it met traffic, and healed if traffic came through the same place unharmed afterwards. Of a fault that met nothing, nothing is known."},
		{"As before", "Response p95 and the share without an answer are back at their level before the first fault."},
		{"No answer", "429, 5xx, timeouts and refused connections. They never count as a refusal."},
		{"Unknown", "The unrevoked twin was not accepted close enough before and after the refusal, or was refused too: the refusal proves nothing."},
		{"± and =", "Half the width of the 95 % interval of the median over interleaved slices. Patterns with the same mark cannot be told apart."},
	}
}
