package transport

import (
	"crypto/x509"
	"fmt"
	"net/netip"
	"strings"

	"github.com/sipscript/sipscript/sip"
)

// verifyIdentity checks that a certificate, already found valid, is for serverName (RFC 5922 §7.1–7.3). The subject's
// common name is never looked at: §7.1 allows it for old certificates only, and no authority issues such any more.
func verifyIdentity(cert *x509.Certificate, serverName string) error {
	if ip, err := netip.ParseAddr(strings.Trim(serverName, "[]")); err == nil {
		for _, san := range cert.IPAddresses {
			if a, ok := netip.AddrFromSlice(san); ok && a.Unmap() == ip.Unmap() {
				return nil
			}
		}
		return fmt.Errorf("%w: %s", ErrIdentity, serverName)
	}
	want := strings.TrimSuffix(serverName, ".")
	for _, id := range identities(cert) {
		// Whole and by case-insensitive comparison only: §7.2 forbids every wildcard, so that *.example.com proves
		// nothing for sip.example.com.
		if !strings.HasPrefix(id, "*") && strings.EqualFold(strings.TrimSuffix(id, "."), want) {
			return nil
		}
	}
	return fmt.Errorf("%w: %s", ErrIdentity, serverName)
}

// identities lists the SIP domains a certificate speaks for: the sip URIs without a user part, or, only where there is
// none, the DNS names (RFC 5922 §7.1).
func identities(cert *x509.Certificate) []string {
	var domains []string
	for _, u := range cert.URIs {
		if !strings.EqualFold(u.Scheme, "sip") {
			continue
		}
		if uri, err := sip.ParseURI(u.String()); err == nil && uri.User == "" {
			domains = append(domains, uri.Host)
		}
	}
	if len(domains) > 0 {
		return domains
	}
	return cert.DNSNames
}
