package description

// Payloads says which payload type each payload type becomes on its way from one peer to the other; Drop for those that have none.
type Payloads [128]uint8

// Drop is the number of a payload type whose packets are dropped: the other peer uses its number for another format.
const Drop = NoPayload

// Renumber returns how the payload types of one peer become those of another: sender is what was written to the one who sends (Line.Local of
// its side), receiver what came from the one who receives (Line.Remote of its side). It is nil if nothing changes. Payload types that nobody has
// described stay what they are, unless they would be taken for something else.
func Renumber(sender, receiver []Format) *Payloads {
	var p Payloads
	for n := range p {
		p[n] = uint8(n)
	}
	var taken payloads
	changed := false
	for pass := range 2 {
		for i := range sender {
			f := sender[i]
			if f.Payload == NoPayload || f.refers() != (pass == 1) {
				continue
			}
			if old, ok := number(f.parameter("apt"), 127); ok && f.Is("rtx") {
				f.Parameters = f.repeating(p[old])
			}
			to := uint8(Drop)
			if j := find(receiver, &f, &taken); j >= 0 {
				to = receiver[j].Payload
				taken.take(to)
			} else if !isBound(receiver, f.Payload) {
				to = f.Payload
			}
			if p[f.Payload] != to {
				p[f.Payload], changed = to, true
			}
		}
	}
	if !changed {
		return nil
	}
	return &p
}
