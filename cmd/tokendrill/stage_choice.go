package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/spf13/cobra"

	"github.com/tokendrill/tokendrill/fixtures/authority"
	"github.com/tokendrill/tokendrill/harness"
	"github.com/tokendrill/tokendrill/harness/containers"
)

// The kinds of reference stages.
const (
	stageEmbedded   = "embedded"
	stageContainers = "containers"
)

// stageChoice says on which kind of stage the reference patterns stand.
type stageChoice struct {
	kind   string
	binary string // what goes into the image; empty is this program
}

// flags adds the flags that say it.
func (s *stageChoice) flags(c *cobra.Command) {
	s.kindFlag(c, "where the reference patterns stand: embedded (in this process) or containers")
	c.Flags().StringVar(&s.binary, "binary", "", "static Linux tokendrill for --stage containers, in the place of this program")
	_ = c.MarkFlagFilename("binary") // it is there
}

// kindFlag adds --stage.
func (s *stageChoice) kindFlag(c *cobra.Command, about string) {
	c.Flags().StringVar(&s.kind, "stage", stageEmbedded, about)
	_ = c.RegisterFlagCompletionFunc("stage", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return []string{stageEmbedded, stageContainers}, cobra.ShellCompDirectiveNoFileComp
	})
}

// known refuses a kind that there is not.
func (s stageChoice) known() error {
	if s.kind != stageEmbedded && s.kind != stageContainers {
		return badInput(fmt.Errorf("--stage %q is not known; expected embedded or containers", s.kind))
	}
	return nil
}

// check refuses flags that contradict each other, or the plan.
func (s stageChoice) check(p *harness.Plan) error {
	if err := s.known(); err != nil {
		return err
	}
	var err error
	switch why := p.NeedsContainers(); {
	case s.kind == stageEmbedded && why != "":
		err = errors.New(why)
	case s.kind == stageEmbedded && s.binary != "":
		err = errors.New("--binary goes with --stage containers")
	case s.kind == stageContainers && len(p.References()) == 0:
		err = errors.New("--stage containers is for reference patterns, and targets are where they are; expected --patterns too")
	case s.binary != "":
		if _, err = os.Stat(s.binary); err != nil {
			err = fmt.Errorf("--binary: %w", err)
		}
	}
	return badInput(err)
}

// reachable says, before anything is made, whether the stage can be had at all.
func (s stageChoice) reachable(ctx context.Context) error {
	if s.kind != stageContainers {
		return nil
	}
	return containers.Reachable(ctx)
}

// containers is the stage of containers, which tells show how far it is.
func (s stageChoice) containers(purpose string, show *progress, clients ...authority.Client) containers.Stage {
	var turn sync.Mutex
	return containers.Stage{Clients: clients, Options: containers.Options{
		Binary: s.binary, For: purpose,
		Progress: func(doing string) {
			turn.Lock()
			defer turn.Unlock()
			show.update(harness.Progress{Doing: doing})
		},
	}}
}
