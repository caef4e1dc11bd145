package transaction

import (
	"strings"

	"github.com/sipscript/sipscript/sip"
)

// method is the number of a method that is known by name.
type method uint8

// methods are those a CANCEL may name, first the one that nearly every CANCEL names, and CANCEL.
var methods = [...]string{
	sip.INVITE, sip.BYE, sip.REGISTER, sip.OPTIONS, sip.MESSAGE, sip.INFO, sip.UPDATE, sip.PRACK, sip.REFER, sip.NOTIFY,
	sip.SUBSCRIBE, sip.PUBLISH, sip.CANCEL,
}

func methodOf(name string) (m method, known bool) {
	for i, known := range methods {
		if name == known {
			return method(i), true
		}
	}
	return 0, false
}

func (m method) String() string { return methods[m] }

// lasting returns a method that does not keep its message in memory: a transaction outlives the message it came from.
func lasting(name string) string {
	if name == sip.ACK {
		return sip.ACK
	}
	if m, known := methodOf(name); known {
		return m.String()
	}
	return strings.Clone(name)
}
