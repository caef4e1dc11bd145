package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/sipscript/sipscript/cmd/sipscript/config"
)

// The exit codes. What is wrong with the command line or the config file is usage: no later try helps before somebody edits them.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// usageError is a command line that cannot be understood.
type usageError struct {
	command *cobra.Command
	err     error
}

func (e usageError) Error() string {
	return fmt.Sprintf("%v\nSee \"%s --help\".", e.err, e.command.CommandPath())
}

func (e usageError) Unwrap() error { return e.err }

// errFound means that check has found something and has said so on stdout.
var errFound = errors.New("problems found")

// execute runs the command line and returns the exit code. Results go to stdout, logs and errors to stderr.
func execute(args []string, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.Execute()

	var usage usageError
	var problems config.Problems
	var broken brokenScript
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errFound):
		return exitFailed
	case errors.As(err, &problems):
		fmt.Fprintln(stderr, problems)
		return exitUsage
	case errors.As(err, &usage):
		fmt.Fprintln(stderr, "sipscript:", usage)
		return exitUsage
	case errors.As(err, &broken):
		fmt.Fprintln(stderr, broken)
		return exitFailed
	default:
		fmt.Fprintln(stderr, "sipscript:", err)
		return exitFailed
	}
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "sipscript",
		Short: "A SIP server that lets one Lua script decide about every request",
		Long: `sipscript is a SIP server that lets one Lua script decide about every request: as a proxy,
registrar and redirect server, in the middle of calls, and as whom callers talk to. The script can be
changed while calls are up.`,
		Example: `  sipscript run office.lua
  sipscript check --config sipscript.yaml office.lua`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			err := fmt.Errorf("unknown command %q", args[0])
			if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
				err = fmt.Errorf("%w, did you mean %q?", err, near[0])
			}
			return usageError{cmd, err}
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return usageError{cmd, errors.New("a command is missing: run, check or version")}
		},
		SilenceErrors:              true,
		SilenceUsage:               true,
		SuggestionsMinimumDistance: 2,
		CompletionOptions:          cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return usageError{cmd, err} })
	root.AddCommand(newRun(), newCheck(), newVersion())
	return root
}

// oneScript wants exactly one argument, the script.
func oneScript(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usageError{cmd, fmt.Errorf("want one SCRIPT, got %d arguments", len(args))}
	}
	return nil
}

// noArguments wants none.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) != 0 {
		return usageError{cmd, fmt.Errorf("want no arguments, got %q", args)}
	}
	return nil
}
