// Command sipscript is a SIP server that lets one Lua script decide about every request.
//
// docs/cli.md describes its commands, signals and exit codes, docs/configuration.md its config file.
package main

import "os"

// version is set by the linker; see the Makefile.
var version = "devel"

func main() { os.Exit(execute(os.Args[1:], os.Stdout, os.Stderr)) }
