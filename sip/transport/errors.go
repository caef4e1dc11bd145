package transport

import "errors"

var (
	// ErrConnectionGone means that the flow names a connection that has ended, or the transport was closed.
	ErrConnectionGone = errors.New("connection gone")
	// ErrQueueFull means that a connection had more waiting to be written than it may; it is closed.
	ErrQueueFull = errors.New("write queue full")
	// ErrPeerNotReading means that a peer took nothing for ten seconds; its connection is closed.
	ErrPeerNotReading = errors.New("peer does not read")
	// ErrHalfMessage means that a message begun on a stream was not finished within ten seconds.
	ErrHalfMessage = errors.New("message not finished in time")
	// ErrTooManyConnections means that Limits.Connections are open.
	ErrTooManyConnections = errors.New("too many connections")
	// ErrSourceConnections means that one source has Limits.PerSource.Connections open.
	ErrSourceConnections = errors.New("too many connections from this source")
	// ErrSourceRequests means that one source sent more than Limits.PerSource.Requests in a second.
	ErrSourceRequests = errors.New("too many requests from this source")
	// ErrSocketFull means that a datagram was dropped because the socket took nothing for two turns.
	ErrSocketFull = errors.New("socket full")
	// ErrNoListener means that the local address of a UDP flow is none of ours.
	ErrNoListener = errors.New("no listener at the local address of the flow")
	// ErrNoCertificate means that a TLS listener was asked for and no certificate is configured.
	ErrNoCertificate = errors.New("no certificate")
	// ErrIdentity means that the certificate of a server is not for the name asked for (RFC 5922 §7.3).
	ErrIdentity = errors.New("certificate is not for this name")
)
