package ng

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/sipscript/sipscript/engine/media"
)

// measure takes the figures of the terminal out of what a query answers; nil if it has none.
func (t *terminal) measure(reply dict) {
	if reply.inner("tags").inner(t.tag) == nil {
		return
	}
	stats := media.Stats{Received: t.streams(reply, t.tag), Dropped: t.stats.Dropped}
	stats.Sent = t.streams(reply, t.peer())
	t.quality(reply, &stats)
	t.stats = stats
}

// streams adds up the RTP that came from one participant. rtpengine counts what it has received.
func (t *terminal) streams(reply dict, tag string) (flow media.Flow) {
	for _, m := range reply.inner("tags").inner(tag).list("medias") {
		d, _ := m.(dict)
		for i, s := range d.list("streams") {
			stream, _ := s.(dict)
			if i == 0 || has(stream.list("flags"), "RTP") {
				counts := stream.inner("stats")
				flow.Packets += uint64(max(0, counts.number("packets")))
				flow.Bytes += uint64(max(0, counts.number("bytes")))
			}
		}
	}
	return flow
}

func has(list []any, flag string) bool {
	for _, f := range list {
		if f == any(flag) {
			return true
		}
	}
	return false
}

// quality takes loss, jitter, MOS and round trip of the streams that came from this terminal, as the receivers of RTCP have told rtpengine.
func (t *terminal) quality(reply dict, stats *media.Stats) {
	for _, m := range reply.inner("tags").inner(t.tag).list("medias") {
		d, _ := m.(dict)
		for _, s := range d.list("streams") {
			stream, _ := s.(dict)
			source := reply.inner("SSRC").inner(strconv.FormatInt(stream.number("SSRC"), 10))
			average := source.inner("average MOS")
			if average == nil {
				continue
			}
			stats.MOS = float64(average.number("MOS")) / 10
			stats.RTT = time.Duration(average.number("round-trip time")) * time.Microsecond
			stats.Received.Jitter = time.Duration(average.number("jitter")) * time.Millisecond
			stats.Received.Lost = uint64(max(0, source.number("cumulative loss")))
		}
	}
}

// isUnknownCall says whether a node has answered that it does not know a call.
func isUnknownCall(err error) bool {
	return errors.Is(err, ErrRefused) && strings.Contains(err.Error(), "Unknown call")
}
