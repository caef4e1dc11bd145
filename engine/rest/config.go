package rest

import (
	"errors"
	"fmt"
	"net"
)

// Config says where requests come in, and who may ask. The zero value serves nothing. All of it is restart.
type Config struct {
	Listen  string // as "127.0.0.1:8080"; "": nothing is served
	Account string // the user name, and part of every path; agents of streams are told it, too
	Token   string // the password
}

// Format implements fmt.Formatter: a token is not printed, whatever it is printed with.
func (c Config) Format(f fmt.State, _ rune) {
	_, _ = f.Write([]byte(c.Listen + " " + c.Account + ":(token)"))
}

// MarshalText implements encoding.TextMarshaler, for the same reason.
func (c Config) MarshalText() ([]byte, error) {
	return []byte(c.Listen + " " + c.Account + ":(token)"), nil
}

// ErrConfig says that a configuration cannot be served.
var ErrConfig = errors.New("api")

// Validate reports what is wrong. The error wraps ErrConfig, and does not show the token.
func (c *Config) Validate() error {
	if c.Listen == "" {
		return nil
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return fmt.Errorf("%w.listen: %q is no address with a port", ErrConfig, c.Listen)
	}
	if c.Account == "" || c.Token == "" {
		return fmt.Errorf("%w.listen needs api.account and api.token: whoever knows the address could end calls", ErrConfig)
	}
	return nil
}
