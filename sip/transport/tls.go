package transport

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
)

// TLSConfig says who we are over TLS and whom we trust. What the files hold is taken up again by ReloadCertificates.
type TLSConfig struct {
	// Certificates are offered by the name a client asks for (SNI); the first one when none fits. The first that
	// suits a server we connect to is shown to it when it asks.
	Certificates []Certificate
	MinVersion   string // "1.2" (default) or "1.3"; older ones are not for use (RFC 8996)
	ClientCA     string // PEM file; when set, a client must show a certificate signed by one of these
	CA           string // PEM file of whom to trust when we connect; default: the system's
}

// Certificate names the PEM files of a certificate chain and its key.
type Certificate struct{ Cert, Key string }

// credentials is what TLSConfig's files held at one moment; it never changes.
type credentials struct {
	server *tls.Config
	client *tls.Config
}

// ReloadCertificates reads the files of Config.TLS again. New connections use what they hold; connections that stand
// are not touched. If anything is wrong, all stays as it was and the error names the file. Any goroutine.
func (t *Transport) ReloadCertificates() error {
	creds, err := loadCredentials(t.cfg.TLS, t.cfg.Files)
	if err != nil {
		return err
	}
	t.creds.Store(creds)
	return nil
}

func loadCredentials(cfg TLSConfig, files Files) (*credentials, error) {
	version, err := tlsVersion(cfg.MinVersion)
	if err != nil {
		return nil, err
	}
	server := &tls.Config{MinVersion: version}
	client := &tls.Config{MinVersion: version}
	for _, c := range cfg.Certificates {
		pair, err := loadPair(c, files)
		if err != nil {
			return nil, err
		}
		server.Certificates = append(server.Certificates, pair)
	}
	client.Certificates = server.Certificates
	if cfg.ClientCA != "" {
		if server.ClientCAs, err = loadPool(cfg.ClientCA, files); err != nil {
			return nil, err
		}
		server.ClientAuth = tls.RequireAndVerifyClientCert
	}
	if cfg.CA != "" {
		if client.RootCAs, err = loadPool(cfg.CA, files); err != nil {
			return nil, err
		}
	}
	return &credentials{server, client}, nil
}

func tlsVersion(s string) (uint16, error) {
	switch s {
	case "", "1.2":
		return tls.VersionTLS12, nil
	case "1.3":
		return tls.VersionTLS13, nil
	}
	return 0, fmt.Errorf("tls: minimum version %q is not 1.2 or 1.3", s)
}

func loadPair(c Certificate, files Files) (tls.Certificate, error) {
	cert, err := files.ReadFile(c.Cert)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("tls: certificate: %w", err)
	}
	key, err := files.ReadFile(c.Key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("tls: key: %w", err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("tls: certificate %s with key %s: %w", c.Cert, c.Key, err)
	}
	return pair, nil
}

func loadPool(path string, files Files) (*x509.CertPool, error) {
	pem, err := files.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("tls: authorities: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("tls: authorities %s: %w", path, errors.New("no certificate in it"))
	}
	return pool, nil
}

// clientFor is the configuration of a connection to serverName. crypto/tls verifies names as HTTPS does; SIP wants
// its own rules (RFC 5922 §7), so the whole check is ours.
func (c *credentials) clientFor(serverName string) *tls.Config {
	cfg := c.client.Clone()
	cfg.ServerName = serverName
	cfg.InsecureSkipVerify = true
	cfg.VerifyConnection = func(state tls.ConnectionState) error {
		return verifyServer(state.PeerCertificates, serverName, cfg.RootCAs)
	}
	return cfg
}

func verifyServer(chain []*x509.Certificate, serverName string, roots *x509.CertPool) error {
	options := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
	for _, c := range chain[1:] {
		options.Intermediates.AddCert(c)
	}
	if _, err := chain[0].Verify(options); err != nil {
		return err
	}
	return verifyIdentity(chain[0], serverName)
}
