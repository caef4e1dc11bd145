// Package resolve turns the host of a SIP URI into addresses. Its calls block and so run off the shards.
package resolve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
)

// ErrNotFound says that the name has no address.
var ErrNotFound = errors.New("resolve: no such host")

// Resolver looks up the addresses of a host name, in the order they are to be tried (RFC 3263 §4.2, A and AAAA
// records). It returns an error that wraps ErrNotFound when there is none.
type Resolver interface {
	Addresses(ctx context.Context, host string) ([]netip.Addr, error)
}

// System asks the resolver of the operating system.
func System() Resolver { return system{} }

type system struct{}

func (system) Addresses(ctx context.Context, host string) ([]netip.Addr, error) {
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound {
		return nil, fmt.Errorf("%w: %s", ErrNotFound, host)
	}
	if err != nil {
		return nil, fmt.Errorf("look up %s: %w", host, err)
	}
	for i, a := range addrs {
		addrs[i] = a.Unmap()
	}
	return addrs, nil
}

// Static is a table of names: for tests, and for hosts given in a configuration.
type Static map[string][]netip.Addr

// Addresses implements Resolver.
func (s Static) Addresses(_ context.Context, host string) ([]netip.Addr, error) {
	if a, ok := s[host]; ok {
		return a, nil
	}
	return nil, fmt.Errorf("%w: %s", ErrNotFound, host)
}
