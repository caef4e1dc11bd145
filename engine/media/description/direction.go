package description

// Direction is who sends, as seen by the party that wrote it (RFC 3264 §5.1). The zero value is what holds if nothing is said. The bits are
// what a party does not do, so that two that both hold are joined by or.
type Direction uint8

// The directions.
const (
	SendRecv Direction = 0
	SendOnly Direction = 1 // does not receive
	RecvOnly Direction = 2 // does not send
	Inactive Direction = SendOnly | RecvOnly
)

var directions = [...]string{"sendrecv", "sendonly", "recvonly", "inactive"}

// String is the name of the attribute.
func (d Direction) String() string { return directions[d&Inactive] }

// Sends says whether the party sends.
func (d Direction) Sends() bool { return d&RecvOnly == 0 }

// Receives says whether the party receives.
func (d Direction) Receives() bool { return d&SendOnly == 0 }

// Reverse is the same as seen by the other party: the most that it may answer (RFC 3264 §6.1).
func (d Direction) Reverse() Direction { return d&SendOnly<<1 | d&RecvOnly>>1 }

// And is what is left if both hold.
func (d Direction) And(other Direction) Direction { return d | other }

func parseDirection(attribute string) (Direction, bool) {
	for i, name := range directions {
		if attribute == name {
			return Direction(i), true
		}
	}
	return 0, false
}
