// Package pages takes memory from the operating system that the garbage collector neither walks through nor counts.
//
// A collection costs time for all there is on the heap, garbage too, and comes when the heap has doubled. What there is
// a lot of, has no pointer and knows its own end, a finished transaction or a receive buffer, is better kept here: the
// heap stays small, and with it each collection, and memory that nobody needs any more goes back at once.
package pages
