package api

import (
	lua "github.com/yuin/gopher-lua"

	"github.com/sipscript/sipscript/lua/rt"
	"github.com/sipscript/sipscript/sip"
)

// getDiversions lists the Diversion header fields (RFC 5806 §4). What cannot be read is left out.
func getDiversions(L *lua.LState, object any) lua.LValue {
	list := L.NewTable()
	for text := range object.(*request).message().List(sip.Diversion) {
		if a, err := sip.ParseAddress(text); err == nil {
			list.Append(newAddress(rt.VMOf(L), &a))
		}
	}
	return list
}
