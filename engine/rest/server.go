package rest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	largestForm     = 64 << 10
	mostConnections = 256
)

// Server answers requests until it is closed.
type Server struct {
	listener net.Listener
	http     http.Server
	running  sync.WaitGroup
	failed   func(error)
}

// Open listens where c says. calls is asked to end them; failed, which may be nil, is told when serving has ended by itself.
func Open(c Config, calls Calls, failed func(error)) (*Server, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	var listen net.ListenConfig
	l, err := listen.Listen(context.Background(), "tcp", c.Listen)
	if err != nil {
		return nil, fmt.Errorf("api.listen: %w", err)
	}
	s := &Server{listener: &limited{Listener: l, free: make(chan struct{}, mostConnections)}, failed: failed}
	s.http = http.Server{
		Handler: Handler(c, calls), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second,
		IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
	}
	s.running.Go(s.serve)
	return s, nil
}

func (s *Server) serve() {
	if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) && s.failed != nil {
		s.failed(err)
	}
}

// Addr is where it listens.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Close ends all connections and waits until nothing is served any more.
func (s *Server) Close() {
	_ = s.http.Close()
	s.running.Wait()
}

// limited accepts no more connections at a time than free has room for.
type limited struct {
	net.Listener
	free chan struct{}
}

// Accept implements net.Listener.
func (l *limited) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		select {
		case l.free <- struct{}{}:
			return &counted{Conn: c, free: l.free}, nil
		default:
			_ = c.Close()
		}
	}
}

type counted struct {
	net.Conn
	free chan struct{}
	once sync.Once
}

// Close implements net.Conn.
func (c *counted) Close() error {
	c.once.Do(func() { <-c.free })
	return c.Conn.Close()
}
