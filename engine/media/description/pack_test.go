package description

import (
	"math/rand/v2"
	"net/netip"
	"reflect"
	"testing"
	"unsafe"
)

// notPacked are the members that have no part in a side at rest: keys, the source of chance, and what was received, of which the times are left.
var notPacked = []string{"Encrypt", "Decrypt", "Crypto", "Random", "received", "offered []SDES"}

// fill gives every member of v, exported or not, a value of its own.
func fill(v reflect.Value, r *rand.Rand) {
	if a, ok := v.Addr().Interface().(*netip.Addr); ok {
		var b [16]byte
		for i := range b {
			b[i] = byte(1 + r.IntN(255))
		}
		*a = netip.AddrFrom16(b)
		return
	}
	if p, ok := v.Addr().Interface().(*netip.AddrPort); ok {
		var a netip.Addr
		fill(reflect.ValueOf(&a).Elem(), r)
		*p = netip.AddrPortFrom(a, uint16(1+r.IntN(65535)))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			name := v.Type().Field(i).Name
			if name == "offered" && v.Field(i).Kind() == reflect.Slice {
				name += " []SDES"
			}
			skip := false
			for _, n := range notPacked {
				skip = skip || n == name
			}
			if !skip {
				f := v.Field(i)
				fill(reflect.NewAt(f.Type(), unsafe.Pointer(f.UnsafeAddr())).Elem(), r)
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(v.Index(i), r)
		}
	case reflect.String:
		v.SetString(string(rune('a' + r.IntN(26))))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Uint8:
		v.SetUint(1 + r.Uint64N(255))
	case reflect.Uint16:
		v.SetUint(1 + r.Uint64N(65535))
	case reflect.Uint32, reflect.Uint64:
		v.SetUint(1 + r.Uint64N(1<<31))
	case reflect.Int:
		v.SetInt(1 + r.Int64N(1<<31))
	default:
		panic("a member of a kind that no side had: " + v.Type().String())
	}
}

func TestEveryMemberOfASideIsPacked(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	want := make([]*Side, 2)
	for i := range want {
		want[i] = new(Side)
		fill(reflect.ValueOf(want[i]).Elem(), r)
	}
	packed := Pack(want...)
	if packed == nil {
		t.Fatal("not packed")
	}
	got := packed.Unpack()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("unpacked %+v\nwant %+v", got[0], want[0])
	}
}

func TestAPackedSideKeepsTheTimesThatItHasReceived(t *testing.T) {
	t.Parallel()
	d, err := Parse(lines(`
		v=0
		o=- 1 1 IN IP4 192.0.2.9
		s=-
		c=IN IP4 192.0.2.9
		t=3724394400 3724398000
		r=7d 1h 0 25h
		m=audio 5000 RTP/AVP 0`))
	if err != nil {
		t.Fatal(err)
	}
	var s Side
	if err := s.Receive(d, Offer); err != nil {
		t.Fatal(err)
	}
	got := Pack(&s).Unpack()[0].Received()
	if got.times() != "t=3724394400 3724398000\r\nr=7d 1h 0 25h\r\n" || len(got.Media) != 1 {
		t.Errorf("%d m-lines, times %q", len(got.Media), got.times())
	}
}

func TestASideWithKeysIsNotPacked(t *testing.T) {
	t.Parallel()
	key := SDES{Tag: 1, Suite: AES128SHA80}
	for name, l := range map[string]Line{
		"agreed":   {Encrypt: &key},
		"received": {Remote: Media{Crypto: []SDES{key}}},
		"offered":  {offered: []SDES{key}},
	} {
		if Pack(&Side{Lines: []Line{l}}) != nil {
			t.Errorf("%s: packed", name)
		}
	}
}
