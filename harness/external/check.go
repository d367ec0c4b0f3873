package external

import (
	"context"
	"fmt"
	"slices"
)

// State is how one finding of a check came out.
type State string

// States of a finding.
const (
	Works State = "ok"
	Doubt State = "warn"
	Fails State = "fail"
	// Waits is no finding yet: it is told before something that takes its time.
	Waits State = "wait"
)

// Finding is one thing that a check looked at.
type Finding struct {
	// What was looked at, such as "gateway eu" or "revoke".
	What  string
	State State
	// Says is what was seen, in one line, and Fix what to change; Fix is empty if it works.
	Says string
	Fix  string
}

// Unfit is a target that cannot be measured as it is.
type Unfit struct{ Finding }

// Error renders the finding on one line.
func (u *Unfit) Error() string { return fmt.Sprintf("%s: %s; %s", u.What, u.Says, u.Fix) }

// Check looks at a target from end to end: it dials everything, issues two tokens,
// sees them accepted, revokes one, sees it refused and the other not, and sends a
// never-issued canary that must be refused. Each finding is told when it is there,
// from one goroutine. The error is the first *Unfit finding, or that of ctx.
//
// It keeps to the limits of the target and takes no longer than the bound and some
// ten times the timeout of a request, at the rate that the limits allow. What is
// told holds no token.
func Check(ctx context.Context, s *System, tell func(Finding)) error {
	return newExaminer(s, tell).examine(ctx, 2, (*examiner).revocation, (*examiner).surroundings, (*examiner).resolution)
}

// fit is a Check that revokes nothing and tells nobody: only what makes a
// measurement worthless is an error. It issues one token.
func (s *System) fit(ctx context.Context) error {
	return newExaminer(s, func(Finding) {}).examine(ctx, 1)
}

// examine asks each gateway without a token, with one that was never issued and
// with some that were; then it takes the further steps, as long as there is a token.
func (e *examiner) examine(ctx context.Context, tokens int, further ...func(*examiner, context.Context)) error {
	steps := []func(*examiner, context.Context){
		(*examiner).reach,
		func(e *examiner, ctx context.Context) { e.issue(ctx, tokens) },
		(*examiner).clocks,
		(*examiner).unauthenticated,
		(*examiner).canary,
		(*examiner).issuance,
		(*examiner).acceptance,
	}
	for _, step := range slices.Concat(steps, further) {
		step(e, ctx)
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	if e.unfit == nil { // a typed nil is no nil
		return nil
	}
	return e.unfit
}
