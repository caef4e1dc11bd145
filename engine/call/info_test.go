package call_test

import (
	"testing"

	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

func TestB114InfoPassesBothWays(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		alice, bob, _, _ := s.up(nil, nil)
		const digit = "Signal=5\r\nDuration=160\r\n"
		alice.Request(sip.INFO, siptest.Body("application/dtmf-relay", digit), siptest.Header("X-Secret", "1"))
		s.alice.Expect("200 INFO", soon)
		info := s.bob.Expect(sip.INFO, soon)
		if string(info.Body()) != digit || header(info, "Content-Type") != "application/dtmf-relay" || header(info, "X-Secret") != "" {
			t.Errorf("the callee gets\n%v", info)
		}
		s.bob.Reply(info, 200)
		bob.Request(sip.INFO, siptest.Body("application/media_control+xml", "<x/>"))
		s.bob.Expect("200 INFO", soon)
		info = s.alice.Expect(sip.INFO, soon)
		if string(info.Body()) != "<x/>" {
			t.Errorf("the caller gets\n%v", info)
		}
		s.alice.Reply(info, 200)
		s.down(alice)
	})
}

func TestB114InfoThatGoesNoFurther(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		alice, _, _, _ := s.up(nil, nil)
		alice.Request(sip.INFO)
		s.alice.Expect("200 INFO", soon)
		alice.Request(sip.INFO, siptest.Header("Info-Package", "nonsense"), siptest.Body("text/plain", "x"))
		if r := s.alice.Expect("469 INFO", soon); !hasField(r, "Recv-Info") {
			t.Errorf("an unknown package is refused with\n%v", r)
		}
		s.down(alice)
		alice.Request(sip.INFO)
		s.alice.Expect("481 INFO", soon)
	})
}

func hasField(m *sip.Message, name string) bool {
	_, ok := m.Get(name)
	return ok
}

func TestMessagePassesInADialog(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		alice, _, _, _ := s.up(nil, nil)
		alice.Request(sip.MESSAGE, siptest.Body("text/plain", "hello"))
		ok := s.alice.Expect("200 MESSAGE", soon)
		if len(ok.Body()) > 0 || ok.Has(sip.Contact) {
			t.Errorf("answered with\n%v", ok)
		}
		m := s.bob.Expect(sip.MESSAGE, soon)
		if string(m.Body()) != "hello" || m.Has(sip.Contact) {
			t.Errorf("the callee gets\n%v", m)
		}
		s.bob.Reply(m, 200)
		s.down(alice)
	})
}

func TestB113OptionsInADialogChangesNothing(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		alice, bob, _, _ := s.up(nil, nil)
		for ua, d := range map[*siptest.UA]*siptest.Dialog{s.alice: alice, s.bob: bob} {
			d.Request(sip.OPTIONS)
			ok := ua.Expect("200 OPTIONS", soon)
			for _, name := range []string{"Allow", "Accept", "Supported"} {
				if header(ok, name) == "" {
					t.Errorf("no %s in\n%v", name, ok)
				}
			}
		}
		s.bob.ExpectNone(soon)
		s.down(alice)
	})
}

// Requests in a dialog that no leg takes, and such as are out of order.
func TestB097B112RequestsThatAreRefused(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		alice, _, _, _ := s.up(nil, nil)
		rows := []struct {
			method  string
			options []siptest.Option
			want    string
			field   string
		}{
			{"WATCH", nil, "501 WATCH", ""},
			{sip.PUBLISH, nil, "405 PUBLISH", "Allow"},
			{sip.SUBSCRIBE, []siptest.Option{siptest.Header("Event", "refer")}, "403 SUBSCRIBE", ""},
			{sip.INFO, []siptest.Option{requires("precondition")}, "420 INFO", "Unsupported"},
			{sip.UPDATE, []siptest.Option{siptest.Body("text/plain", "x")}, "415 UPDATE", "Accept"},
		}
		for _, row := range rows {
			alice.Request(row.method, row.options...)
			if r := s.alice.Expect(row.want, soon); row.field != "" && header(r, row.field) == "" {
				t.Errorf("no %s in\n%v", row.field, r)
			}
		}
		alice.Request(sip.INFO, siptest.Set("CSeq", "2 INFO"))
		s.alice.Expect("500 INFO", soon)
		alice.CSeq += 100
		alice.Request(sip.INFO)
		s.alice.Expect("200 INFO", soon)
		s.down(alice)
	})
}
