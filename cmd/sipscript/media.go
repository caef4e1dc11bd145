package main

import (
	"log/slog"
	"runtime"

	"github.com/sipscript/sipscript/cmd/sipscript/config"
	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/engine/media/ng"
)

// startMedia starts what relays the media of calls, as the config says, and returns how to stop it. The backend is nil where media goes from peer to peer.
// shards is how many shards the engine is to have.
func startMedia(c *config.Config, log *slog.Logger) (backend media.Backend, shards int, stop func(), err error) {
	m, shards := &c.Media, c.Engine.Shards
	switch {
	case m.Backend == "rtpengine":
		farm, err := ng.New(ng.Config{Nodes: m.Rtpengine, Timeout: m.Timeout, Trace: func(e ng.Event) { logNode(log, e) }})
		if err != nil {
			return nil, 0, nil, err
		}
		return farm, shards, farm.Shutdown, nil
	case m.Builtin():
		shards, threads := processors(runtime.GOMAXPROCS(0), shards, m.Threads)
		r, err := media.New(media.Config{Interfaces: m.Interfaces, Ports: m.Ports, Threads: threads, Timeout: m.Timeout})
		if err != nil {
			return nil, 0, nil, err
		}
		// A relay thread sleeps without telling the scheduler: without a processor of its own for each, a shard would wait for it.
		runtime.GOMAXPROCS(shards + threads)
		return r, shards, r.Stop, nil
	}
	return nil, shards, func() {}, nil
}

// processors says how many shards and relay threads there are on so many cores, where the config names none.
func processors(cores, shards, threads int) (int, int) {
	if shards == 0 {
		shards = cores
	}
	if threads == 0 {
		threads = media.DefaultThreads(cores)
	}
	return shards, threads
}

// logNode says that an rtpengine goes or comes: somebody must look after one that is gone, and calls fail when it was the last.
func logNode(log *slog.Logger, e ng.Event) {
	node := e.Node.String()
	switch {
	case e.Up:
		log.Info("rtpengine answers again", "node", node, "up", e.Left)
	case e.Left == 0:
		log.Error("rtpengine does not answer, and no other is up: calls that need media get 503", "node", node)
	default:
		log.Error("rtpengine does not answer, new calls go to the others", "node", node, "up", e.Left)
	}
}
