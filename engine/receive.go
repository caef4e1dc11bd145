package engine

import (
	"github.com/sipscript/sipscript/engine/observe"
	"github.com/sipscript/sipscript/sip/transport"
)

// most is how many messages a reader hands over at once at the most.
const most = 64

// shardOf is the shard that a call lives on.
func (e *Engine) shardOf(callID string) int {
	if len(e.shards) == 1 {
		return 0
	}
	return int(e.key.SumString(callID) % uint64(len(e.shards)))
}

// receive is called by the readers: it groups a batch by shard, so that each shard is locked and woken once.
func (e *Engine) receive(batch []transport.Inbound) {
	for len(batch) > most {
		e.receive(batch[:most])
		batch = batch[most:]
	}
	if len(batch) == 0 {
		return
	}
	if batch[0].Flow.Transport.Reliable() {
		for _, in := range batch {
			e.shards[e.shardOf(in.Msg.CallID())].Admit(in, in.At, e.streams)
		}
		return
	}
	var room [most]int
	of := room[:len(batch)]
	var wanted uint64 // bit set of the shards concerned, the last bit for all from 63 on
	for i := range batch {
		of[i] = e.shardOf(batch[i].Msg.CallID())
		wanted |= 1 << min(of[i], 63)
	}
	for i, s := range e.shards {
		if wanted&(1<<min(i, 63)) == 0 {
			continue
		}
		if refused := s.Offer(batch, of, batch[0].At); refused > 0 {
			e.trouble(observe.Event{Kind: "queue_full", Count: refused})
		}
	}
}

// failed takes a send that failed to the transactions it belongs to.
func (e *Engine) failed(f transport.Failure) {
	e.trouble(observe.Event{Kind: "send_failed", Source: f.Flow.Remote, CallID: f.CallID, Err: f.Err})
	if f.Branch == "" || f.Response {
		return // a response that cannot be sent does not end its transaction (RFC 6026 §8.8)
	}
	concerned := e.cores
	if f.CallID != "" {
		at := e.shardOf(f.CallID)
		concerned = e.cores[at : at+1]
	}
	// ICMP may quote too little of a request to tell its shard (RFC 792: 64 bits of the datagram); its branch is unique.
	for _, c := range concerned {
		c.shard.Post(func() { c.table.Failed(f.Branch, f.Err) })
	}
}
