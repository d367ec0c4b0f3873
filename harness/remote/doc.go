// Package remote serves one role of a stage in another process: [Serve] is in that
// process, and a [Client] in that of the stage.
//
// # The control protocol
//
// The process listens on a control address for HTTP/1.1 and is told there what to
// be. Each request carries "Authorization: Bearer KEY". The process knows only the
// SHA-256 of the key, so that its command line holds no secret; the role does hold
// secrets and comes in the body of a request, and is never written down. Without
// the key the answer is 401, whatever is asked. Bodies are JSON; a key that is not
// known is refused. An error is a status of 400 or more with {"error": "…"}.
//
//	POST   /serve          a [harness.Role]; when it is up, one line {"url", "hops"}
//	DELETE /serve          closes the role and ends the process; answers in between
//	PUT    /faults/ID      {"fault", "params", "hops", "seed"}: injects it into hops of the role
//	GET    /faults/ID      {"met", "clear"}
//	DELETE /faults/ID      heals it; {"met", "clear"}, and what comes through later is counted too
//	PUT    /control/VERB   {"amount"}: carries out a [chaos.Command]; {"met", "clear"}
//	GET    /control/VERB   {"met", "clear"}
//	GET    /calls          {CLIENT: checks}, of an authority
//	GET    /reach          200 if the role can dial its peers and its own name, else 503 and which not
//	GET    /ping           200
//
// The answer to POST /serve stays open for as long as the role lives: it is the
// lease. When the client goes away the role is closed and the process ends. It ends
// too if nobody with the key calls for a minute while there is no role, so that none
// is left over. A process serves one role, of the kind that it was started for; what
// needs that there is none yet, or that there is one, is refused with 409 otherwise.
// Each further line of the answer is a [pattern.AuditEvent] of the role.
//
// PUT and DELETE carry a number that grows, "Tokendrill-Order: N". One that is lower
// than another for the same path is refused with 409: a process that was frozen finds
// requests on waking that their sender has given up and taken back since.
package remote
