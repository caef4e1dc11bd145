// Package api is what scripts can call: one file per module, one table per module. The table makes the binding, the
// phase check and the reference page, so that none can drift from the others.
package api
