//go:build integration && linux

package integration

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/engine/media/description"
	"github.com/sipscript/sipscript/engine/media/ng"
)

// rtpengine is Debian's, in user space, and ends with the test.
type rtpengine struct {
	cmd *exec.Cmd
	ng  netip.AddrPort
}

func startRtpengine(t *testing.T) *rtpengine {
	t.Helper()
	needs(t, "rtpengine", "rtpengine-daemon")
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	r := &rtpengine{ng: c.LocalAddr().(*net.UDPAddr).AddrPort()}
	c.Close()
	var log bytes.Buffer
	// Two of them can open the same port and do not notice, so each has ports of its own.
	ports := 34000 + 100*rtpengines.Add(1)
	r.cmd = exec.Command("rtpengine", "--config-file=none", "--table=-1", "--interface=127.0.0.1", "--listen-ng="+r.ng.String(), "--foreground",
		fmt.Sprintf("--port-min=%d", ports), fmt.Sprintf("--port-max=%d", ports+99), "--log-stderr", "--log-level=4")
	r.cmd.Stderr = &log
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.stop()
		if t.Failed() {
			t.Logf("rtpengine says:\n%s", log.String())
		}
	})
	r.await(t)
	return r
}

var rtpengines atomic.Int32

// await returns when it takes commands.
func (r *rtpengine) await(t *testing.T) {
	t.Helper()
	c, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(r.ng))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	b := make([]byte, 100)
	for range 200 {
		_, _ = c.Write([]byte("there d7:command4:pinge"))
		_ = c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		if n, err := c.Read(b); err == nil && bytes.Contains(b[:n], []byte("pong")) {
			return
		}
		time.Sleep(50 * time.Millisecond) // refused, before it listens
	}
	t.Fatal("rtpengine does not answer")
}

func (r *rtpengine) stop() {
	_ = r.cmd.Process.Kill()
	_ = r.cmd.Wait()
}

// farmOf commands rtpengines.
func farmOf(t *testing.T, all ...*rtpengine) *ng.Farm {
	t.Helper()
	var cfg ng.Config
	for _, r := range all {
		cfg.Nodes = append(cfg.Nodes, ng.Node{Address: r.ng})
	}
	cfg.Tries, cfg.Probe = 4, time.Second
	f, err := ng.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Shutdown)
	return f
}

// party is one end of a call's media.
type party struct {
	t    *testing.T
	conn *net.UDPConn
	leg  media.Terminal
	to   netip.AddrPort // where it was told to send
	seq  uint16
}

