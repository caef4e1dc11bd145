package config

import (
	"slices"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/transport"
)

// validate adds what is wrong between keys that are each right by themselves.
func (c *Config) validate(problems *Problems) {
	at := func(keys ...string) Place {
		for _, key := range keys {
			if place, ok := c.places[key]; ok {
				return place
			}
		}
		return Place{File: c.file}
	}
	c.validateListeners(at, problems)
	c.validateMedia(at, problems)
	if err := c.Engine.API.Validate(); err != nil {
		problems.add(at("api.listen"), "%s", err)
	}
	if c.Engine.Timers.T2 < c.Engine.Timers.T1 {
		problems.add(at("timers.t2", "timers.t1"), "timers.t2: %s is less than timers.t1, %s", showSeconds(c.Engine.Timers.T2), showSeconds(c.Engine.Timers.T1))
	}
	r := c.Engine.Registrar
	if r.MaxExpires < r.MinExpires {
		problems.add(at("registrar.max_expires", "registrar.min_expires"), "registrar.max_expires: %s is less than registrar.min_expires, %s",
			showSeconds(r.MaxExpires), showSeconds(r.MinExpires))
	} else if r.DefaultExpires < r.MinExpires || r.DefaultExpires > r.MaxExpires {
		problems.add(at("registrar.default_expires", "registrar.max_expires", "registrar.min_expires"),
			"registrar.default_expires: %s is not between registrar.min_expires, %s, and registrar.max_expires, %s",
			showSeconds(r.DefaultExpires), showSeconds(r.MinExpires), showSeconds(r.MaxExpires))
	}
}

func (c *Config) validateListeners(at func(...string) Place, problems *Problems) {
	if len(c.Engine.Listen) == 0 && len(*problems) == 0 {
		problems.add(at("listen"), "listen: want at least one address to listen on")
	}
	for i, spec := range c.Engine.Listen {
		if spec.Transport == sip.TLS && len(c.Engine.TLS.Certificates) == 0 {
			problems.add(at(element("listen", i), "listen"), "%s needs a certificate: give tls.certificates in the config file", spec)
		}
		same := func(earlier transport.ListenSpec) bool {
			return earlier.Transport == spec.Transport && earlier.Addr == spec.Addr && spec.Addr.Port() != 0
		}
		if slices.ContainsFunc(c.Engine.Listen[:i], same) {
			problems.add(at(element("listen", i), "listen"), "%s is listened on twice", spec)
		}
	}
}
