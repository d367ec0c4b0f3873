package external

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"
	"unicode"

	"github.com/tokendrill/tokendrill/chaos"
)

// commandTimeout bounds a command that issues or revokes a token.
const commandTimeout = 10 * time.Second

// tokenVariable is the environment variable in which a command finds the token to
// revoke: arguments are seen by everybody on the machine.
const tokenVariable = "TOKENDRILL_TOKEN"

// command is one that is ready to be filled in.
type command []template

// newCommand reads the places of a command, and sees that its variables are set.
func (c *caller) newCommand(argv []string, withFields bool) (command, error) {
	var out command
	sample := fields{}
	for _, arg := range argv {
		t := parseTemplate(arg, withFields)
		for _, p := range t {
			if p.field == "token" || strings.HasSuffix(p.field, "_token") {
				return nil, fmt.Errorf("{%s} stands in an argument, which everybody on the machine can see; expected the environment variable %s", p.field, tokenVariable)
			}
			sample[p.field] = "1"
		}
		out = append(out, t)
	}
	_, err := c.argv(out, sample)
	return out, err
}

// argv fills a command in.
func (c *caller) argv(from command, f fields) ([]string, error) {
	var out []string
	for _, t := range from {
		arg, err := t.fill(values{f, c.getenv}, verbatim)
		if err != nil {
			return nil, err
		}
		if strings.ContainsFunc(arg, unicode.IsControl) {
			return nil, errors.New("an argument has a control character in it")
		}
		out = append(out, arg)
	}
	return out, nil
}

// run runs a command in the folder of the target file and returns what it prints. Of
// what it complains about nothing is kept: it may hold the token.
func (c *caller) run(ctx context.Context, from command, f fields, more ...string) ([]byte, error) {
	argv, err := c.argv(from, f)
	if err != nil {
		return nil, err
	}
	var out output
	_, err = chaos.Program{Argv: argv, Dir: c.dir, Env: append(os.Environ(), more...), Stdout: &out, Timeout: commandTimeout}.Run(ctx)
	if out.tooLong {
		err = fmt.Errorf("%s: printed more than %d KB", argv[0], maxAnswer>>10)
	}
	return out.kept, err
}

// output keeps what a program prints, and ends it if that is too much. (It is not a
// bytes.Buffer, which would read without end.)
type output struct {
	kept    []byte
	tooLong bool
}

var errOutput = errors.New("the output is too long")

func (o *output) Write(p []byte) (int, error) {
	if o.tooLong = len(o.kept)+len(p) > maxAnswer; o.tooLong {
		return 0, errOutput
	}
	o.kept = append(o.kept, p...)
	return len(p), nil
}

// issuingCommand makes tokens by a command.
func (c *caller) issuingCommand(argv []string) (func(context.Context) (fields, error), error) {
	from, err := c.newCommand(argv, false)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", argv[0], err)
	}
	return func(ctx context.Context) (fields, error) {
		out, err := c.run(ctx, from, nil)
		if err != nil {
			return nil, fmt.Errorf("issue: %w", err)
		}
		f, err := parseToken(out)
		if err != nil {
			return nil, fmt.Errorf("issue: what %s printed: %w", argv[0], err)
		}
		return f, nil
	}, nil
}

// revokingCommand revokes tokens by a command; ending well is an acknowledgement.
func (c *caller) revokingCommand(argv []string) (func(context.Context, fields) (int, error), error) {
	from, err := c.newCommand(argv, true)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", argv[0], err)
	}
	return func(ctx context.Context, f fields) (int, error) {
		if _, err := c.run(ctx, from, f, tokenVariable+"="+f.token()); err != nil {
			return 0, fmt.Errorf("revoke: %w", err)
		}
		return http.StatusOK, nil
	}, nil
}