func newParty(t *testing.T, f *ng.Farm, id string) *party {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	leg, err := f.Open(id, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &party{t: t, conn: c, leg: leg}
}

func (p *party) sdp(proto string, attributes ...string) []byte {
	lines := append([]string{
		"v=0", "o=phone 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0",
		fmt.Sprintf("m=audio %d %s 8 101", p.conn.LocalAddr().(*net.UDPAddr).Port, proto), "a=rtpmap:101 telephone-event/8000",
	}, attributes...)
	return []byte(strings.Join(lines, "\r\n") + "\r\n")
}

// told takes the description that the party was sent.
func (p *party) told(sdp []byte) description.Media {
	p.t.Helper()
	d, err := description.Parse(sdp)
	if err != nil || len(d.Media) != 1 || d.Media[0].Port == 0 {
		p.t.Fatalf("%v in\n%s", err, sdp)
	}
	m := d.Media[0]
	p.to = netip.AddrPortFrom(m.Address, m.Port)
	return m
}

// packet makes the next packet of the party's stream, with a payload of one octet again and again.
func (p *party) packet(octet byte) []byte {
	p.seq++
	b, err := (&rtp.Packet{
		Header:  rtp.Header{Version: 2, PayloadType: 8, SequenceNumber: p.seq, Timestamp: uint32(p.seq) * 160, SSRC: uint32(octet)},
		Payload: bytes.Repeat([]byte{octet}, 160),
	}).Marshal()
	if err != nil {
		p.t.Fatal(err)
	}
	return b
}

// hears sends packets of one party, made by next, until the other has one whose payload is the octet; read turns what arrives into plain RTP.
func hears(from, to *party, octet byte, next func([]byte) []byte, read func([]byte) []byte) bool {
	b := make([]byte, 2000)
	for range 50 {
		if _, err := from.conn.WriteToUDPAddrPort(next(from.packet(octet)), from.to); err != nil {
			from.t.Fatal(err)
		}
		_ = to.conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		n, _, err := to.conn.ReadFromUDPAddrPort(b)
		if err != nil {
			continue
		}
		var got rtp.Packet
		if plain := read(bytes.Clone(b[:n])); plain != nil && got.Unmarshal(plain) == nil && bytes.Equal(got.Payload, bytes.Repeat([]byte{octet}, 160)) {
			return true
		}
	}
	return false
}

func same(b []byte) []byte { return b }

func (p *party) pass(f *ng.Farm, to *party, role media.Role, sdp []byte, o media.Options) []byte {
	p.t.Helper()
	type result struct {
		sdp []byte
		err error
	}
	got := make(chan result, 1)
	f.Pass(p.leg, to.leg, role, sdp, o, func(sdp []byte, err error) { got <- result{sdp, err} })
	r := <-got
	if r.err != nil {
		p.t.Fatal(r.err)
	}
	return r.sdp
}

func TestRtpengineRelaysACallAndItsHold(t *testing.T) {
	t.Parallel()
	f := farmOf(t, startRtpengine(t))
	alice, bob := newParty(t, f, "hold"), newParty(t, f, "hold")
	offered := alice.pass(f, bob, media.RoleOffer, alice.sdp("RTP/AVP"), media.Options{})
	bob.told(offered)
	if !bytes.HasPrefix(offered, []byte("v=0\r\no=- ")) {
		t.Errorf("the origin is not ours:\n%s", offered)
	}
	alice.told(bob.pass(f, alice, media.RoleAnswer, bob.sdp("RTP/AVP"), media.Options{}))
	if !hears(alice, bob, 1, same, same) || !hears(bob, alice, 2, same, same) {
		t.Error("they do not hear each other")
	}
	before := alice.to

	type result struct {
		sdp []byte
		err error
	}
	got := make(chan result, 1)
	f.Hold(alice.leg, true, func(sdp []byte, err error) { got <- result{sdp, err} })
	held := <-got
	if held.err != nil || alice.told(held.sdp).Direction != description.SendOnly || alice.to != before {
		t.Fatalf("hold: %v\n%s", held.err, held.sdp)
	}
	accepted := make(chan error, 1)
	f.Accept(alice.leg, alice.sdp("RTP/AVP", "a=recvonly"), media.Options{}, func(err error) { accepted <- err })
	if err := <-accepted; err != nil {
		t.Fatal(err)
	}
	if !hears(bob, alice, 3, same, same) {
		t.Error("no music on hold")
	}
	// A re-INVITE of bob's keeps ports.
	bobAt := bob.to
	alice.told(bob.pass(f, alice, media.RoleOffer, bob.sdp("RTP/AVP"), media.Options{}))
	bob.told(alice.pass(f, bob, media.RoleAnswer, alice.sdp("RTP/AVP"), media.Options{}))
	if alice.to != before || bob.to != bobAt {
		t.Errorf("ports move from %v and %v to %v and %v", before, bobAt, alice.to, bob.to)
	}
	if !hears(alice, bob, 4, same, same) || !hears(bob, alice, 5, same, same) {
		t.Error("they do not hear each other again")
	}
	f.Close(alice.leg)
	f.Close(bob.leg)
	for range 100 {
		if f.Close(alice.leg).Received.Packets+f.Close(bob.leg).Received.Packets > 4 {
			break
		}
		time.Sleep(20 * time.Millisecond) // figures come with the answer to what Close has sent
	}
	if hears(alice, bob, 6, same, same) {
		t.Error("the call is not over")
	}
	if s := f.Close(bob.leg); s.Received.Packets < 3 || s.Received.Bytes == 0 {
		t.Errorf("figures %+v", s)
	}
}

func TestRtpengineEncryptsOneSide(t *testing.T) {
	t.Parallel()
	f := farmOf(t, startRtpengine(t))
	alice, bob := newParty(t, f, "srtp"), newParty(t, f, "srtp")
	o := media.Options{SRTP: description.SRTPRequired, Suites: []description.Suite{description.AES128GCM}, Audio: []string{"PCMA"}}
	m := bob.told(alice.pass(f, bob, media.RoleOffer, alice.sdp("RTP/AVP"), o))
	if m.Proto != "RTP/SAVP" || len(m.Crypto) != 1 || m.Crypto[0].Suite != description.AES128GCM {
		t.Fatalf("bob is offered %s with %d keys", m.Proto, len(m.Crypto))
	}
	key := bytes.Repeat([]byte{7}, 28)
	answer := bob.sdp("RTP/SAVP", fmt.Sprintf("a=crypto:%d AEAD_AES_128_GCM inline:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBw==", m.Crypto[0].Tag))
	if back := alice.told(bob.pass(f, alice, media.RoleAnswer, answer, media.Options{})); back.Proto != "RTP/AVP" || len(back.Crypto) != 0 {
		t.Fatalf("alice is answered %s with %d keys", back.Proto, len(back.Crypto))
	}
	out := cryptoContext(t, key)
	in := cryptoContext(t, m.Crypto[0].Key)
	encrypt := func(b []byte) []byte {
		b, err := out.EncryptRTP(nil, b, nil)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	decrypt := func(b []byte) []byte {
		b, err := in.DecryptRTP(nil, b, nil)
		if err != nil {
			return nil
		}
		return b
	}
	if !hears(bob, alice, 1, encrypt, same) {
		t.Error("alice does not hear what bob has encrypted")
	}
	if !hears(alice, bob, 2, same, decrypt) {
		t.Error("bob cannot read what comes from alice")
	}
}

func cryptoContext(t *testing.T, key []byte) *srtp.Context {
	t.Helper()
	c, err := srtp.CreateContext(key[:16], key[16:], srtp.ProtectionProfileAeadAes128Gcm)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestRtpengineAnswersAndIsConnectedLater(t *testing.T) {
	t.Parallel()
	f := farmOf(t, startRtpengine(t))
	alice, bob := newParty(t, f, "ivr"), newParty(t, f, "ivr")
	type result struct {
		sdp []byte
		err error
	}
	got := make(chan result, 1)
	f.Answer(alice.leg, alice.sdp("RTP/AVP"), media.Options{}, func(sdp []byte, err error) { got <- result{sdp, err} })
	r := <-got
	if r.err != nil {
		t.Fatal(r.err)
	}
	alice.told(r.sdp)
	first := alice.to
	// What alice sends goes nowhere until bob is dialled on her behalf and answers; her ports stay.
	bob.told(alice.pass(f, bob, media.RoleOffer, alice.sdp("RTP/AVP"), media.Options{}))
	alice.told(bob.pass(f, alice, media.RoleAnswer, bob.sdp("RTP/AVP"), media.Options{}))
	f.Connect(alice.leg, bob.leg)
	if alice.to != first {
		t.Errorf("alice's port moves from %v to %v", first, alice.to)
	}
	if !hears(alice, bob, 1, same, same) || !hears(bob, alice, 2, same, same) {
		t.Error("they do not hear each other")
	}
	f.Part(alice.leg)
	time.Sleep(100 * time.Millisecond) // the command crosses the loopback
	if hears(alice, bob, 3, same, same) {
		t.Error("parted, and heard")
	}
	// Bob goes, and carol takes his place.
	carol := newParty(t, f, "ivr")
	f.Close(bob.leg)
	carol.told(alice.pass(f, carol, media.RoleOffer, alice.sdp("RTP/AVP"), media.Options{}))
	alice.told(carol.pass(f, alice, media.RoleAnswer, carol.sdp("RTP/AVP"), media.Options{}))
	f.Connect(alice.leg, carol.leg)
	if !hears(alice, carol, 4, same, same) || !hears(carol, alice, 5, same, same) {
		t.Error("alice and carol do not hear each other")
	}
}

func TestNewCallsOutliveAnRtpengine(t *testing.T) {
	t.Parallel()
	one, two := startRtpengine(t), startRtpengine(t)
	f := farmOf(t, one, two)
	old := newParty(t, f, "old")
	peer := newParty(t, f, "old")
	peer.told(old.pass(f, peer, media.RoleOffer, old.sdp("RTP/AVP"), media.Options{}))
	one.stop()
	alice, bob := newParty(t, f, "new"), newParty(t, f, "new")
	// The dead one's turn comes at the second call at the latest.
	for _, id := range []string{"a", "b"} {
		x, y := newParty(t, f, id), newParty(t, f, id)
		y.told(x.pass(f, y, media.RoleOffer, x.sdp("RTP/AVP"), media.Options{}))
	}
	bob.told(alice.pass(f, bob, media.RoleOffer, alice.sdp("RTP/AVP"), media.Options{}))
	alice.told(bob.pass(f, alice, media.RoleAnswer, bob.sdp("RTP/AVP"), media.Options{}))
	if !hears(alice, bob, 1, same, same) || !hears(bob, alice, 2, same, same) {
		t.Error("they do not hear each other")
	}
	got := make(chan error, 1)
	f.Pass(peer.leg, old.leg, media.RoleAnswer, peer.sdp("RTP/AVP"), media.Options{}, func(_ []byte, err error) { got <- err })
	if err := <-got; !errors.Is(err, ng.ErrUnreachable) {
		t.Errorf("the call that was there: %v", err)
	}
}
