// Package media relays the media of calls: RTP, SRTP and RTCP between two legs, and what else an m-line names, as datagrams.
//
// A Terminal is the media of one leg: for each m-line of its session description a port for RTP and one for RTCP, or one for both. Two terminals
// are connected, parted, and connected to others while their calls last. A Backend keeps terminals and rewrites session descriptions so that
// media passes through them. Relay is the Backend of this process; package ng is another one, which commands a farm of rtpengines.
//
// # The path of a packet
//
// A socket belongs to one relay thread. What the thread has received goes through [port.treat], which reads no clock and does no input or output:
// it looks at the packet's first bytes, its source, the state of the port and the route to the other leg, and says which port sends what bytes
// where. So the same treatment runs in the threads that wait on epoll, and over the network of a simulation. A packet crosses no channel and
// allocates nothing.
//
// # Whose packets are taken
//
// A port takes packets from whom the description of its leg allows: from the address and port described, and, as phones behind a NAT describe what
// they cannot know, from the first source that sends valid packets, once. From then on the port is locked to that source, and only a new
// description unlocks it. Otherwise anybody who sends to an open port hears the call (RTP bleed) or speaks in it.
//
// # What this server says itself
//
// A [Voice] is the server's own end of a terminal, a [Room] brings several together. They are served by the [pacer] of a relay thread, a frame each 20 ms.
// What is asked of them is carried out at the next frame, so that what belongs to that thread needs no lock, and none is held while sources, sinks
// and those who wait are called.
//
// # Locks
//
// Each stream has one lock for what comes in and one for what goes out, held for the treatment of one packet; the second may be taken under the first.
// Under the first a socket is connected to the source it has latched to, so that the latch and the socket cannot differ: once a call. The lock of a port
// pool is a leaf. A terminal has a lock that orders changes of its description, held while sockets are opened; under it the wiring of the relay may be
// taken, which says who is connected to whom. Behind that comes the lock of a voice, held for what packets and frames share, never while the locks of a
// stream are taken; and behind it that of a pacer, a leaf.
package media
