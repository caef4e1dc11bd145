//go:build linux

package main

import (
	"context"
	"fmt"
	"io"

	"github.com/sipscript/sipscript/test/load"
)

// The loads under which a call of two legs is measured.
const (
	atThousand = "at 1,000/s"
	saturated  = "saturated"
)

// measureB2BUA loads two of our servers in turn: one proxies the calls, the other answers each and makes another, without
// their media.
func (b *bench) measureB2BUA(ctx context.Context, r *report) error {
	servers, stop, err := b.start(ctx, []kind{sipscript(ours, b.program, "route.lua"), sipscript(twoLegs, b.program, "b2bua.lua")})
	if err != nil {
		return err
	}
	defer stop()
	r.B2BUA = map[string]map[string][]*sample{}
	for _, under := range []string{atThousand, saturated} {
		b.say("calls proxied and of two legs, %s", under)
		r.B2BUA[under], err = b.compare(ctx, servers, func(c *contender) load.Config {
			mode := load.Call
			if c.name == twoLegs {
				mode = load.B2BUA
			}
			cfg := b.config(c, mode)
			if under == saturated {
				cfg.Window = window
			} else {
				cfg.Rate = 1000
			}
			return cfg
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// writeB2BUA prints what a call of two legs costs, and how many times as much as a proxied one.
func (r *report) writeB2BUA(w io.Writer) {
	if len(r.B2BUA) == 0 {
		return
	}
	fmt.Fprintf(w, "\nCPU of a call of two legs without media, µs: median (lowest to highest)\n\n%-24s %24s %24s %7s\n", "", twoLegs, "proxied", "ratio")
	for _, under := range []string{atThousand, saturated} {
		two, one := r.B2BUA[under][twoLegs], r.B2BUA[under][ours]
		fmt.Fprintf(w, "%-24s %24s %24s %7s\n", under, spread(two), spread(one), ratio(median(two, perOperation), median(one, perOperation)))
	}
}
