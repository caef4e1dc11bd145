// Package listen has ears and mouths for tests: peers of a simulated network that say what they have heard, in seconds and hertz, and that speak and press
// keys. With it a test states what a caller hears, "the prompt, then 440 Hz for 2 s", not which functions were called.
//
// Time is that of the test's bubble (testing/synctest).
package listen
