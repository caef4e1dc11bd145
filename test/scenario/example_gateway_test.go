package scenario

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/resolve"
	"github.com/sipscript/sipscript/sip/siptest"
)

// gateways plays a test with the gateway example, its PBX and three gateways.
func gateways(t *testing.T, ladder string, f func(t *testing.T, srv *Server, pbx *siptest.UA, gw [3]*siptest.UA)) {
	t.Helper()
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		srv := Start(t, s, Example(t, "gateway.lua"), Options{Names: resolve.Static{
			"gw1.example.net": {netip.MustParseAddr("192.0.2.21")},
			"gw2.example.net": {netip.MustParseAddr("192.0.2.22")},
			"gw3.example.net": {netip.MustParseAddr("192.0.2.23")},
		}})
		nameServer(s)
		pbx := s.UA("pbx", "192.0.2.10:5060", sip.UDP).Reliable()
		f(t, srv, pbx, [3]*siptest.UA{
			s.UA("gw1", "192.0.2.21:5060", sip.UDP).AutoAnswer(time.Second),
			s.UA("gw2", "192.0.2.22:5060", sip.UDP).AutoAnswer(time.Second),
			s.UA("gw3", "192.0.2.23:5060", sip.UDP).AutoAnswer(time.Second),
		})
		siptest.Golden(t, "testdata/gateway_"+ladder+".ladder", s.Ladder())
	})
}

func dial(pbx *siptest.UA) *sip.Message {
	return pbx.Request(sip.INVITE, "sip:+4930123456@192.0.2.1", siptest.SDP(pbx.Addr().Addr()), siptest.Header("X-Internal", "extension 42"))
}

func answered(pbx *siptest.UA, within time.Duration) {
	d := pbx.Dialog(pbx.Expect("200 INVITE", within))
	d.ACK()
	time.Sleep(time.Second)
	d.BYE()
	pbx.Expect("200 BYE", time.Second)
}

func TestGatewayExampleCallsByTheFirstGateway(t *testing.T) {
	gateways(t, "first", func(t *testing.T, srv *Server, pbx *siptest.UA, gw [3]*siptest.UA) {
		gw[0].Handle(nil)
		dial(pbx)
		invite := gw[0].Expect(sip.INVITE, time.Second)
		if uri := invite.URIText(); uri != "sip:+4930123456@gw1.example.net" {
			t.Errorf("request URI %q", uri)
		}
		if _, leaked := invite.Get("X-Internal"); leaked {
			t.Error("the gateway sees what only the PBX should know")
		}
		gw[0].Reply(invite, 486)
		pbx.Expect("486", time.Second)
		time.Sleep(time.Second) // for the ACKs
	})
}

func TestGatewayExampleGoesOnWhenAGatewayIsDead(t *testing.T) {
	gateways(t, "dead", func(t *testing.T, srv *Server, pbx *siptest.UA, gw [3]*siptest.UA) {
		gw[0].Handle(func(*sip.Message) {})
		dial(pbx)
		answered(pbx, 5*time.Second)
		if !strings.Contains(srv.Log.String(), `msg="gateway failed"`) || !strings.Contains(srv.Log.String(), "gateway=sip:+4930123456@gw1.example.net") {
			t.Errorf("the dead gateway is not in the log:\n%s", srv.Log)
		}
	})
}

func TestGatewayExampleGoesOnWhenAGatewayIsGone(t *testing.T) {
	gateways(t, "gone", func(t *testing.T, srv *Server, pbx *siptest.UA, gw [3]*siptest.UA) {
		gw[0].Close()
		gw[1].AutoReply(503)
		dial(pbx)
		answered(pbx, 5*time.Second)
	})
}

func TestGatewayExampleLeavesItAtTheCalleesAnswer(t *testing.T) {
	gateways(t, "callee", func(t *testing.T, srv *Server, pbx *siptest.UA, gw [3]*siptest.UA) {
		for _, code := range []int{404, 480, 603} {
			gw[0].AutoReply(code)
			req := dial(pbx)
			if got := pbx.Final(req).Status(); got != code {
				t.Errorf("%d arrives as %d", code, got)
			}
		}
		time.Sleep(time.Second) // for the ACKs
	})
}

func TestGatewayExampleFailsWhenAllGatewaysFail(t *testing.T) {
	gateways(t, "all", func(t *testing.T, srv *Server, pbx *siptest.UA, gw [3]*siptest.UA) {
		gw[0].AutoReply(500)
		gw[1].AutoReply(503)
		gw[2].AutoReply(502)
		dial(pbx)
		pbx.Expect("500", time.Second)
		time.Sleep(time.Second) // for the ACKs
	})
}

func TestGatewayExampleServesTrustedPBXsAndNumbersOnly(t *testing.T) {
	gateways(t, "refused", func(t *testing.T, srv *Server, pbx *siptest.UA, gw [3]*siptest.UA) {
		for _, uri := range []string{"sip:bob@192.0.2.1", "sip:192.0.2.1", "sip:0049x@192.0.2.1"} {
			if got := pbx.Final(pbx.Request(sip.INVITE, uri)).Status(); got != 484 {
				t.Errorf("%s: %d", uri, got)
			}
		}
		dial(gw[2])
		gw[2].Expect("403", time.Second)
		time.Sleep(time.Second) // for the ACKs
	})
}
