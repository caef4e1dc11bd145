package siptest

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// Authority issues certificates for tests. Keys follow from the seed and the names, and certificates are valid from 1999
// on, as the clock of a synctest bubble starts in 2000.
type Authority struct {
	seed uint64
	cert *x509.Certificate
	key  ed25519.PrivateKey
}

// NewAuthority makes the authority of a seed.
func NewAuthority(seed uint64) *Authority {
	a := &Authority{seed: seed}
	a.key = a.keyFor("authority")
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "siptest authority"},
		NotBefore:             time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:              time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
	}
	a.cert = sign(template, template, a.key.Public(), a.key)
	return a
}

// Pool holds the authority's own certificate.
func (a *Authority) Pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

// PEM is the authority's own certificate as a file holds it.
func (a *Authority) PEM() []byte { return pemOf("CERTIFICATE", a.cert.Raw) }

// Issue makes a certificate for these names: DNS names, IP addresses or URIs (RFC 5922 §7.1).
func (a *Authority) Issue(names ...string) tls.Certificate {
	key := a.keyFor(names...)
	serial := sha256.Sum256([]byte(strings.Join(names, " ")))
	template := &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial[:8]),
		Subject:      pkix.Name{CommonName: names[0]},
		NotBefore:    a.cert.NotBefore,
		NotAfter:     a.cert.NotAfter,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, name := range names {
		uri, err := url.Parse(name)
		ip, notIP := netip.ParseAddr(strings.Trim(name, "[]"))
		switch {
		case notIP == nil:
			template.IPAddresses = append(template.IPAddresses, ip.AsSlice())
		case err == nil && uri.Scheme != "":
			template.URIs = append(template.URIs, uri)
		default:
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	leaf := sign(template, a.cert, key.Public(), a.key)
	return tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key, Leaf: leaf}
}

// IssuePEM is Issue as the two files that servers read.
func (a *Authority) IssuePEM(names ...string) (cert, key []byte) {
	c := a.Issue(names...)
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		panic(fmt.Sprintf("siptest: %v", err))
	}
	return pemOf("CERTIFICATE", c.Certificate[0]), pemOf("PRIVATE KEY", der)
}

func (a *Authority) keyFor(names ...string) ed25519.PrivateKey {
	seed := sha256.Sum256(fmt.Appendf(nil, "%d %q", a.seed, names))
	return ed25519.NewKeyFromSeed(seed[:])
}

// sign cannot fail: Ed25519 needs no randomness and the templates are ours.
func sign(template, parent *x509.Certificate, public any, key ed25519.PrivateKey) *x509.Certificate {
	der, err := x509.CreateCertificate(nil, template, parent, public, key)
	if err != nil {
		panic(fmt.Sprintf("siptest: %v", err))
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		panic(fmt.Sprintf("siptest: %v", err))
	}
	return cert
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
