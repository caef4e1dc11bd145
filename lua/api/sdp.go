package api

import (
	lua "github.com/yuin/gopher-lua"

	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/engine/media/description"
	"github.com/sipscript/sipscript/lua/rt"
)

// sdpType documents sdpTable.
const sdpType = "{media: {kind: string, port: integer, proto: string, direction: string, address?: string, " +
	"codecs: {payload?: integer, name?: string, rate?: integer, channels?: integer, fmtp?: string}[]}[]}"

func getSDP(L *lua.LState, object any) lua.LValue {
	o := object.(*request)
	if o.sdp == nil {
		o.sdp = lua.LNil
		if sdp := call.Described(o.peek()); sdp != nil {
			rt.Charge(L, len(sdp)/16)
			if d, err := description.Parse(sdp); err == nil {
				o.sdp = rt.VMOf(L).ReadOnly(sdpTable(L, d))
			}
		}
	}
	return o.sdp
}

// sdpTable is what a description says about its media.
func sdpTable(L *lua.LState, d *description.Description) *lua.LTable {
	list := L.CreateTable(len(d.Media), 0)
	for i := range d.Media {
		list.Append(mediaLineTable(L, &d.Media[i]))
	}
	t := L.CreateTable(0, 1)
	t.RawSetString("media", list)
	return t
}

func mediaLineTable(L *lua.LState, m *description.Media) *lua.LTable {
	t := L.CreateTable(0, 6)
	t.RawSetString("kind", lua.LString(m.Kind))
	t.RawSetString("port", lua.LNumber(m.Port))
	t.RawSetString("proto", lua.LString(m.Proto))
	t.RawSetString("direction", lua.LString(m.Direction.String()))
	switch {
	case m.Address.IsValid():
		t.RawSetString("address", lua.LString(m.Address.String()))
	case m.Host != "":
		t.RawSetString("address", lua.LString(m.Host))
	}
	codecs := L.CreateTable(len(m.Formats), 0)
	for i := range m.Formats {
		codecs.Append(codecTable(L, &m.Formats[i]))
	}
	t.RawSetString("codecs", codecs)
	return t
}

// codecTable is one format of an m-line. Of one that is no RTP payload, as t38, only the name is known.
func codecTable(L *lua.LState, f *description.Format) *lua.LTable {
	t := L.CreateTable(0, 5)
	if f.Payload == description.NoPayload {
		t.RawSetString("name", lua.LString(f.Token))
		return t
	}
	t.RawSetString("payload", lua.LNumber(f.Payload))
	if f.Name != "" {
		t.RawSetString("name", lua.LString(f.Name))
		t.RawSetString("rate", lua.LNumber(f.Clock))
		t.RawSetString("channels", lua.LNumber(f.Channels))
	}
	if f.Parameters != "" {
		t.RawSetString("fmtp", lua.LString(f.Parameters))
	}
	return t
}
