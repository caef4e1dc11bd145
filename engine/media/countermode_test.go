package media

import (
	"bytes"
	"crypto/aes"
	"encoding/hex"
	"math/rand/v2"
	"testing"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"github.com/sipscript/sipscript/engine/media/description"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func counterModeOf(key, salt []byte, tag int, mki []byte) (*counterMode, error) {
	c := new(counterMode)
	return c, c.derive(key, salt, tag, mki)
}

// RFC 3711 §B.3: the session salt that is derived; cipher and authentication key show in what they do, below.
func TestSessionKeysAreThoseOfRFC3711(t *testing.T) {
	t.Parallel()
	c, err := counterModeOf(unhex(t, "E1F97A0D3E018BE0D64FA32C06DE4139"), unhex(t, "0EC675AD498AFEEBB6960B3AABE6"), 10, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := unhex(t, "30CBBC08863D8C85D49DB34A9AE10000"); !bytes.Equal(c.salt[:], want) {
		t.Errorf("salt %x, want %x", c.salt, want)
	}
	var inner [20]byte
	if err := padded(&inner, unhex(t, "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4"), 0x36); err != nil || inner != c.inner {
		t.Errorf("the authentication key is another one, error %v", err)
	}
}

// RFC 3711 §B.2: the keystream of a session key.
func TestKeystreamIsThatOfRFC3711(t *testing.T) {
	t.Parallel()
	c, err := counterModeOf(make([]byte, 16), make([]byte, 14), 10, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.block, err = aes.NewCipher(unhex(t, "2B7E151628AED2A6ABF7158809CF4F3C")); err != nil {
		t.Fatal(err)
	}
	copy(c.salt[:], unhex(t, "F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000"))
	b := make([]byte, 48)
	c.crypt(workspaces.Get().(*workspace), b, 0, 0)
	if want := unhex(t, "E03EAD0935C95E80E166B16DD92B4EB4D23513162B02D0F72A43A2FE4A5F97AB41E95B3BB0A2E8DD477901E4FCA894C0"); !bytes.Equal(b, want) {
		t.Errorf("keystream %x, want %x", b, want)
	}
}

// What is sealed here pion opens, and the other way round: whatever the header, over the end of the sequence numbers, with packets lost and late.
func TestCounterModeAgreesWithPion(t *testing.T) {
	t.Parallel()
	for _, suite := range []description.Suite{description.AES128SHA80, description.AES128SHA32} {
		for _, mki := range [][]byte{nil, {1, 2, 3, 4}} {
			random := rand.New(rand.NewPCG(1, uint64(suite)))
			key := keyOf(suite, 9)
			own := make([]*counterMode, 2)
			theirs := make([]*srtp.Context, 2)
			for i := range own {
				var err error
				if own[i], err = counterModeOf(key[:16], key[16:], tags[suite], mki); err != nil {
					t.Fatal(err)
				}
				if theirs[i], err = srtp.CreateContext(key[:16], key[16:], profiles[suite], srtp.MasterKeyIndicator(mki)); err != nil {
					t.Fatal(err)
				}
			}
			order := make([]uint32, 200_000/50)
			for i := range order {
				order[i] = 65_000 + uint32(i)*50 + uint32(random.IntN(40))
			}
			for i := 0; i+1 < len(order); i += 2 + random.IntN(5) {
				order[i], order[i+1] = order[i+1], order[i]
			}
			for _, n := range order {
				p := rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 8, SequenceNumber: uint16(n), Timestamp: n, SSRC: uint32(random.IntN(3))}}
				for range random.IntN(3) {
					p.CSRC = append(p.CSRC, random.Uint32())
				}
				if random.IntN(4) == 0 {
					if err := p.SetExtension(1, []byte{1, 2, 3}); err != nil {
						t.Fatal(err)
					}
				}
				p.Payload = make([]byte, random.IntN(600))
				for i := range p.Payload {
					p.Payload[i] = byte(random.Uint32())
				}
				plain, err := p.Marshal()
				if err != nil {
					t.Fatal(err)
				}
				h, ok := readRTP(plain)
				if !ok {
					t.Fatalf("%x", plain)
				}
				sealed, err := own[0].seal(buffer(plain), &h)
				if err != nil {
					t.Fatalf("packet %d: %v", n, err)
				}
				want, err := theirs[0].EncryptRTP(nil, plain, nil)
				if err != nil || !bytes.Equal(sealed, want) {
					t.Fatalf("packet %d, error %v:\n%x\n%x", n, err, sealed, want)
				}
				if got, err := theirs[1].DecryptRTP(nil, sealed, nil); err != nil || !bytes.Equal(got, plain) {
					t.Fatalf("pion opens %x, error %v", got, err)
				}
				if got, err := own[1].open(buffer(want), &h); err != nil || !bytes.Equal(got, plain) {
					t.Fatalf("opened %x, error %v", got, err)
				}
			}
		}
	}
}

// No index is used twice, in either direction (RFC 3711 §3.3.2, §9.1).
func TestNoIndexIsUsedTwice(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		before []uint64 // as they come
		index  uint64
		seen   bool
	}{
		{"first", nil, 7, false},
		{"the same", []uint64{7}, 7, true},
		{"next", []uint64{7}, 8, false},
		{"one late", []uint64{6, 8}, 7, false},
		{"one late again", []uint64{6, 8, 7}, 7, true},
		{"just in the window", []uint64{7, 7 + window - 1}, 7, true},
		{"new, just in the window", []uint64{6, 7 + window - 1}, 7, false},
		{"just out of it", []uint64{6, 7 + window}, 7, true},
		{"moved by less than a word", []uint64{1, 40, 70}, 40, true},
		{"moved by a word", []uint64{1, 65}, 1, true},
		{"moved by more than a word", []uint64{1, 2, 100}, 2, true},
		{"not used, moved by more than a word", []uint64{1, 3, 100}, 2, false},
		{"moved by all", []uint64{1, 1000}, 1000, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var s source
			for _, index := range tc.before {
				if !s.seen(index) {
					s.use(index)
				}
			}
			if got := s.seen(tc.index); got != tc.seen {
				t.Errorf("seen %v", got)
			}
		})
	}
}

// RFC 3711 §3.3.1: the rollover counter of a packet is guessed from the highest one.
func TestIndexIsGuessed(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		highest  uint64
		sequence uint16
		want     uint64
		ok       bool
	}{
		{5, 6, 6, true},
		{5, 4, 4, true},
		{5, 65530, 0, false}, // before the first
		{65535, 0, 65536, true},
		{65536, 65535, 65535, true},
		{3<<16 | 40000, 7000, 4<<16 | 7000, true},
		{3<<16 | 40000, 7232, 3<<16 | 7232, true},
		{3<<16 | 7000, 39769, 2<<16 | 39769, true},
		{3<<16 | 7000, 39768, 3<<16 | 39768, true},
		{lastIndex, 1, lastIndex + 2, false}, // the key is used up
	} {
		s := source{started: true, highest: tc.highest}
		if got, ok := s.index(tc.sequence); ok != tc.ok || ok && got != tc.want {
			t.Errorf("%d after %d: %d, %v, want %d, %v", tc.sequence, tc.highest, got, ok, tc.want, tc.ok)
		}
	}
}
