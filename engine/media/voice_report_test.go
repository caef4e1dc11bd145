package media_test

import (
	"encoding/binary"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sipscript/sipscript/test/listen"
)

func TestPeerIsSentReports(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newHall(t).guest(listen.Formats)
		g.voice.Play(tone(t, "440"), nil)
		g.Say(g.to, "PCMU", tone(t, "300"), 30*time.Second)
		g.voice.Interrupt()
		synctest.Wait()
		packets := g.Packets()
		ssrc, name, reports, sent := packets[0].SSRC, "", 0, uint32(0)
		for _, p := range packets {
			if !p.Control {
				sent++
				continue
			}
			reports++
			b := p.Body
			if b[0] != 0x81 || b[1] != 200 || binary.BigEndian.Uint16(b[2:]) != 12 || binary.BigEndian.Uint32(b[4:]) != ssrc || len(b) != 52+28 {
				t.Fatalf("%x is no sender report of %x", b, ssrc)
			}
			if at := binary.BigEndian.Uint32(b[8:]); int64(at)-2_208_988_800 != time.Date(2000, 1, 1, 0, 0, int(p.Arrived/time.Second), 0, time.UTC).Unix() {
				t.Errorf("NTP %d, %v behind midnight", at, p.Arrived)
			}
			if got := binary.BigEndian.Uint32(b[20:]); got != sent {
				t.Errorf("reports %d packets behind %d", got, sent)
			}
			if octets := binary.BigEndian.Uint32(b[24:]); octets != 160*sent {
				t.Errorf("reports %d octets behind %d packets", octets, sent)
			}
			if lost := binary.BigEndian.Uint32(b[32:]); lost != 0 {
				t.Errorf("reports a loss of %x", lost)
			}
			sdes := b[52:]
			if sdes[1] != 202 || sdes[8] != 1 || sdes[9] != 16 || name != "" && name != string(sdes[10:26]) {
				t.Errorf("source description %x", sdes)
			}
			name = string(sdes[10:26])
		}
		if reports < 4 || reports > 10 {
			t.Errorf("%d reports in 30 s", reports)
		}
	})
}

// Whoever is only listened to is told how it is heard.
func TestSilentVoiceSendsReceiverReports(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newHall(t).guest(listen.Formats)
		g.voice.Listen(&recorder{})
		go g.Say(g.to, "PCMU", tone(t, "300"), 20*time.Second)
		time.Sleep(21 * time.Second)
		synctest.Wait()
		if all := g.Packets(); len(all) == 0 || !all[0].Control || all[0].Body[1] != 201 || len(all) > 6 {
			t.Errorf("hears %v", all)
		}
	})
}
