package stream

import "errors"

var (
	// ErrClosed says that the agent has closed the connection as it should.
	ErrClosed = errors.New("the agent has closed the connection")
	// ErrTimeout says that the agent has not answered in time.
	ErrTimeout = errors.New("the agent has not answered in time")
	// ErrUnreachable says that there is no way to the agent.
	ErrUnreachable = errors.New("the agent cannot be reached")
	// ErrRefused says that there is a server, which does not want the connection.
	ErrRefused = errors.New("the agent has refused the connection")
	// ErrLost says that the connection has broken.
	ErrLost = errors.New("the connection to the agent is lost")
	// ErrDeaf says that the agent does not read what it is sent.
	ErrDeaf = errors.New("the agent does not read")
	// ErrAddress says that an address is none of a WebSocket.
	ErrAddress = errors.New("no address of a WebSocket")
	// ErrRate says that no stream has this sampling rate.
	ErrRate = errors.New("no sampling rate of a stream")
)
