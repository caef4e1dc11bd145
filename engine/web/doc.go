// Package web is what this server asks of others by HTTP: for scripts, and for prompts that are somewhere else. What it
// waits for it waits for in a pool, beside the shards.
package web
