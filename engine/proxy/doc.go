// Package proxy is the transaction stateful proxy of RFC 3261 §16 and its stateless sibling of §16.11.
//
// A Context is the response context of one server transaction. Each call of Fork tries targets, group after group,
// and reports one Result; several forks of one context may follow each other (serial forking, failover, voicemail
// after busy). Responses 1xx and 2xx go upstream by themselves, a negative final only when Finish says so.
//
// Everything here belongs to one shard and is called on its goroutine only.
package proxy
