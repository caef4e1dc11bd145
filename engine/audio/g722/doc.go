// Package g722 is ITU-T G.722 at 64 kbit/s: 7 kHz of sound in two sub-bands, 16 bits of two samples in one octet.
package g722
