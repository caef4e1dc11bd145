package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/lua"
)

func newCheck() *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "check [--config FILE] SCRIPT",
		Short: "Say what is wrong with a script, without starting the server",
		Long: `Loads SCRIPT exactly as a start or a reload does, runs its main chunk, and starts nothing else. Prints
one "file:line: message" for each problem.

Exit code 0: nothing is wrong. 1: the script is broken. 2: the command line or the config file is
wrong.`,
		Example: `  sipscript check office.lua
  sipscript check --config sipscript.yaml office.lua      the script sees its part of the config`,
		Args:                  oneScript,
		DisableFlagsInUseLine: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			err := check(args[0], &o)
			var broken brokenScript
			if errors.As(err, &broken) { // here, that is the result
				fmt.Fprintln(cmd.OutOrStdout(), broken)
				return errFound
			}
			if err == nil {
				fmt.Fprintf(cmd.OutOrStdout(), "%s: ok\n", args[0])
			}
			return err
		},
	}
	cmd.Flags().StringVar(&o.config, "config", "", "config `file`")
	return cmd
}

// brokenScript is a script that cannot go live: its text is one "file:line: message" a line.
type brokenScript struct{ err error }

func (b brokenScript) Error() string { return strings.Join(lua.Problems(b.err), "\n") }

func (b brokenScript) Unwrap() error { return b.err }

// check loads the script into an engine that is never started.
func check(script string, o *options) error {
	c, err := o.load()
	if err != nil {
		return err
	}
	e, err := engine.New(c.Engine, engine.Seams{})
	if err != nil {
		return err
	}
	defer e.Close()
	if err := lua.Check(lua.Config{Script: script, Engine: e, Config: c.Script}); err != nil {
		return brokenScript{err}
	}
	return nil
}
